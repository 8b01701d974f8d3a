#!/usr/bin/env bash
# What has to hold before any test: `make lint`, and the first step of all checks.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; "$@"; }

step ruff check .
step ruff format --check .
step snakefmt --check Snakefile workflow
step snakemake --lint
