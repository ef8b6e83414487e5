"""A person seals what came from elsewhere, after it was shown."""

import json
import pickle
import shutil
from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression

from mlops.sealing.contents import types_held
from model_store.bundle import Compilation, Draft
from model_store.errors import RefusedError
from model_store.file_store import FileModelStore
from model_store.seals.publishers import PublisherFolder
from model_store.store import LoadPolicy
from tests.mlops.conftest import Mlops, Publish
from tests.model_store.conftest import DraftLine, draft_line

pytestmark = pytest.mark.slow  # each publishes, which loads in a process of its own

__all__ = ["draft_line"]

BEFORE = Path(__file__).parents[2] / "model_store" / "seals" / "before_seals"


@pytest.fixture
def from_elsewhere(local_data: Path, draft_line: DraftLine) -> str:
    """Return a version without a compiled form and without a seal, as all were before there were.

    It is the champion.
    """
    draft: Draft = draft_line(compilation=Compilation(reason="This test wants none."))
    store = FileModelStore(local_data / "models", LoadPolicy())
    version = store.publish(draft)
    store.promote("line", version)
    return version


def test_versions_from_before_get_one_approval(
    mlops: Mlops, from_elsewhere: str, publish: Publish, local_data: Path
) -> None:
    """It shows what they hold, seals all that nobody has, and then there is nothing left to do."""
    publish(model="other")
    verified = mlops("models", "verify", "line")
    assert verified.exit_code == 1
    assert "mlops models approve" in verified.output
    asked = mlops("models", "approve", "--all")
    assert asked.exit_code == 2
    assert "--yes" in asked.output
    done = mlops("models", "approve", "--all", "--yes")
    assert done.exit_code == 0, done.output
    for part in ("nobody known", "scores", "skops", f"Sealed line {from_elsewhere}"):
        assert part in done.output
    assert "Sealed other" not in done.output
    assert mlops("models", "verify").exit_code == 0
    again = mlops("models", "approve", "--all")
    assert again.exit_code == 0
    assert "Every version is sealed" in again.output


def test_the_list_shows_who_sealed_what(
    mlops: Mlops, from_elsewhere: str, publish: Publish
) -> None:
    """Somebody, or nobody."""
    publish(model="other")
    rows = json.loads(mlops("models", "list", "--json").stdout)
    sealed = {row["model"]: row["sealed"] for row in rows}
    assert sealed["line"] == ""
    assert sealed["other"].startswith("ada@desk, 20")
    assert "nobody" in mlops("models", "list").stdout
    assert "Sealed by: ada@desk" in mlops("models", "show", "other").stdout


def test_a_version_that_will_not_be_served_is_not_promoted_in_silence(
    mlops: Mlops, from_elsewhere: str
) -> None:
    """The alias moves, and what is missing is said."""
    done = mlops("models", "promote", "line", from_elsewhere)
    assert "not served before it is sealed" in done.stderr
    mlops("models", "approve", "line", "champion", "--yes")
    assert "sealed" not in mlops("models", "promote", "line", from_elsewhere).stderr


@pytest.mark.parametrize("arguments", [(), ("line",), ("line", "v1", "--all"), ("--all", "line")])
def test_what_to_approve_must_be_said(mlops: Mlops, arguments: tuple[str, ...]) -> None:
    """One version, or all."""
    assert mlops("models", "approve", *arguments, "--yes").exit_code == 2


def test_what_is_damaged_is_not_sealed(mlops: Mlops, from_elsewhere: str, local_data: Path) -> None:
    """Who approves, approves what was published."""
    (local_data / "models" / "line" / from_elsewhere / "model.skops").write_bytes(b"other")
    done = mlops("models", "approve", "line", from_elsewhere, "--yes")
    assert done.exit_code == 1
    assert not (local_data / "models" / "line" / from_elsewhere / "seal.json").exists()


def test_a_revoked_key_seals_nothing_and_a_new_one_does(
    mlops: Mlops, from_elsewhere: str, local_data: Path
) -> None:
    """Lost, or in wrong hands: it is made anew."""
    assert mlops("models", "approve", "--all", "--yes").exit_code == 0
    keys = json.loads(mlops("publishers", "list", "--json").stdout)
    own = next(row["key"] for row in keys if row["own"])
    assert mlops("publishers", "revoke", own).exit_code == 0
    assert mlops("publishers", "revoke", own).exit_code == 3
    assert mlops("models", "verify", "line").exit_code == 1
    refused = mlops("models", "approve", "--all", "--yes")
    assert refused.exit_code == 1
    assert "mlops publishers rotate" in refused.output
    assert mlops("publishers", "rotate").exit_code == 0
    assert mlops("models", "approve", "--all", "--yes").exit_code == 0
    assert mlops("models", "verify", "line").exit_code == 0


def test_a_service_may_hold_the_public_half_alone(
    mlops: Mlops,
    from_elsewhere: str,
    local_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What another machine sealed counts once its public key is added; the private one stays."""
    mlops("models", "approve", "--all", "--yes")
    own = next(
        r["key"] for r in json.loads(mlops("publishers", "list", "--json").stdout) if r["own"]
    )
    public = tmp_path / "public.pem"
    public.write_text(mlops("publishers", "show", own).stdout)
    other = tmp_path / "other"
    other.mkdir()
    (local_data / "models").rename(other / "models")
    private = (local_data / "secrets" / "publisher_key.pem").read_text()
    monkeypatch.setenv("LOCAL_DATA", str(other))
    assert mlops("models", "verify").exit_code == 1
    assert mlops("publishers", "trust", str(public)).exit_code == 0
    assert mlops("models", "verify").exit_code == 0
    assert [p for p in other.rglob("*.pem") if "PRIVATE" in p.read_text()] == []
    key = tmp_path / "private.pem"
    key.write_text(private)
    assert mlops("publishers", "trust", str(key)).exit_code == 1


def test_the_names_in_a_pickle_are_shown_and_nothing_of_it_runs() -> None:
    """Whatever protocol wrote it."""
    for protocol in (0, 2, 4):
        names = types_held(pickle.dumps(LinearRegression(), protocol), "pickle")
        assert any("LinearRegression" in name for name in names)
    evil = b"cos\nsystem\n(S'touch /tmp/never'\ntR."
    assert types_held(evil, "pickle") == ["os.system"]
    assert types_held(b"\xff", "pickle")[0].startswith("(it cannot be read")
    assert types_held(b"junk", "skops")[0].startswith("(it cannot be read")


def test_a_store_of_today_is_taken_over_by_one_approval(mlops: Mlops, local_data: Path) -> None:
    """It was written by the code before there were seals, and holds a tree that is not compiled."""
    shutil.copytree(BEFORE, local_data / "models")
    store = FileModelStore(
        local_data / "models",
        LoadPolicy(publishers=PublisherFolder(local_data / "secrets" / "publishers")),
    )
    version = store.aliases("step").current["champion"]
    with pytest.raises(RefusedError, match="mlops models approve --all"):
        store.load("step", version)
    done = mlops("models", "approve", "--all", "--yes")
    assert done.exit_code == 0, done.output
    assert "sklearn.tree._tree.Tree" in done.output
    loaded = store.load("step", version)
    assert loaded.form == "estimator"
    rows = loaded.decoder.decode(b'[{"x": 0.5}, {"x": 2.5}]')
    (answers,), _ = loaded.predictor.predict(loaded.decoder.columns([rows]))
    assert answers.tolist() == [0.0, 1.0]
