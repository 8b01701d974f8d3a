"""``python -m gravispec`` is the command ``gravispec``."""

from gravispec.cli import main

main(prog_name="gravispec")
