"""Loading a bundle: every check, in the order in which each is safe to make."""

from pathlib import Path

import msgspec

from model_store import bundle, formats, golden, packages
from model_store.errors import ModelStoreError, RefusedError
from model_store.manifest import Manifest
from model_store.predictor import EstimatorPredictor
from model_store.row_decoder import RowDecoder
from model_store.store import LoadedModel, LoadPolicy


def load(folder: Path, model: str, version: str, policy: LoadPolicy) -> LoadedModel:
    """Load the bundle in a folder, as this version of this model.

    First everything that runs nothing: manifest, hashes, format, types, modules. Then the model,
    which must give its golden answers, whatever the packages are here.

    Raises:
        NotFoundError: there is no bundle.
        RefusedError: it failed a check; the sentence says which, and what to do.
    """
    manifest = bundle.read_manifest(folder, model, version)
    contents = bundle.read_files(folder, manifest)
    stored = contents[bundle.ESTIMATOR_FILES[manifest.estimator]]
    formats.check_allowed(stored, manifest.estimator, policy)
    if missing := packages.missing_modules(manifest.requires):
        raise RefusedError(
            f"The model needs modules that are not here ({', '.join(missing)}): export the "
            "notebooks, and install what they are exported to."
        )
    try:
        estimator = formats.load(stored, manifest.estimator, policy)
        decoder, predictor = _checked(estimator, manifest, contents[bundle.GOLDEN])
    except ModelStoreError as error:
        # The golden rows decide whether other packages matter. Where one fails, they may be why.
        reasons = [str(error), packages.differences(manifest.packages)]
        raise RefusedError(" ".join(filter(None, reasons))) from error
    return LoadedModel(manifest, decoder, predictor, contents[bundle.CARD].decode(errors="replace"))


def _checked(
    estimator: object, manifest: Manifest, golden_text: bytes
) -> tuple[RowDecoder, EstimatorPredictor]:
    try:
        decoder = RowDecoder(manifest.signature)
        rows = msgspec.json.decode(golden_text, type=golden.Golden)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise RefusedError(f"The bundle is damaged ({error}): publish again.") from error
    predictor = EstimatorPredictor(estimator, manifest.signature)
    golden.check(rows, manifest.signature, decoder, predictor)
    return decoder, predictor
