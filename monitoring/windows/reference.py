"""The reference that a window is compared with: one column of a bundle's profile, as counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

CATEGORICAL = frozenset({"boolean", "category"})
"""The kinds that are counted by value; the others are counted in bins."""

ROUNDING = 1e-9
"""How much a number may differ from another, as a share of it, and be meant as the same."""


@dataclass(frozen=True, slots=True)
class Reference:
    """How a column was distributed in training; of no rows where nothing is known."""

    rows: int
    """Missing ones included."""
    missing: int
    counts: npt.NDArray[np.int64]
    """What was not missing. Of numbers: below all bins, by bin, above all bins. Of categories: by
    name, other, unseen. What is outside or unseen is 0 here."""
    edges: npt.NDArray[np.float64]
    """The least value, then the greatest of each bin, itself within; empty where there is none."""
    categories: tuple[str, ...] = ()
    """The names, most frequent first."""


def read_reference(profile: Mapping[str, Any] | None, kind: str) -> Reference:
    """Return one column's reference from its entry in `reference.json`, None where it has none.

    Profiles written before there were `bins` are read by their histogram.
    """
    if profile is None or profile["kind"] != kind:
        # A hand-made bundle may have no profile. Counted then is what there is, in no bin.
        profile = {"count": 0, "missing": 0.0}
    rows = int(profile["count"])
    missing = round(profile["missing"] * rows)
    if kind in CATEGORICAL:
        named = profile.get("categories", {})
        counts = [*named.values(), profile.get("other", 0), 0]
        return Reference(rows, missing, np.array(counts, np.int64), np.empty(0), tuple(named))
    described = profile.get("lengths", profile)
    edges, inside = _bins(described, _seconds if kind == "datetime" else _floats)
    if kind == "number" and len(edges):
        # What is but rounded otherwise is not out of range.
        margin = ROUNDING * np.abs(edges[[0, -1]]).max()
        edges[[0, -1]] += -margin, margin
    return Reference(rows, missing, np.array([0, *inside, 0], np.int64), edges)


def _seconds(moments: Any) -> npt.NDArray[np.float64]:
    """Return RFC 3339 texts of UTC, as a profile holds them, as seconds since 1970."""
    texts = [moment.removesuffix("Z") for moment in moments]
    return np.array(texts, "datetime64[us]").astype(np.int64) / 1e6


def _floats(values: Any) -> npt.NDArray[np.float64]:
    return np.array(values, np.float64)


def _bins(described: Mapping[str, Any], read: Any) -> tuple[npt.NDArray[np.float64], list[int]]:
    """Return the edges and the counts between them."""
    bins = described.get("bins")
    if bins is not None:
        return read([bins["least"], *bins["upper"]]), bins["counts"]
    histogram = described.get("histogram", {"edges": [], "counts": []})
    edges = read(histogram["edges"])
    if len(edges) > 1:
        # A histogram's inner edge belongs to the bin above it: ours end just before it.
        edges[1:-1] = np.nextafter(edges[1:-1], -np.inf)
    return edges, histogram["counts"]
