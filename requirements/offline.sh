#!/usr/bin/env bash
# Bundle what a machine without network needs to install, train and serve: offline.sh PYTHON train|lab|dev|boosters [IMAGE...]
#
# local_data/offline/ml-service-<commit>.tar holds the files of the last commit and the wheels of one set of pins, for this
# kind of machine and this Python. Images that are named are saved beside it, by DOCKER or docker.
set -euo pipefail
python=$1 set=$2
shift 2
cd "$(dirname "$0")/.."

stop() {
    echo "$1" >&2
    exit 1
}

case $set in
    train) sets=train ;;
    lab) sets=train,lab ;;
    dev) sets=train,lab,dev,boosters ;;
    boosters) sets=train,boosters ;;
    *) stop "There is no set $set: say SET=boosters, SET=train, SET=lab or SET=dev." ;;
esac
git rev-parse --verify --quiet HEAD >/dev/null ||
    stop "A bundle is made of a commit, and this folder is no git checkout with one."
commit=$(git rev-parse HEAD)
name=ml-service-$(git rev-parse --short HEAD)
folder=local_data/offline
[ -z "$(git status --porcelain)" ] || echo "What is not committed is left out of the bundle." >&2

mkdir -p "$folder"
scratch=$(mktemp -d "$folder/.bundle-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
root=$scratch/$name
mkdir -p "$root/wheels"
git archive HEAD | tar -xf - -C "$root"
# There is no git in the bundle to ask for them: metrics and manifests go on naming the commit.
printf '\n# Written by make offline.\n[git]\nhead = %s\nbranch = %s\n' "$commit" "$(git branch --show-current)" \
    >>"$root/settings.ini"

# That set stands on another one.
beside=()
[ "$set" != boosters ] || beside=(--requirement "$root/requirements/train.txt")
echo "Downloading the wheels of requirements/$set.txt"
"$python" -m pip --disable-pip-version-check --quiet download --require-hashes --only-binary :all: \
    --dest "$root/wheels" --requirement "$root/requirements/$set.txt" ${beside[@]+"${beside[@]}"}
# Read by requirements/install.sh, which has a sentence where they do not fit.
"$python" -c 'import sys, sysconfig; print(sys.argv[1], sys.implementation.cache_tag, sysconfig.get_platform())' "$sets" \
    >"$root/wheels/made-for"

tar -cf "$scratch/bundle.tar" -C "$scratch" "$name"
mv "$scratch/bundle.tar" "$folder/$name.tar"
echo "$folder/$name.tar: copy it to the other machine, and there: tar -xf $name.tar; cd $name; make serve"
if [ "$#" -gt 0 ]; then
    "${DOCKER:-docker}" save --output "$scratch/images.tar" "$@"
    mv "$scratch/images.tar" "$folder/$name-images.tar"
    echo "$folder/$name-images.tar: there: ${DOCKER:-docker} load --input $name-images.tar"
fi
