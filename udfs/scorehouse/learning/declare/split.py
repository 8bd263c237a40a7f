"""Which examples train and which test: always later from earlier, and no training label reaches into the test."""

from dataclasses import dataclass

import numpy as np

from scorehouse.learning.declare.spec import Split


@dataclass(frozen=True)
class Cut:
    """Distinct times that train and times that test, oldest first.

    Attributes:
        train, test: datetime64[us] [times].
    """

    train: np.ndarray
    test: np.ndarray


def cut(times: np.ndarray, split: Split) -> Cut:
    """The declared split of times, datetime64[us] [any], repeated or not.

    The latest `test_periods` test; before them, those train whose label, `horizon_days` ahead, does not reach beyond the first
    test time, and of these the latest `train_periods`, or more where they are fewer than `train_rows` of the given times.

    >>> months = np.arange("2011-01", "2011-10", dtype="datetime64[M]").astype("datetime64[us]")
    >>> found = cut(months, Split("as_of", test_periods=1, train_periods=3, horizon_days=90))
    >>> found.train.astype("datetime64[M]").tolist()[0].month, found.train.size, found.test.size
    (4, 3, 1)
    >>> cut(np.repeat(months, 10), Split("as_of", train_periods=3, train_rows=40, horizon_days=90)).train.size
    4
    """
    distinct = np.unique(times)
    test = distinct[max(len(distinct) - split.test_periods, 0) :] if split.test_periods else distinct[:0]
    return Cut(_matured(times, test[0], split), test) if test.size else Cut(_latest(times, split), test)


def known(times: np.ndarray, split: Split) -> np.ndarray:
    """Times of which everything is known by now: the test too, and of all of them the latest, as in `cut`.

    >>> known(np.arange("2011-01", "2011-10", dtype="datetime64[M]"), Split("as_of", train_periods=3)).tolist()[0].month
    7
    """
    return _latest(times, split)


def folds(times: np.ndarray, train: np.ndarray, split: Split, count: int) -> list[Cut]:
    """The same rule at earlier times: each of the last `count` training times is predicted from times before it.

    >>> days = np.arange("2011-01-01", "2011-01-05", dtype="datetime64[D]").astype("datetime64[us]")
    >>> [(fold.train.size, fold.test.size) for fold in folds(days, days[:3], Split("as_of"), 2)]
    [(1, 1), (2, 1)]

    Args:
        times: all times of the examples, datetime64[us] [any].
        train: the training times, oldest first; nothing after them is used.
        split: the declared split.
        count: how many folds at most; times without anything before them give none.
    """
    cuts = [Cut(_matured(times, time, split), np.array([time])) for time in train[-count:]]
    return [fold for fold in cuts if fold.train.size]


def is_matured(times: np.ndarray, first_test: np.datetime64, split: Split) -> np.ndarray:
    """Which times are before the first one of a test, with labels that do not reach beyond it: bool, as many as times.

    >>> day = np.datetime64("2024-01-31", "us")
    >>> [bool(is_matured(day, day + np.timedelta64(days, "D"), Split("as_of", horizon_days=30))) for days in (29, 30)]
    [False, True]
    """
    horizon = np.timedelta64(round(split.horizon_days * 86_400_000_000), "us")
    return (times + horizon <= first_test) & (times < first_test)


def _matured(times: np.ndarray, first_test: np.datetime64, split: Split) -> np.ndarray:
    return _latest(times[is_matured(times, first_test, split)], split)


def _latest(times: np.ndarray, split: Split) -> np.ndarray:
    """The latest distinct times that are enough to train on."""
    distinct, counts = np.unique(times, return_counts=True)
    if split.train_periods is None:
        return distinct
    with_later = np.cumsum(counts[::-1])
    wanted = max(split.train_periods, 1 + int(np.sum(with_later < (split.train_rows or 0))))
    return distinct[max(len(distinct) - wanted, 0) :]
