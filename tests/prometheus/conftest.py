"""What the tests of the stack share: published models, and settings of nobody's machine."""

import shutil
from pathlib import Path

import pytest

from model_store.file_store import FileModelStore
from tests.api.conftest import POLICY, fruit_draft, sum_draft
from tests.prometheus.basket import basket_draft, referenced_sum_draft
from tests.prometheus.notifications import Say, time_line
from tests.publisher_key import SIGNER


@pytest.fixture
def say() -> Say:
    """Print what happens when."""
    return time_line()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of the models `sum`, `fruit` and `basket`, with a champion each."""
    root = tmp_path_factory.mktemp("published")
    store = FileModelStore(root, POLICY, signer=SIGNER)
    for draft in (referenced_sum_draft(), fruit_draft(), basket_draft()):
        store.promote(draft.model, store.publish(draft))
    return root


@pytest.fixture(scope="session")
def damaged(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy in which `sum` has an alias `challenger`, whose version was damaged since."""
    root = tmp_path_factory.mktemp("damaged") / "models"
    shutil.copytree(published, root)
    store = FileModelStore(root, POLICY, signer=SIGNER)
    version = store.publish(sum_draft(3))
    store.promote("sum", version, "challenger")
    with (root / "sum" / version / "golden.json").open("ab") as golden:
        golden.write(b" ")
    return root
