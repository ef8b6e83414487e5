#!/usr/bin/env bash
# What the container does, by MODE. Arguments go to what is started: MODE=train … examples/iris -p lowest_score=0.9
set -euo pipefail
mode=${MODE:-vsc}

# Return whether a page answers 200, without what an image would need more than bash for.
answers() {
    local port=$1 path=$2 status
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$path" >&3
    read -r status <&3
    [[ $status == "HTTP/1."?" 200 "* ]]
}

if [ "${1:-}" = healthy ]; then
    case $mode in
        api) answers "$SERVICE_PORT" /health/ready ;;
        jupyterlab) answers 8888 /api ;;
    esac
    exit
fi

# A volume that is not made from the image lacks it.
mkdir -p "$HOME" 2>/dev/null || true

case $mode in
    api) exec mlops serve "$@" ;;
    # Published on 127.0.0.1 alone: see compose/jupyterlab.yml.
    jupyterlab) exec mlops lab --host 0.0.0.0 "$@" ;;
    train) exec mlops train "$@" ;;
    vsc)
        # Process 1 hears only the signals that it asks for.
        trap 'exit 0' TERM INT
        sleep infinity &
        wait
        ;;
    *)
        echo "MODE=$mode is no mode: set it to api, jupyterlab, train or vsc." >&2
        exit 2
        ;;
esac
