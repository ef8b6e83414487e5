"""The published versions that hold a person: nothing in a bundle is changed, so they are named."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from mlops.erasure.runs import is_in_column
from model_store import bundle
from model_store.errors import ModelStoreError
from model_store.file_store import FileModelStore
from monitoring.log.writing.erasure import Finder, is_value, values_of


class HoldingVersion(NamedTuple):
    """A version that holds a value of the person."""

    model: str
    version: str
    where: str
    """In what of it, a phrase."""


def versions_with(
    store: FileModelStore, finder: Finder, wheres: Mapping[str, str]
) -> list[HoldingVersion]:
    """Return every version whose golden rows, ranges, categories or profile hold the person."""
    found = []
    for model in store.models():
        for version in store.versions(model):
            try:
                folder = store.version_folder(model, version)
                manifest, contents, _ = bundle.read_all(folder, model, version)
                golden = msgspec.json.decode(contents[bundle.GOLDEN])
                reference = msgspec.json.decode(contents[bundle.REFERENCE])
                places = {
                    "golden rows": any(map(finder.matches, golden["inputs"])),
                    "the signature": any(
                        is_in_column(msgspec.to_builtins(column), wheres)
                        for column in manifest.signature
                    ),
                    "the reference profile": _is_in_profile(reference, wheres),
                }
            except (ModelStoreError, msgspec.MsgspecError, KeyError, TypeError) as error:
                places = {f"what cannot be read ({type(error).__name__})": True}
            if where := ", ".join(place for place, is_there in places.items() if is_there):
                found.append(HoldingVersion(model, version, where))
    return found


def _is_in_profile(reference: Mapping[str, Any], wheres: Mapping[str, str]) -> bool:
    for name, text in wheres.items():
        values = values_of(text)
        if any(is_value(each, values) for each in _parts(reference.get(name, {}))):
            return True
    return False


def _parts(profile: Any) -> list[Any]:
    """Return the values that a column's profile names: categories, quantiles, ends."""
    if not isinstance(profile, Mapping):
        return []
    found = [*profile.get("categories", {})]
    for name in ("quantiles", "bins"):
        part = profile.get(name, {})
        found += (
            _leaves(part)
            if name == "quantiles"
            else _leaves(part.get("least")) + _leaves(part.get("upper"))
        )
    return found


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [leaf for each in value.values() for leaf in _leaves(each)]
    if isinstance(value, list):
        return [leaf for each in value for leaf in _leaves(each)]
    return [value]
