"""A notebook as git keeps it: no outputs, no execution counts, of the metadata the tags alone."""

# git reads notebooks through this file, standard input to standard output, once `mlops lab` or the
# set-up has named it as a filter of the checkout (`mlops.process.git_filter`).

import hashlib
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[3]


def clean_notebook(text: str) -> str:
    """Return a notebook's JSON text as git keeps it; a clean one stays the same, byte for byte.

    Raises:
        ValueError: it is no JSON.
        KeyError, TypeError: it is no notebook.
    """
    # Where nothing is cleaned, nothing of it need be installed.
    from fastcore.nbio import nb2str  # noqa: PLC0415
    from fastcore.xtras import loads  # noqa: PLC0415
    from nbdev.clean import clean_nb  # noqa: PLC0415
    from nbdev.config import get_config  # noqa: PLC0415

    notebook = loads(text)
    options = get_config(path=_ROOT)
    clean_nb(
        notebook,
        allowed_metadata_keys=options.get("allowed_metadata_keys"),
        # The tag `parameters` is among them.
        allowed_cell_metadata_keys=options.get("allowed_cell_metadata_keys"),
        clean_ids=options.clean_ids,
    )
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    cleaned: str = nb2str(notebook)
    return cleaned


def digest(notebook: Path) -> str:
    """Return the SHA-256 of a notebook as git keeps it; outputs make no difference."""
    try:
        content = clean_notebook(notebook.read_text("utf-8")).encode()
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError, ImportError):
        content = notebook.read_bytes()
    return hashlib.sha256(content).hexdigest()


def main() -> int:
    """Clean what standard input holds; 1 where it cannot be: git then keeps it as it is."""
    text = sys.stdin.buffer.read()
    try:
        cleaned = clean_notebook(text.decode())
    except Exception as error:  # noqa: BLE001 - whatever it is, git takes the file as it is
        print(f"The notebook cannot be cleaned ({type(error).__name__}: {error}).", file=sys.stderr)  # noqa: T201
        return 1
    sys.stdout.buffer.write(cleaned.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
