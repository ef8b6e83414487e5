"""`mlops models` lists versions, shows which one answers, and moves aliases."""

import json
from pathlib import Path

from mlops.console import Exit
from model_store.file_store import FileModelStore
from model_store.seals.account import account
from tests.mlops.conftest import Mlops, Publish


def test_list_names_every_version_and_its_aliases(mlops: Mlops, publish: Publish) -> None:
    """Scripts read each version with its aliases, the oldest first."""
    first, second = publish(2.0), publish(3.0)
    rows = json.loads(mlops("models", "list", "--json").stdout)
    assert [(row["version"], row["aliases"], row["compiled"]) for row in rows] == [
        (first, [], True),
        (second, ["champion"], True),
    ]


def test_list_of_people_shows_whole_version_ids(mlops: Mlops, publish: Publish) -> None:
    """A version id that is cut could not be typed."""
    version = publish()
    assert version in mlops("models", "list").stdout


def test_show_prints_the_card_and_the_moves(mlops: Mlops, publish: Publish) -> None:
    """A person reads what the model is for, and when its aliases moved."""
    version = publish()
    shown = mlops("models", "show", "line").stdout
    assert "# A line" in shown
    assert version in shown


def test_show_as_json_is_the_manifest(mlops: Mlops, publish: Publish) -> None:
    """A script reads the manifest, of an alias or of a version by its id."""
    version = publish()
    by_alias = json.loads(mlops("models", "show", "line", "--json").stdout)
    by_id = json.loads(mlops("models", "show", "line", version, "--json").stdout)
    assert by_alias == by_id
    assert by_alias["version"] == version


def test_rollback_and_promote_move_the_champion(
    mlops: Mlops, publish: Publish, store: FileModelStore
) -> None:
    """Rolling back returns to the version before; promoting goes to the one that is named."""
    first, second = publish(2.0), publish(3.0)

    assert mlops("models", "rollback", "line", "--reason", "it drifts").exit_code == Exit.DONE
    assert store.aliases("line").current["champion"] == first
    assert store.aliases("line").history[-1].reason == "it drifts"

    assert mlops("models", "promote", "line", second).exit_code == Exit.DONE
    assert store.aliases("line").current["champion"] == second
    assert f"by {account()}" in mlops("models", "show", "line").stdout


def test_an_unknown_name_is_not_found(mlops: Mlops, publish: Publish) -> None:
    """The exit code shows a script that the name, not the store, is wrong."""
    publish()
    assert mlops("models", "show", "circle").exit_code == Exit.NOT_FOUND
    assert mlops("models", "promote", "line", "yesterday").exit_code == Exit.NOT_FOUND


def test_verify_fails_on_a_damaged_version(
    mlops: Mlops, publish: Publish, local_data: Path
) -> None:
    """One flipped bit makes the verb fail, and name the version."""
    version = publish()
    assert mlops("models", "verify").exit_code == Exit.DONE

    stored = local_data / "models" / "line" / version / "model.skops"
    damaged = bytearray(stored.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    stored.write_bytes(damaged)

    verified = mlops("models", "verify", "--json")
    assert verified.exit_code == Exit.FAILED
    assert [row["version"] for row in json.loads(verified.stdout) if row["refused"]] == [version]
