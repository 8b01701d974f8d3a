#!/usr/bin/env bash
# The inner loop, `make check`: lint, and the fast tests but those of the files below, in 90 s at most on 2 quiet cores.
set -euo pipefail
cd "$(dirname "$0")/.."
HEAVY=(benchmarks degraded device example figures models network nuisances observing outputs posterior posteriors real_stars
    recompute scale seam stress survey tower work_kept)

ignored=()
for name in "${HEAVY[@]}"; do ignored+=("--ignore=tests/test_$name.py"); done
tests/lint.sh
printf '\n== fast tests\n'
pytest -n 2 -m "not slow" -q "${ignored[@]}" "$@"
