"""A version of another machine's store becomes one of this store's, as it is."""

from pathlib import Path

from mlops.exchange.files.parcel import Parcel
from model_store import bundle, files, loading
from model_store.errors import RefusedError
from model_store.first_load import verdicts
from model_store.first_load.first_loads import FirstLoads
from model_store.names import checked_name
from model_store.seals import seal
from model_store.staging import staged
from model_store.store import LoadPolicy


def adopt(root: Path, policy: LoadPolicy, parcel: Parcel) -> bool:
    """Store a version under its own name; return False where it was there already.

    What a known publisher sealed must load in both forms. Of anything else the compiled form alone
    is loaded: nothing of an estimator runs before somebody seals it.

    Args:
        root: the folder of the store.
        policy: what may be loaded here.
        parcel: the version.

    Raises:
        InvalidNameError: its names are not safe.
        RefusedError: it is damaged, may not be loaded here, or another one has its name.
        OSError: the store cannot be written, or no process can be started.
    """
    folder = root / checked_name("model", parcel.model)
    version = checked_name("version", parcel.version)
    if (folder / version).exists():
        if _is_same(folder / version, parcel):
            return False
        raise RefusedError(
            f"There is another version {version} of {parcel.model} here, with other content: "
            "remove one of both by hand."
        )
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    with staged(folder, version) as stage:
        if stage.version != version:
            raise RefusedError(f"Version {version} of {parcel.model} is being stored already.")
        for name, content in parcel.contents.items():
            files.write(stage.folder / name, content)
        files.sync_folder(stage.folder)
        _verify(stage.folder, parcel, policy, verdicts.folder_beside(root))
        stage.publish()
    files.sync_folder(root)
    return True


def _is_same(folder: Path, parcel: Parcel) -> bool:
    return files.read(folder / bundle.MANIFEST) == parcel.contents[bundle.MANIFEST]


def _verify(folder: Path, parcel: Parcel, policy: LoadPolicy, remembered: Path) -> None:
    names = parcel.model, parcel.version
    first_loads = FirstLoads(remembered)
    try:
        opened = loading.open_bundle(folder, *names)
        if seal.counts(folder, policy.publishers):
            loading.verify(folder, *names, policy, first_loads)
        elif opened.manifest.compiled:
            first_loads.see(folder, opened.manifest, "compiled", policy)
            loading.load_compiled(opened)
    finally:
        first_loads.close()
