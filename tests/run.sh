#!/usr/bin/env bash
# All checks of the project; `make test` sets up the environment and calls this. MIN_TESTS guards against tests that vanish.
set -euo pipefail
cd "$(dirname "$0")/.."
MIN_TESTS=2300

step() { printf '\n== %s\n' "$*"; "$@"; }

tests/lint.sh
found=$(pytest --collect-only -q | grep -c '::') || true
if [ "$found" -lt "$MIN_TESTS" ]; then
    echo "only $found tests were found, at least $MIN_TESTS are expected"
    exit 1
fi
step pytest -n 2 --durations=30 "$@"
