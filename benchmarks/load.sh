#!/usr/bin/env bash
# Send valid rows to the running service, print a summary and leave a report: load.sh PYTHON
set -euo pipefail
python=$1

# Where the service is, and where reports go, is a matter of its settings.
read -r host folder < <("$python" -c '
from settings.settings import Settings
settings = Settings()
address = f"[{settings.service_host}]" if ":" in settings.service_host else settings.service_host
print(f"http://{address}:{settings.service_port}", settings.local_data)')
report=$folder/reports/load.html
mkdir -p "$folder/reports"
rm -f "$report"

echo "For $LOAD_SECONDS s, as $LOAD_USERS users, to $host. The report: $report"
# A request may take 10 s; one that is cut off earlier would not be counted.
"$python" -m locust --locustfile benchmarks/locustfile.py --headless --only-summary --loglevel WARNING \
    --host "$host" --users "$LOAD_USERS" --spawn-rate "$LOAD_USERS" \
    --run-time "${LOAD_SECONDS}s" --stop-timeout 12 --html "$report"
