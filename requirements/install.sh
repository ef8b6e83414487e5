#!/usr/bin/env bash
# Make the virtual environment and install one set of pins into it: install.sh PYTHON VENV train|dev
set -euo pipefail
python=$1 venv=$2 pins=requirements/$3.txt

stop() {
    echo "$1" >&2
    exit 1
}

[ -n "$python" ] || stop "Python 3.11 or newer is needed, and none was found. Install it, or name it: make PYTHON=path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    stop "$python is no Python 3.11 or newer. Install one, or name it: make PYTHON=path/to/python3"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    stop "$python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv"

echo "Setting up $venv with $("$python" --version) and $pins"
"$python" -m venv "$venv"
PYTHONUNBUFFERED=1 "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off \
    --require-hashes --requirement "$pins" |
    awk -v all="$(grep -c '^[A-Za-z].*==' "$pins")" '
        /^(Collecting|Processing|Requirement already)/ { printf "\r  %d of at most %d packages", ++seen, all }
        /^Installing/ { printf "\r  installing them, which takes a minute" }
        { fflush() }
        END { print "" }'
# The project itself, so that its packages are found from any folder, and `mlops` is a command.
"$venv/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
