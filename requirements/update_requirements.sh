#!/bin/sh
# Recompile every pin. Run it when a requirement changes, and once a month.
#
# `dev` is solved first, as it contains the others; they are then solved within its answer, so that a model is trained,
# tested and served by the same versions. `--universal` solves for every supported platform at once.
set -eu
cd "$(dirname "$0")"

compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
        --custom-compile-command 'requirements/update_requirements.sh' "$@"
}

command -v uv >/dev/null || { echo "update_requirements.sh needs uv: pip install uv" >&2; exit 1; }
compile --upgrade dev.in --output-file dev.txt
for set in lab train api; do compile --constraint dev.txt "$set.in" --output-file "$set.txt"; done
# Solved by itself, as it needs an older pandas, and installed by itself: `make evidently`.
compile --upgrade evidently.in --output-file evidently.txt
