"""A compose project of a test's own: a copy of the checkout's files, ports that are free."""

import json
import os
import shutil
import subprocess
from base64 import b64encode
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.free_port import free_port
from tests.image.engine import run
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
COMPOSE = "docker-compose"
SERVICE_UID = 1000
ROW = {"sepal_length": 6.7, "sepal_width": 3.5, "petal_length": 5.2, "petal_width": 2.3}


def copy_checkout(folder: Path) -> Path:
    """Return a folder with the files that are in git or about to be, owned by the image's user."""
    listed = run("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard")
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, SERVICE_UID, SERVICE_UID)
    return folder


class Answer:
    """An answer to a request."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.text = body.decode()

    @property
    def json(self) -> Any:
        """What its body says."""
        return json.loads(self.text)


class Project:
    """What `docker-compose` makes of a checkout, with variables as a user would set them."""

    def __init__(self, name: str, checkout: Path, *options: str, **variables: str) -> None:
        self.name = name
        self._command = [COMPOSE, "--project-name", name, "--project-directory", str(checkout)]
        self._command += ["--file", str(checkout / "docker-compose.yml"), *options]
        names = ("SERVICE", "JUPYTER", "PROMETHEUS", "ALERTMANAGER", "GRAFANA")
        self.ports = {name: free_port() for name in names}
        ports = {f"{name}_PORT": str(port) for name, port in self.ports.items()}
        self.environment = {**ports, **variables}

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """Return what `docker-compose` prints."""
        return run(*self._command, *arguments, check=check, **self.environment)

    def code(self, *arguments: str) -> tuple[int, str]:
        """Return how `docker-compose` ends, and what it prints and complains of."""
        done = subprocess.run(
            [*self._command, *arguments],
            capture_output=True,
            text=True,
            env=os.environ | self.environment,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def container(self, service: str = "service") -> str:
        """Return the id of a service's container."""
        return self("ps", "--quiet", service)

    def inside(self, *command: str, service: str = "service") -> str:
        """Return what a command prints in a service's container."""
        return run("docker", "exec", self.container(service), *command)

    def inspect(self, service: str = "service") -> dict[str, Any]:
        """Return what the engine knows of a service's container."""
        described: list[dict[str, Any]] = json.loads(
            run("docker", "inspect", self.container(service))
        )
        return described[0]

    def health(self) -> str:
        """Return the engine's verdict on the service."""
        return str(self.inspect()["State"]["Health"]["Status"])

    def ask(
        self, path: str, body: Any = None, port: str = "SERVICE", user: str = "", **headers: str
    ) -> Answer | None:
        """Return the answer to a request on a published port, or None where nobody gives one."""
        connection = HTTPConnection("127.0.0.1", self.ports[port], timeout=30)
        if user:
            headers["Authorization"] = f"Basic {b64encode(user.encode()).decode()}"
        try:
            if body is None:
                connection.request("GET", path, headers=headers)
            else:
                headers["Content-Type"] = "application/json"
                connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            return Answer(response.status, response.read())
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def status(self, path: str, port: str = "SERVICE") -> int:
        """Return the status of a page, or 0 where nobody answers."""
        answer = self.ask(path, port=port)
        return answer.status if answer else 0

    def predict(self, *rows: dict[str, float]) -> Any:
        """Return the answers to rows."""
        answer = self.ask("/predict", list(rows or [ROW]))
        assert answer, "Nobody answers."
        assert answer.status == 200, answer.text
        return answer.json

    def up(self, *services: str, seconds: float = 300) -> None:
        """Start services, and wait until `service` is ready."""
        self("up", "--detach", "--no-build", *(services or ["service"]))
        wait_until(lambda: self.status("/health/ready") == 200 or self._ended(), seconds)
        assert not self._ended(), self("logs", "--no-color", check=False)

    def down(self) -> None:
        """Remove the containers and volumes."""
        self("down", "--volumes", "--timeout", "5", check=False)

    def metrics(self) -> str:
        """Return the service's metrics, asked with the password that it made."""
        password = self.inside("cat", "local_data/secrets/metrics_password")
        answer = self.ask("/metrics", user=f"metrics:{password}")
        assert answer, "Nobody answers."
        assert answer.status == 200, answer.text
        return answer.text

    def logged(self) -> int:
        """Return how many requests the service's log holds."""
        return len(self.inside("mlops", "log", "export").splitlines())

    def _ended(self) -> bool:
        return bool(self.inspect()["State"]["Status"] == "exited")
