"""Guards against what a library refuses: a row with it has no score here, as it has none there.

scikit-learn's steps are asked themselves, cell by cell: whether they take NULL, and how large a number may be. What they say of
the columns that reach them holds wherever they stand, behind a logarithm that has no answer or a power that is infinite.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from scorehouse.learning.translate.draft import Draft
from scorehouse.scoring.steps import Bins, Lookup

LARGEST_FLOAT32 = float(np.nextafter((2 - 2.0**-24) * 2.0**127, 0))
"""The largest double that is a number when it is rounded to float32."""
LARGEST_FLOAT64 = float(np.finfo(np.float64).max)

Cell = float | str | None
Takes = Callable[[list[Cell]], bool]


def of_step(model: object, method: str, inputs: list[str], draft: Draft) -> None:
    """Guard the columns of a fitted scikit-learn step against what it refuses; its formula is written already.

    One that refuses a row of zeros and empty texts too is not asked: it is an encoder, whose translation knows its categories,
    or is made of steps that are asked themselves.
    """
    ask = getattr(model, method, None) or getattr(model, "predict", None)
    are_texts = [name in draft.texts for name in inputs]
    names = [str(name) for name in getattr(model, "feature_names_in_", ())]

    def takes(cells: list[Cell]) -> bool:
        try:
            ask(_row(names, cells, are_texts))
        except Exception:  # whatever it says, it gives no answer
            return False
        return True

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        _guard(inputs, draft, takes)


def _row(names: list[str], cells: list[Cell], are_texts: list[bool]) -> object:
    """A row as a step was fitted on it: of a pandas frame, each of whose columns has a type of its own, or of a matrix."""
    if not names:
        return np.array([cells], object if any(are_texts) else np.float64)
    from pandas import DataFrame  # an optional extra, which proving a file with names needs as well

    if not any(are_texts):
        return DataFrame(np.array([cells], np.float64), columns=names)
    kinds = [object if is_text else np.float64 for is_text in are_texts]
    return DataFrame({name: np.array([cell], kind) for name, cell, kind in zip(names, cells, kinds, strict=True)})


def _guard(names: list[str], draft: Draft, takes: Takes) -> None:
    plain: list[Cell] = ["" if name in draft.texts else 0.0 for name in names]
    if not takes(plain):
        return

    def refused(value: Callable[[str], Cell], places: Sequence[int]) -> list[int]:
        """Those of the places where a cell of this value is refused."""
        if takes([value(name) if place in places else plain[place] for place, name in enumerate(names)]):
            return []
        alone = ([value(name) if place == own else plain[place] for place, name in enumerate(names)] for own in places)
        return [own for own, cells in zip(places, alone, strict=True) if not takes(cells)]

    texts = [place for place, name in enumerate(names) if name in draft.texts]
    numbers = [place for place, name in enumerate(names) if name not in draft.texts and name not in draft.categories]
    for name in [names[place] for place in refused(draft.null_of, texts)] if texts else ():
        draft.guards += draft.add(Lookup((name,), (_fresh(name, draft),), (None,), np.full((1, 1), np.nan), np.zeros(1)))
    without_null = refused(lambda _: np.nan, numbers) if numbers else []
    limits = _limits(numbers, lambda number, places: refused(lambda _: number, places) if places else [])
    for place in sorted({*without_null, *limits}):
        within([names[place]], draft, limits.get(place, np.inf), takes_null=place not in without_null)


def _limits(numbers: list[int], refused: Callable[[float, list[int]], list[int]]) -> dict[int, float]:
    """The largest number that is taken, by place, where there is one and it is that of a type of numbers."""
    found: dict[int, float] = {}
    for limit in (LARGEST_FLOAT32, LARGEST_FLOAT64):
        beyond = refused(float(np.nextafter(limit, np.inf)), [place for place in numbers if place not in found])
        found |= dict.fromkeys(set(beyond) - set(refused(limit, beyond)), limit)
    return found


def within(names: Iterable[str], draft: Draft, limit: float, takes_null: bool = True) -> None:
    """Guard columns of numbers: none beyond plus and minus the limit is taken, and no NULL unless `takes_null`."""
    edges = np.array([-limit, np.nextafter(limit, np.inf)]) if np.isfinite(limit) else np.zeros(0)
    table = np.array([[np.nan], [0.0], [np.nan]]) if len(edges) else np.zeros((1, 1))
    missing = np.zeros(1) if takes_null else np.full(1, np.nan)
    for name in names:
        draft.guards += draft.add(Bins((name,), (_fresh(name, draft),), edges, table, missing))


def _fresh(name: str, draft: Draft) -> str:
    return draft.fresh(f"{name} is taken")
