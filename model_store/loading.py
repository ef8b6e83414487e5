"""Loading a bundle: every check, in the order in which each is safe to make."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from model_store import bundle, formats, golden, packages
from model_store.boosters import native_formats, storing
from model_store.compile.onnx_predictor import OnnxPredictor
from model_store.errors import ModelStoreError, RefusedError
from model_store.first_load.first_loads import FirstLoads, UnknownError
from model_store.golden import Golden
from model_store.manifest import Manifest
from model_store.model_process.model_processes import ModelProcesses
from model_store.model_process.process_predictor import ProcessPredictor
from model_store.predictor import EstimatorPredictor, Predictor
from model_store.schema.columns import Columns
from model_store.schema.row_decoder import RowDecoder
from model_store.seals import seal
from model_store.store import LoadedModel, LoadPolicy

_ESTIMATOR_MODULES = {
    "skops": ("pandas", "sklearn", "skops"),
    "pickle": ("pandas", "sklearn"),
}


class Opened(NamedTuple):
    """A bundle that was read, with nothing in it run."""

    manifest: Manifest
    contents: dict[str, bytes]
    decoder: RowDecoder
    golden: Golden


def load(  # noqa: PLR0913 - what is loaded, and where
    folder: Path,
    model: str,
    version: str,
    policy: LoadPolicy,
    first_loads: FirstLoads,
    *,
    processes: ModelProcesses | None = None,
) -> LoadedModel:
    """Load the bundle in a folder, as this version of this model.

    First everything that runs nothing: manifest and hashes. Then the compiled form, which holds no
    code; without it, or where it fails here, the estimator, whose seal, format, types and modules
    are checked before. Either is loaded in a process of its own first, and must give the golden
    answers, whatever the packages are here. With `processes`, the estimator stays in one of them.

    Raises:
        NotFoundError: there is no bundle.
        RefusedError: it failed a check; the sentence says which, and what to do.
        PredictionError: its model process ends again and again.
        OSError: no process can be started.
    """
    opened = open_bundle(folder, model, version)
    manifest = opened.manifest
    card = opened.contents[bundle.CARD].decode(errors="replace")
    reference = opened.contents[bundle.REFERENCE]
    reason = manifest.not_compiled
    if manifest.compiled:
        try:
            first_loads.see(folder, manifest, "compiled", policy)
            predictor: Predictor = load_compiled(opened)
        except UnknownError:
            raise
        except ModelStoreError as error:
            if manifest.estimator == "onnx":
                raise
            reason = f"The compiled form fails here. {error}"
        else:
            return LoadedModel(
                manifest, opened.decoder, predictor, card, "compiled", reference=reference
            )
    seal.check(folder, manifest, policy.publishers)
    if processes is None:
        check_estimator(opened, policy)
    first_loads.see(folder, manifest, "estimator", policy)
    if processes:
        # It is checked there, too, where its packages are imported.
        start = processes.start_for(folder, manifest, policy)
        predictor = ProcessPredictor(processes, start, manifest.signature)
    else:
        predictor = load_estimator(opened, policy)
    return LoadedModel(manifest, opened.decoder, predictor, card, "estimator", reason, reference)


def verify(
    folder: Path, model: str, version: str, policy: LoadPolicy, first_loads: FirstLoads
) -> None:
    """See that both forms of the bundle in a folder can be loaded, with every check.

    Raises:
        NotFoundError: there is no bundle.
        RefusedError: one of them failed a check; the sentence says which, and what to do.
        OSError: no process can be started.
    """
    opened = open_bundle(folder, model, version)
    if opened.manifest.estimator != "onnx":
        _verify_estimator(folder, opened, policy, first_loads)
    if opened.manifest.compiled:
        try:
            first_loads.see(folder, opened.manifest, "compiled", policy)
            load_compiled(opened)
        except ModelStoreError as error:
            raise RefusedError(f"Its compiled form fails here. {error}") from error


def _verify_estimator(
    folder: Path, opened: Opened, policy: LoadPolicy, first_loads: FirstLoads
) -> None:
    check_estimator(opened, policy)
    if not opened.manifest.compiled:
        # The form that a service loads: it finds the verdict, and starts as quickly as ever.
        first_loads.see(folder, opened.manifest, "estimator", policy)
    load_estimator(opened, policy)


def open_bundle(folder: Path, model: str, version: str) -> Opened:
    """Read the bundle in a folder, and run nothing of it.

    Raises:
        NotFoundError: there is no bundle.
        RefusedError: it is damaged.
    """
    manifest = bundle.read_manifest(folder, model, version)
    contents = bundle.read_files(folder, manifest)
    try:
        decoder = RowDecoder(manifest.signature)
        rows = msgspec.json.decode(contents[bundle.GOLDEN], type=Golden)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise RefusedError(f"The bundle is damaged ({error}): publish again.") from error
    return Opened(manifest, contents, decoder, rows)


def load_compiled(opened: Opened) -> OnnxPredictor:
    """Return the compiled form, which gives the golden answers.

    Raises:
        ModelStoreError: it does not, or cannot be loaded.
    """
    signature, compiled = opened.manifest.signature, opened.manifest.compiled
    if compiled is None:
        raise RefusedError("It has no compiled form.")
    predictor = OnnxPredictor(opened.contents[bundle.COMPILED], signature, compiled)
    golden.check(opened.golden, signature, opened.decoder, predictor)
    return predictor


def check_estimator(opened: Opened, policy: LoadPolicy) -> None:
    """See that the estimator may be loaded here; nothing of it is run.

    Raises:
        RefusedError: it may not; the sentence says why, and what to do.
    """
    manifest = opened.manifest
    if missing := packages.missing_modules(_ESTIMATOR_MODULES[manifest.estimator]):
        raise RefusedError(
            f"Its estimator needs {', '.join(missing)}, and this installation serves compiled "
            "models alone: serve from requirements/train.txt or the image of all modes."
        )
    if missing := packages.missing_modules(native_formats.needed_modules(opened.contents)):
        raise RefusedError(
            f"Its trees need {', '.join(missing)}, which is not installed here: make boosters, or "
            f"make add PACKAGE={missing[0]}."
        )
    stored = opened.contents[bundle.ESTIMATOR_FILES[manifest.estimator]]
    formats.check_allowed(stored, manifest.estimator, policy)
    if missing := packages.missing_modules(manifest.requires):
        raise RefusedError(
            f"The model needs modules that are not here ({', '.join(missing)}): export the "
            "notebooks, and install what they are exported to."
        )


def load_estimator(opened: Opened, policy: LoadPolicy) -> EstimatorPredictor:
    """Return the estimator, which gives the golden answers; call `check_estimator` before.

    Raises:
        RefusedError: it does not, or cannot be loaded.
    """
    predictor = read_estimator(opened, policy)
    check_golden(opened, predictor)
    return predictor


def read_estimator(opened: Opened, policy: LoadPolicy) -> EstimatorPredictor:
    """Return the estimator, which was not asked anything yet; call `check_estimator` before.

    Raises:
        RefusedError: it cannot be loaded.
    """
    manifest = opened.manifest
    stored = opened.contents[bundle.ESTIMATOR_FILES[manifest.estimator]]
    with _packages_named(manifest):
        estimator = formats.load(stored, manifest.estimator, policy)
        estimator = storing.put_together(estimator, opened.contents)
        return EstimatorPredictor(estimator, manifest.signature)


def check_golden(opened: Opened, predictor: Predictor) -> None:
    """See that an estimator gives the golden answers.

    Raises:
        RefusedError: it does not.
    """
    with _packages_named(opened.manifest):
        golden.check(opened.golden, opened.manifest.signature, opened.decoder, predictor)


@contextmanager
def _packages_named(manifest: Manifest) -> Iterator[None]:
    """Add to the reason of a refusal which packages differ.

    The golden rows decide whether other packages matter. Where one fails, they may be why.
    """
    try:
        yield
    except ModelStoreError as error:
        reasons = [str(error), packages.differences(manifest.packages)]
        raise RefusedError(" ".join(filter(None, reasons))) from error


def import_for(opened: Opened) -> None:
    """Import what its estimator needs, as far as it is here; call `check_estimator` before."""
    manifest = opened.manifest
    for name in (*_ESTIMATOR_MODULES[manifest.estimator], *manifest.requires):
        # What is missing is reported by the load that follows.
        with suppress(Exception):
            importlib.import_module(name)


def golden_columns(opened: Opened) -> Columns:
    """Return the golden rows as a model takes them, one array a column."""
    decoder = opened.decoder
    return decoder.columns([decoder.decode(msgspec.json.encode(opened.golden.inputs))])
