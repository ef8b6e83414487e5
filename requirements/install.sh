#!/usr/bin/env bash
# Make the virtual environment and install one set of pins into it: install.sh PYTHON VENV train|lab|dev|boosters
#
# Where there is a folder `wheels` that `make offline` has made, all comes from there, and the network is not asked.
set -euo pipefail
python=$1 venv=$2 set=$3
pins=requirements/$set.txt

stop() {
    echo "$1" >&2
    exit 1
}

[ -n "$python" ] || stop "Python 3.11 or newer is needed, and none was found. Install it, or name it: make PYTHON=path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    stop "$python is no Python 3.11 or newer. Install one, or name it: make PYTHON=path/to/python3"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    stop "$python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv"

pip=(-m pip --disable-pip-version-check)
source=()
if [ -f wheels/made-for ]; then
    here=$("$python" -c 'import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_platform())')
    read -r sets made_for <wheels/made-for
    [ "$here" = "$made_for" ] ||
        stop "The folder wheels is made for $made_for, and $python is $here. Name a Python that fits, as in make PYTHON=path/to/python3, or bundle again on a machine like this one."
    [[ " ${sets//,/ } " == *" $set "* ]] ||
        stop "The folder wheels holds no set $set: bundle again with make offline SET=$set."
    # pip's own settings, which may name an index or other folders, are left out.
    export PIP_CONFIG_FILE=/dev/null
    pip+=(--isolated)
    source=(--no-index --find-links wheels)
fi

echo "Setting up $venv with $("$python" --version) and $pins"
"$python" -m venv "$venv"
# The pins are complete; to solve them anew, pip would take what extras ask for as not pinned.
PYTHONUNBUFFERED=1 "$venv/bin/python" "${pip[@]}" install --progress-bar off --no-deps \
    ${source[@]+"${source[@]}"} --require-hashes --requirement "$pins" |
    awk -v all="$(grep -c '^[A-Za-z].*==' "$pins")" '
        /^(Collecting|Processing|Requirement already)/ { printf "\r  %d of at most %d packages", ++seen, all }
        /^Installing/ { printf "\r  installing them, which takes a minute" }
        { fflush() }
        END { print "" }'
# The project itself, so that its packages are found from any folder, and `mlops` is a command.
"$venv/bin/python" "${pip[@]}" install --quiet --no-deps --no-build-isolation --editable .
# From now on git keeps notebooks without their outputs.
if [ -x "$venv/bin/nbdev-clean" ]; then
    "$venv/bin/python" -m mlops.process.git_filter
fi
