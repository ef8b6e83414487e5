"""What a model must pass before it is published, without any limit of the user's."""

from collections.abc import Sequence

from ml_pipe.runner.errors import AcceptanceError
from ml_pipe.runner.quality.guessing import FEWEST_ROWS, LEVEL
from ml_pipe.runner.summary import Comparison

_TO_DO = (
    "Bring more rows, or columns that know more of the target; check the target and the split; or "
    "try another model. To publish it all the same, add `-p accept_guessing=true`."
)


def check_beaten(comparison: Comparison, *, accept_guessing: bool = False) -> None:
    """Check that a model beats guessing by more than noise.

    Raises:
        AcceptanceError: it does not; the sentence says by which scores, and what to do.
    """
    if comparison.is_beaten or accept_guessing:
        return
    if not comparison.looks:
        raise AcceptanceError(
            f"The model is not published: {comparison.rows} rows ({comparison.where}) are too few "
            f"to show that it is better than guessing; at least {FEWEST_ROWS} are needed. {_TO_DO}"
        )
    looks = "; ".join(look.phrase() for look in comparison.looks)
    named = [target for target in comparison.unbeaten if target]
    of = f" for {' and '.join(named)}" if named else ""
    raise AcceptanceError(
        f"The model is not published: it is not better than guessing by more than noise{of}. On "
        f"{comparison.rows} rows ({comparison.where}): {looks}; one must have p < {LEVEL / 2:g}. "
        f"{_TO_DO}"
    )


def check_strict(warnings: Sequence[str], *, strict: bool) -> None:
    """Check that nothing was warned of, where a run is strict.

    Raises:
        AcceptanceError: something was; the sentence has all of it.
    """
    if strict and warnings:
        raise AcceptanceError(
            f"The model is not published, as the run is strict and {len(warnings)} checks warn: "
            f"{' '.join(warnings)}"
        )
