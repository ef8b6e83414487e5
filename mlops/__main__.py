"""The command's way in: `mlops`, or `python -m mlops`."""

import gc

from mlops.process.private_files import keep_private
from mlops.process.threads import use_one_thread


def main() -> None:
    """Run the command."""
    # Imports make many objects and leave hardly any garbage, so that looking for it is a tenth of
    # the time that `mlops serve` takes to be ready.
    gc.disable()
    keep_private()
    # Before anything imports numpy.
    use_one_thread()
    from mlops.cli import app  # noqa: PLC0415 - that is what takes long

    gc.enable()
    app()


if __name__ == "__main__":
    main()
