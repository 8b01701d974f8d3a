#!/usr/bin/env bash
# All checks of the project; `make test` sets up the environment and calls this. MIN_TESTS guards against tests that vanish.
set -euo pipefail
cd "$(dirname "$0")/.."
MIN_TESTS=2000

step() { printf '\n== %s\n' "$*"; "$@"; }

step ruff check .
step ruff format --check .
step snakefmt --check Snakefile workflow
step snakemake --lint
found=$(pytest --collect-only -q | grep -c '::') || true
if [ "$found" -lt "$MIN_TESTS" ]; then
    echo "only $found tests were found, at least $MIN_TESTS are expected"
    exit 1
fi
# tests that run the workflow leave a core idle most of the time: the others take it
fast=$(mktemp)
trap 'kill %1 2>/dev/null; rm -f "$fast"' EXIT
pytest -m "not slow" --durations=10 "$@" >"$fast" 2>&1 &
slow=0
step pytest -m slow --durations=10 "$@" || slow=$?
others=0
wait %1 || others=$?
printf '\n== pytest -m "not slow"\n'
cat "$fast"
exit $((slow || others))
