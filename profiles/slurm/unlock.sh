#!/usr/bin/env bash
# After Snakemake itself was killed: cancel the Slurm jobs of this folder that it left behind, then unlock the folder.
set -euo pipefail

left() {
    squeue --me --noheader --format='%A|%j|%Z' | awk -F'|' -v here="$(pwd -P)" '$2 ~ /^gravispec_/ && $3 == here {print $1}'
}

left | xargs --no-run-if-empty --verbose scancel
while [ -n "$(left)" ]; do sleep 1; done
snakemake --unlock
