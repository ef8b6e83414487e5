"""Loading a bundle: every check, in the order in which each is safe to make."""

from pathlib import Path
from typing import NamedTuple

import msgspec

from model_store import bundle, formats, golden, packages
from model_store.compile.onnx_predictor import OnnxPredictor
from model_store.errors import ModelStoreError, RefusedError
from model_store.golden import Golden
from model_store.manifest import Compiled, Manifest
from model_store.predictor import EstimatorPredictor, Predictor
from model_store.schema.row_decoder import RowDecoder
from model_store.seals import seal
from model_store.store import LoadedModel, LoadPolicy

_ESTIMATOR_MODULES = {
    "skops": ("pandas", "sklearn", "skops"),
    "pickle": ("pandas", "sklearn"),
}


class _Opened(NamedTuple):
    """A bundle that was read, with nothing in it run."""

    manifest: Manifest
    contents: dict[str, bytes]
    decoder: RowDecoder
    golden: Golden


def load(folder: Path, model: str, version: str, policy: LoadPolicy) -> LoadedModel:
    """Load the bundle in a folder, as this version of this model.

    First everything that runs nothing: manifest and hashes. Then the compiled form, which holds no
    code; without it, or where it fails here, the estimator, whose seal, format, types and modules
    are checked before. Either must give the golden answers, whatever the packages are here.

    Raises:
        NotFoundError: there is no bundle.
        RefusedError: it failed a check; the sentence says which, and what to do.
    """
    opened = _opened(folder, model, version)
    manifest = opened.manifest
    card = opened.contents[bundle.CARD].decode(errors="replace")
    reference = opened.contents[bundle.REFERENCE]
    reason = manifest.not_compiled
    if manifest.compiled:
        try:
            predictor: Predictor = _compiled(opened, manifest.compiled)
        except ModelStoreError as error:
            reason = f"The compiled form fails here. {error}"
        else:
            return LoadedModel(
                manifest, opened.decoder, predictor, card, "compiled", reference=reference
            )
    seal.check(folder, manifest, policy.publishers)
    predictor = _estimator(opened, policy)
    return LoadedModel(manifest, opened.decoder, predictor, card, "estimator", reason, reference)


def verify(folder: Path, model: str, version: str, policy: LoadPolicy) -> None:
    """See that both forms of the bundle in a folder can be loaded, with every check.

    Raises:
        NotFoundError: there is no bundle.
        RefusedError: one of them failed a check; the sentence says which, and what to do.
    """
    opened = _opened(folder, model, version)
    _estimator(opened, policy)
    if opened.manifest.compiled:
        try:
            _compiled(opened, opened.manifest.compiled)
        except ModelStoreError as error:
            raise RefusedError(f"Its compiled form fails here. {error}") from error


def _opened(folder: Path, model: str, version: str) -> _Opened:
    manifest = bundle.read_manifest(folder, model, version)
    contents = bundle.read_files(folder, manifest)
    try:
        decoder = RowDecoder(manifest.signature)
        rows = msgspec.json.decode(contents[bundle.GOLDEN], type=Golden)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise RefusedError(f"The bundle is damaged ({error}): publish again.") from error
    return _Opened(manifest, contents, decoder, rows)


def _compiled(opened: _Opened, compiled: Compiled) -> OnnxPredictor:
    signature = opened.manifest.signature
    predictor = OnnxPredictor(opened.contents[bundle.COMPILED], signature, compiled)
    golden.check(opened.golden, signature, opened.decoder, predictor)
    return predictor


def _estimator(opened: _Opened, policy: LoadPolicy) -> EstimatorPredictor:
    manifest = opened.manifest
    if missing := packages.missing_modules(_ESTIMATOR_MODULES[manifest.estimator]):
        raise RefusedError(
            f"Its estimator needs {', '.join(missing)}, and this installation serves compiled "
            "models alone: serve from requirements/train.txt or the image of all modes."
        )
    stored = opened.contents[bundle.ESTIMATOR_FILES[manifest.estimator]]
    formats.check_allowed(stored, manifest.estimator, policy)
    if missing := packages.missing_modules(manifest.requires):
        raise RefusedError(
            f"The model needs modules that are not here ({', '.join(missing)}): export the "
            "notebooks, and install what they are exported to."
        )
    try:
        estimator = formats.load(stored, manifest.estimator, policy)
        predictor = EstimatorPredictor(estimator, manifest.signature)
        golden.check(opened.golden, manifest.signature, opened.decoder, predictor)
    except ModelStoreError as error:
        # The golden rows decide whether other packages matter. Where one fails, they may be why.
        reasons = [str(error), packages.differences(manifest.packages)]
        raise RefusedError(" ".join(filter(None, reasons))) from error
    return predictor
