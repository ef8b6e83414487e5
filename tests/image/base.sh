#!/usr/bin/env bash
# Make the base image that stands in for the default one where no image registry can be reached: base.sh NAME
#
# It is what the default is made of, Debian bookworm with its Python 3.11. The machine's certificates go along: where
# its traffic is inspected, packages are signed for by an authority that Debian does not know.
set -euo pipefail
folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT

debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$folder" >"$folder.log" ||
    { tail "$folder.log" >&2; exit 1; }
rm -rf "$folder.log" "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
cp /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/"
tar --directory "$folder" --create . |
    docker import --change 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt' - "$1"
