"""The pages of `docs/reference/`, made of the code: `make docs` writes them, a test compares them.

What the code cannot say, such as what a route is for, stands beside it in `reference_pages`. What
has no such text is an error, so that nothing new stays undescribed.
"""

from pathlib import Path

from docs.make.reference_pages import (
    bundle_page,
    command_page,
    http_page,
    log_page,
    metrics_page,
    settings_page,
)

FOLDER = Path(__file__).resolve().parents[1] / "reference"
MADE = (
    "<!-- Made by `make docs` from the code. "
    "Edit the code, or docs/make/reference_pages, and not this page. -->"
)


def pages() -> dict[str, str]:
    """Return the text of every page, by its file name."""
    made = {
        "settings.md": ("Settings", settings_page.INTRODUCTION, settings_page.settings_parts()),
        "metrics.md": ("Metrics", metrics_page.INTRODUCTION, metrics_page.metrics_parts()),
        "http.md": ("HTTP", http_page.INTRODUCTION, http_page.http_parts()),
        "command.md": ("Command", command_page.INTRODUCTION, command_page.command_parts()),
        "bundle.md": ("Bundle", bundle_page.INTRODUCTION, bundle_page.bundle_parts()),
        "log.md": ("Prediction log", log_page.INTRODUCTION, log_page.log_parts()),
    }
    return {
        name: "\n\n".join([f"# {title}", MADE, introduction.strip(), *parts]).rstrip() + "\n"
        for name, (title, introduction, parts) in made.items()
    }


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
