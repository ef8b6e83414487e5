#!/bin/sh
# Run as root while the container is built; nobody can become root in it later.
set -eu
apt-get update -qq
apt-get install --yes --quiet --no-install-recommends git make openssh-client strace
rm -rf /var/lib/apt/lists/*
