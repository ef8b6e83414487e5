"""A version goes to another machine in one file, and is there what it was here."""

import json
import zipfile
from pathlib import Path

import pytest

from mlops.exchange.files.parcel import is_parcel, unpack
from model_store import bundle
from model_store.errors import RefusedError
from model_store.file_store import FileModelStore
from model_store.store import LoadPolicy
from tests.mlops.conftest import Mlops, Publish
from tests.publisher_key import trust_tests


def go_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FileModelStore:
    """Let the command work on another machine, and return its store."""
    monkeypatch.setenv("LOCAL_DATA", str(folder))
    return FileModelStore(folder / "models", LoadPolicy())


@pytest.mark.slow  # it publishes, and loads on the other machine, in processes of their own
def test_a_version_is_the_same_elsewhere(
    mlops: Mlops, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id, its files and its seal; imported twice, it is there once; its alias is given."""
    version = publish()
    file = tmp_path / "bundle.zip"
    done = mlops("models", "export", "line", "-o", str(file))
    assert done.exit_code == 0, done.output
    assert "sealed by" in done.output
    again = mlops("models", "export", "line", "-o", str(file))
    assert again.exit_code == 1
    assert "there already" in again.output
    store = go_to(tmp_path / "elsewhere", monkeypatch)
    trust_tests(tmp_path / "elsewhere")
    came = mlops("models", "import", str(file))
    assert came.exit_code == 0, came.output
    assert f"champion of line is {version} now" in came.output
    assert store.versions("line") == [version]
    here = tmp_path / "local_data" / "models" / "line" / version
    there = tmp_path / "elsewhere" / "models" / "line" / version
    assert {p.name: p.read_bytes() for p in here.iterdir()} == {
        p.name: p.read_bytes() for p in there.iterdir()
    }
    twice = mlops("models", "import", str(file))
    assert twice.exit_code == 0, twice.output
    assert "here already" in twice.output
    assert mlops("models", "verify", "line").exit_code == 0
    # A folder as it stands in a store is one, too.
    assert is_parcel(here)
    assert unpack(here) == unpack(file)


@pytest.mark.slow  # it publishes, in a process of its own
def test_what_is_damaged_on_the_way_is_refused(
    mlops: Mlops, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is stored: a byte changed, a file missing, a file too many, another content."""
    version = publish()
    file = tmp_path / "bundle.zip"
    mlops("models", "export", "line", "-o", str(file))
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    manifest = contents["manifest.json"]
    cases = {
        "changed": contents | {"golden.json": contents["golden.json"].replace(b"2", b"3", 1)},
        "missing": {n: c for n, c in contents.items() if n != "card.md"},
        "one too many": contents | {"../../evil.py": b"print(1)"},
        "another name": contents | {"manifest.json": manifest.replace(b'"line"', b'"lime"', 1)},
        "no JSON": contents | {"manifest.json": manifest[:-10]},
        "a name that climbs": contents
        | {"manifest.json": manifest.replace(b'"line"', b'"../x"', 1)},
    }
    go_to(tmp_path / "elsewhere", monkeypatch)
    for name, held in cases.items():
        odd = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(odd, "w") as archive:
            for each, content in held.items():
                archive.writestr(each, content)
        done = mlops("models", "import", str(odd))
        assert done.exit_code == 1, name
        assert "Traceback" not in done.output
    cut = tmp_path / "cut.zip"
    cut.write_bytes(file.read_bytes()[:-40])
    assert mlops("models", "import", str(cut)).exit_code == 1
    left = (tmp_path / "elsewhere").rglob("manifest.json")
    assert list(left) == []
    assert not (tmp_path / "evil.py").exists()
    assert mlops("models", "import", str(file)).exit_code == 0
    # Another version of the same name is no reason to change this one.
    folder = tmp_path / "elsewhere" / "models" / "line" / version
    other = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(other), "utf-8")
    refused = mlops("models", "import", str(file))
    assert refused.exit_code == 1
    assert "with other content" in refused.output


def test_a_file_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its list says of sizes."""
    monkeypatch.setattr("mlops.exchange.files.parcel._MOST_OF_TEXT", 1000)
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(bundle.MANIFEST, b"{}")
        archive.writestr(bundle.GOLDEN, b" " * 10_000)
    assert is_parcel(file)
    with pytest.raises(RefusedError, match="larger than any"):
        unpack(file)
