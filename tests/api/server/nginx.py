"""nginx as a process of a test: TLS and a path prefix in front of a service."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from tests.api.server_process import PATIENCE_SECONDS
from tests.free_port import free_port
from tests.waiting import wait_until

_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream service {{ server 127.0.0.1:{service}; keepalive 4; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        server_name predictions.example;
        ssl_certificate {folder}/own.pem;
        ssl_certificate_key {folder}/own.key;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        location /ml/ {{
            # A location with one of these has none of those above.
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Prefix /ml;
            proxy_pass http://service/;
        }}
        location /kept/ {{ proxy_pass http://service; }}
    }}
}}
"""


CALLER, GUESSER = "127.0.0.2", "127.0.0.3"
"""Other addresses of this machine than the proxy's."""


class Nginx:
    """A running nginx, under the name predictions.example."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(
        self, method: str, path: str, body: str = "", client: str = CALLER, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Return the status, the headers and the body of an answer to a client's address."""
        context = ssl.create_default_context()
        # The certificate is its own.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = HTTPSConnection(
            "127.0.0.1",
            self.port,
            timeout=PATIENCE_SECONDS,
            context=context,
            source_address=(client, 0),
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Host": "predictions.example"} | named)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        content = answer.read()
        connection.close()
        return answer.status, found, content


@contextmanager
def nginx_before(service_port: int, folder: Path) -> Iterator[Nginx]:
    """Start nginx in front of a service; skip the test where it is not installed."""
    # Debian has it where only administrators look.
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    openssl = shutil.which("openssl")
    if nginx is None or openssl is None:
        pytest.skip("nginx or openssl is not installed: apt-get install nginx-light openssl")
    folder.mkdir()
    port = free_port()
    key, certificate = folder / "own.key", folder / "own.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=predictions.example", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, service=service_port))
    process = subprocess.Popen(
        [nginx, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(configuration)],
        stderr=subprocess.PIPE,
    )
    found = Nginx(port)

    def answers() -> bool:
        assert process.poll() is None, (folder / "error.log").read_text()
        try:
            return bool(found.ask("GET", "/"))
        except OSError:
            return False

    try:
        wait_until(answers, PATIENCE_SECONDS)
        yield found
    finally:
        process.terminate()
        process.communicate()
