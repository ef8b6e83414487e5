"""Seals one version that a run of notebooks published, in a process of its own.

The key is never in the memory of a kernel, nor of what starts kernels: `python -m
mlops.sealing.seal_version MODEL VERSION DIGEST`, with the SHA-256 that the manifest had when it was
written.
"""

import os
from typing import Annotated

import typer

from mlops.commands.models import sentences
from mlops.commands.settings import load_settings
from mlops.console import Exit, fail, print_json
from mlops.process.publisher_key import ensure_signer
from model_store.errors import ModelStoreError
from settings import factories

RUN = "ML_PIPE_RUN_FOLDER"


def main(
    model: Annotated[str, typer.Argument()],
    version: Annotated[str, typer.Argument()],
    manifest: Annotated[str, typer.Argument(min=1)],
) -> None:
    """Print as JSON why the version has no seal now: an empty text where it has one."""
    if os.environ.get(RUN):
        fail("A run's notebook seals nothing: what runs it does.", Exit.USAGE)
    settings = load_settings()
    if not settings.model_seal:
        print_json({"unsealed": "MODEL_SEAL is off here"})
        return
    try:
        signer = ensure_signer(settings.local_data / "secrets")
    except (OSError, ModelStoreError) as error:
        print_json({"unsealed": f"the publisher's key cannot be used: {error}"})
        return
    with sentences():
        factories.model_store(settings, signer).seal(model, version, manifest)
    print_json({"unsealed": ""})


if __name__ == "__main__":
    typer.run(main)
