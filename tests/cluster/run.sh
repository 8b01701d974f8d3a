#!/usr/bin/env bash
# Tests on a real Slurm of one node, on the loopback interface. Its packages are installed where that is possible (root,
# Debian or Ubuntu); no service is started or left running.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() { echo "test-slurm: SKIPPED, $*"; exit 0; }

if ! PATH="$PATH:/usr/sbin" type munged slurmctld slurmd sbatch setpriv > /dev/null 2>&1; then
    command -v apt-get > /dev/null || skip "Slurm is not installed and there is no apt-get to do it"
    [ "$(id -u)" = 0 ] || skip "Slurm is not installed and only root can do it: apt-get install munge slurmctld slurmd"
    policy=/usr/sbin/policy-rc.d # tells the packages not to start services
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 755 "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends munge slurmctld slurmd slurm-client; } > /dev/null ||
        skip "the packages munge slurmctld slurmd slurm-client cannot be installed"
fi
pytest tests/cluster --durations=0 "$@"
