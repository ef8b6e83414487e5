"""The service in its container, as its users meet it."""

import json
from typing import Any

from tests.image.conftest import NewProject
from tests.image.engine import logs, run
from tests.image.project import Project
from tests.waiting import wait_until

PUBLISH_UNCOMPILED = """
from pathlib import Path
import numpy as np
import pandas as pd
from sklearn.svm import SVR
from mlops.process.publisher_key import ensure_signer
from model_store.bundle import Draft
from model_store.file_store import FileModelStore
from model_store.golden import golden_rows
from model_store.schema.infer_signature import infer_signature
from model_store.store import LoadPolicy

inputs = pd.DataFrame({"a": np.arange(10.0), "b": np.arange(10.0) % 5})
total = inputs["a"] + inputs["b"]
estimator = SVR().fit(inputs, total)
signature = infer_signature(inputs, pd.DataFrame({"total": total}))
golden = golden_rows(estimator, signature, inputs)
signer = ensure_signer(Path("local_data/secrets"))
store = FileModelStore(Path("local_data/models"), LoadPolicy(), signer=signer)
draft = Draft(
    model="sums", task="regression", estimator=estimator, signature=signature, golden=golden
)
store.promote("sums", store.publish(draft))
"""


def in_larger_image(project: Project, *command: str) -> None:
    """Run a command in the image of every mode, on the volumes of a project."""
    options = ["--rm", "--entrypoint", command[0]]
    for mount in project.inspect()["Mounts"]:
        if mount["Type"] == "volume":
            options += ["--volume", f"{mount['Name']}:{mount['Destination']}"]
    run("docker", "run", *options, "ml-service", *command[1:])


def test_one_command_leads_to_predictions(service: Project) -> None:
    """It says that it trains first, serves a compiled model, and is healthy to the engine."""
    assert "The model store is empty: training examples/iris first." in logs(service.container())
    assert service.predict() == [{"variety": "Virginica"}]
    wait_until(lambda: service.health() == "healthy", 300)


def test_metrics_and_manifest_name_the_commit_of_the_image(
    service: Project, images: dict[str, dict[str, Any]]
) -> None:
    """Which code answers, and which code trained, is known without git in the container."""
    revision = images["ml-service"]["Config"]["Labels"]["org.opencontainers.image.revision"]
    assert f'git_head="{revision}"' in service.metrics()
    manifest = json.loads(
        service.inside("bash", "-c", "cat local_data/models/iris/2*/manifest.json")
    )
    assert manifest["origin"]["git_head"] == revision.removesuffix("-dirty")
    assert manifest["origin"]["git_dirty"] == revision.endswith("-dirty")


def test_logged_answers_survive_the_container(new_project: NewProject) -> None:
    """Models, log and passwords are kept in volumes."""
    project = new_project(MODE="api")
    project.up()
    project.predict()
    before = project.inside("cat", "local_data/secrets/admin_password"), project.logged()
    project("down")
    project.up()
    after = project.inside("cat", "local_data/secrets/admin_password"), project.logged()
    assert before == after
    assert "training" not in logs(project.container())


def test_the_api_image_serves_what_the_other_one_trained(new_project: NewProject) -> None:
    """It waits for a compiled model, and takes it up as soon as one is published."""
    project = new_project(MODE="api", SERVICE_IMAGE="ml-service-api")
    project("up", "--detach", "--no-build", "service")
    wait_until(lambda: project.status("/health/ready") == 503, 300)
    assert "cannot train" in logs(project.container())
    in_larger_image(project, "mlops", "train", "examples/iris")
    wait_until(lambda: project.status("/health/ready") == 200, 300)
    assert project.predict() == [{"variety": "Virginica"}]
    shown = project.ask("/models/iris")
    assert shown
    assert shown.json["versions"][0]["form"] == "compiled"


def test_a_model_that_is_not_compiled_needs_the_larger_image(new_project: NewProject) -> None:
    """The smaller one refuses it with a sentence, and stays up."""
    project = new_project(MODE="api", SERVICE_IMAGE="ml-service-api")
    project("up", "--detach", "--no-build", "service")
    wait_until(lambda: project.status("/health/ready") == 503, 300)
    in_larger_image(project, "python3", "-c", PUBLISH_UNCOMPILED)

    password = project.inside("cat", "local_data/secrets/admin_password").strip()

    def refused() -> list[dict[str, str]]:
        answer = project.ask("/health/ready", user=f"admin:{password}")
        assert answer
        versions: list[dict[str, str]] = answer.json["refused"]
        return versions

    wait_until(refused, 300)
    assert "this installation serves compiled models alone" in refused()[0]["reason"]
    project.environment["SERVICE_IMAGE"] = "ml-service"
    project.up()
    answer = project.ask("/predict", [{"a": 1, "b": 0}])
    assert answer
    assert answer.status == 200
