#!/usr/bin/env bash
# Make images of this machine's Prometheus and Alertmanager, under the names that docker-compose.yml pulls:
# monitoring_images.sh BASE PROMETHEUS ALERTMANAGER
#
# Laid out as theirs are: the same paths, the user nobody, the same arguments. So the stack starts as it is written.
set -euo pipefail

image() { # NAME BASE PROGRAM FOLDER ARGUMENTS
    local context
    context=$(mktemp --directory)
    cp "$(command -v "$3")" "$context/program"
    # Debian's programs look for templates and pages there.
    cp -r /usr/share/prometheus "$context/shared"
    docker build --quiet --tag "$1" --file - "$context" <<EOF
FROM $2
COPY program /bin/program
COPY shared /usr/share/prometheus
RUN install --directory --owner nobody --group nogroup $4
USER nobody
WORKDIR $4
ENTRYPOINT ["/bin/program"]
CMD [$5]
EOF
    rm -rf "$context"
}

image "$2" "$1" prometheus /prometheus \
    '"--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"'
image "$3" "$1" prometheus-alertmanager /alertmanager \
    '"--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"'
