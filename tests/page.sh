#!/usr/bin/env bash
# Pages in Debian's Chromium, without a window. It is installed where that is possible (root, Debian or Ubuntu).
set -euo pipefail
cd "$(dirname "$0")/.."

skip() { echo "test-page: SKIPPED, $*"; exit 0; }

if ! type chromium > /dev/null 2>&1 && ! type google-chrome > /dev/null 2>&1; then
    command -v apt-get > /dev/null || skip "Chromium is not installed and there is no apt-get to do it"
    [ "$(id -u)" = 0 ] || skip "Chromium is not installed and only root can do it: apt-get install chromium"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } > /dev/null ||
        skip "the package chromium cannot be installed"
fi
pytest tests/test_page.py tests/test_page_browser.py --durations=0 "$@"
