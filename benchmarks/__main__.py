"""``python -m benchmarks``: ``benchmarks.run``. A file of its own, because contenders' processes import it again."""

if __name__ == "__main__":
    from benchmarks.run import main

    main()
