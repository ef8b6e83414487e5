"""`docs/reference/bundle.md`."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import get_type_hints

import msgspec

from docs.make.reference_pages.markdown import table
from model_store.aliases import Aliases, Move
from model_store.golden import Golden
from model_store.manifest import Compiled, File, Manifest, Origin, Score
from model_store.schema.signature import Column, Interval, Kind, Signature
from model_store.seals.seal import Seal
from monitoring.statistics import profile

INTRODUCTION = """
A **bundle** is a published version of a model: the folder `local_data/models/<model>/<version>/`. A run writes it beside the
others and renames it, so that nobody sees half of one. Nothing in a bundle is changed afterwards.

| file | content |
| --- | --- |
| `manifest.json` | Everything that can be known without loading the model. |
| `model.skops` or `model.pickle` | The fitted estimator. |
| `booster-1.json`, `.txt` or `.cbm` | The trees of XGBoost, LightGBM or CatBoost, where the estimator has some: in the format of their package. |
| `model.onnx` | The compiled form, where there is one. [Compiled models](../explanation/compiled-models.md) explains it. |
| `golden.json` | Up to twenty rows of the table with their answers: every load must reproduce them. |
| `reference.json` | How each column was distributed in training, as counts: drift is measured against it. |
| `card.md` | The model card, for people. |
| `seal.json` | A publisher's signature of the manifest; it is not in the manifest's list. [Publishers' keys](../how-to/publishers-keys.md) explains it. |

`local_data/models/<model>/aliases.json` names the versions: `champion` is the alias of the one that answers.
"""
MEANINGS = {
    "Manifest": {
        "format": "The number of the bundle layout.",
        "model": "The name of the model.",
        "version": "The id of the version, which is also the name of its folder.",
        "task": "What the model does.",
        "signature": "The columns of the model.",
        "scores": "How good it was when it was trained.",
        "parameters": "Those that shaped the model: seed, shares of the splits, acceptance tests.",
        "origin": "Where the version comes from.",
        "python": "The version of Python that trained it.",
        "files": "The other files of the bundle.",
    },
    "Score": {
        "metric": "The name of the score, such as `accuracy` or `r2`.",
        "split": "`train`, `test` or `validation`.",
        "value": "The score.",
    },
    "File": {
        "name": "The file's name.",
        "size": "Its size in bytes.",
        "sha256": "Its SHA-256, hexadecimal.",
    },
    "Origin": {
        "git_branch": "The branch of the code that trained it.",
        "git_head": "The commit of that code.",
        "git_dirty": "Whether there were changes that are in no commit.",
        "pipeline": "The folder of the pipeline.",
        "seed": "The start of every random choice.",
        "setup": "`TRAIN_SETUP`: the machine or configuration.",
    },
    "Signature": {
        "inputs": "The columns of a request.",
        "outputs": "The columns of an answer.",
    },
    "Column": {
        "name": "The column's name.",
        "kind": "What it holds: see below.",
        "maximum": "The greatest value seen in training.",
        "unit": "The unit, for people.",
    },
    "Interval": {
        "lower": "The output that is the lower bound.",
        "upper": "The output that is the upper bound.",
    },
    "Golden": {
        "inputs": "Rows of the table that the model was trained on.",
        "outputs": "The answer to each of them.",
    },
    "Move": {
        "alias": "The alias that moved.",
        "action": "Why it moved: a promotion, or a rollback.",
        "to": "The version that it names since then.",
        "reason": "The reason that somebody gave.",
    },
}
"""Of the fields that have no text of their own in the code."""
STRUCTS: dict[str, tuple[type, ...]] = {
    "manifest.json": (Manifest, Score, File, Origin, Compiled, Signature, Column, Interval),
    "golden.json": (Golden,),
    "seal.json": (Seal,),
    "aliases.json": (Aliases, Move),
}


def bundle_parts() -> Iterator[str]:
    """Yield the parts of the page, after its introduction."""
    for name, structs in STRUCTS.items():
        yield f"## {name}"
        for kind in structs:
            if kind is not structs[0]:
                yield f"### {kind.__name__}"
            yield inspect.getdoc(kind) or ""
            yield table(["field", "type", "meaning"], _fields(kind))
    yield "## reference.json"
    yield (inspect.getdoc(profile) or "").partition("\n\nArgs:")[0]
    yield "## Kinds of columns"
    yield ", ".join(f"`{kind}`" for kind in Kind) + "."


def _fields(kind: type) -> Iterator[list[str]]:
    meanings = attribute_texts(kind)
    hints = get_type_hints(kind)
    for field in msgspec.structs.fields(kind):
        shown = hints[field.name]
        name = (
            shown.__name__
            if isinstance(shown, type) and not hasattr(shown, "__args__")
            else str(shown)
        )
        for module in (
            "typing.",
            "model_store.manifest.",
            "model_store.schema.signature.",
            "model_store.aliases.",
        ):
            name = name.replace(module, "")
        meaning = meanings.get(field.name) or MEANINGS[kind.__name__][field.encode_name]
        yield [f"`{field.encode_name}`", f"`{name}`", meaning]


def attribute_texts(kind: type) -> dict[str, str]:
    """Return the text under each attribute of a class, by the attribute's name."""
    module = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    [definition] = [found for found in module.body if isinstance(found, ast.ClassDef)]
    texts = {}
    for attribute, text in zip(definition.body[:-1], definition.body[1:], strict=True):
        match attribute, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(
                value=ast.Constant(value=str(said))
            ):
                texts[name] = said
    return texts
