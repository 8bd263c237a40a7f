"""Numbers of segments over versions."""

import numpy as np

from scorehouse.scoring.matched_centres import Centres, matched

PLACES = np.array([[5.0, 0.3, 5.0], [1.0, 2.5, 8.0], [3.0, 1.0, 6.5], [3.5, 0.8, 5.5]])


def centres(version: str, order: list[int], moved: float = 0.0, keys: list[int] | None = None) -> Centres:
    return Centres(version, keys or list(range(len(order))), list(range(len(order))), PLACES[order] + moved)


def test_a_version_that_orders_the_same_centres_otherwise_keeps_every_number() -> None:
    before = centres("a", [0, 1, 2, 3], keys=[7, 1, 4, 2])
    for order in ([3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]):
        found = matched(centres("b", order, moved=0.1), before)
        assert [found[cluster] for cluster in range(4)] == [[7, 1, 4, 2][place] for place in order]


def test_a_cluster_too_many_gets_a_number_that_was_never_used() -> None:
    before = centres("a", [0, 1, 2], keys=[1, 2, 5])
    assert sorted(matched(centres("b", [0, 1, 2, 3]), before).values()) == [1, 2, 5, 6]


def test_a_cluster_too_few_leaves_its_number_out() -> None:
    before = centres("a", [0, 1, 2, 3], keys=[1, 2, 3, 4])
    assert matched(centres("b", [1, 3]), before) == {0: 2, 1: 4}


def test_the_same_version_keeps_its_numbers_however_its_customers_moved() -> None:
    before = Centres("a", [3, 1], [0, 1], np.array([[1.0], [9.0]]))
    now = Centres("a", [0, 1], [0, 1], np.array([[9.0], [1.0]]))
    assert matched(now, before) == {0: 3, 1: 1}


def test_equal_centres_are_numbered_all_the_same() -> None:
    same = Centres("a", [0, 1], [0, 1], np.zeros((2, 3)))
    assert matched(same, None) == {0: 1, 1: 2}
    assert sorted(matched(Centres("b", [0, 1], [0, 1], np.zeros((2, 3))), same).values()) == [0, 1]
