"""What customers did with items, as arrays."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from scorehouse.cached import cached_property
from scorehouse.errors import ScorehouseError

COLUMNS = ("customer_id", "item_id", "occurred_date", "weight", "half_life_days", "is_taken", "as_of")
"""Columns of a table of interactions: one row for a customer, an item and a day."""

SMALLEST_PREFERENCE = 0.01
"""A smaller preference is none."""


@dataclass(frozen=True, eq=False)
class History:
    """Rows of customer, item and day, ordered by these.

    >>> table = pa.table({
    ...     "customer_id": ["ann", "ann"], "item_id": ["pen", "cup"], "weight": [1.0, 1.0], "half_life_days": [7.0, 7.0],
    ...     "occurred_date": pa.array([108, 101], pa.int32()).cast(pa.date32()), "is_taken": [False, True],
    ...     "as_of": pa.array([110, 110], pa.int32()).cast(pa.date32()),
    ... })
    >>> history = History.read(table, "an example")
    >>> history.items, history.day, history.today
    (array(['cup', 'pen'], dtype='<U3'), array([101, 108]), 110)
    >>> history.taken.toarray()
    array([[1., 0.]])
    >>> history.preferences.toarray()
    array([[0.5, 1. ]])
    >>> history.popularity(window_days=2)
    array([0., 1.])
    >>> history.is_new
    array([ True,  True])

    Attributes:
        customers, items: names as texts, in order.
        customer, item: int64 [rows], places among the names.
        day: int64 [rows], days since 1970.
        weight: float64 [rows], what the day's interactions say: 1 is a purchase, less than 0 takes back.
        is_taken: bool [rows], whether the customer had the item that day (bought, rated), not only looked.
        half_life_days: float64 [rows], after so many days the customer's interest in the item is half.
        today: the day of the as-of time, in days since 1970; all rows are before it.
    """

    customers: np.ndarray
    items: np.ndarray
    customer: np.ndarray
    item: np.ndarray
    day: np.ndarray
    weight: np.ndarray
    half_life_days: np.ndarray
    is_taken: np.ndarray
    today: int

    @classmethod
    def read(cls, table: pa.Table, where: str) -> Self:
        """From a table with the columns `COLUMNS`; raises ScorehouseError when one is missing or has a NULL.

        Args:
            table: interactions, in any order.
            where: the model's file, for messages.
        """
        for name in COLUMNS:
            found = "none" if name not in table.column_names else f"{table[name].null_count} NULLs"
            if found != "0 NULLs":
                raise ScorehouseError(f"{where}: expected the column {name} without NULL in the examples, found {found}.")
        customers, customer = _placed(table["customer_id"])
        items, item = _placed(table["item_id"])
        day = table["occurred_date"].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64)
        as_of = pc.max(table["as_of"]).as_py()
        history = cls(
            customers,
            items,
            customer,
            item,
            day,
            table["weight"].cast(pa.float64()).to_numpy(),
            table["half_life_days"].cast(pa.float64()).to_numpy(),
            table["is_taken"].to_numpy(zero_copy_only=False).astype(bool),
            0 if as_of is None else int(np.datetime64(as_of, "D").astype(np.int64)),
        )
        return history.take(np.lexsort((day, item, customer)))

    def __len__(self) -> int:
        return len(self.customer)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of customers and of items."""
        return len(self.customers), len(self.items)

    def take(self, rows: np.ndarray, today: int | None = None) -> Self:
        """Some of the rows (bool [rows] or places), among the same customers and items; with another `today` where given."""
        names = ("customer", "item", "day", "weight", "half_life_days", "is_taken")
        columns = {name: getattr(self, name)[rows] for name in names}
        return replace(self, **columns, today=self.today if today is None else today)

    @cached_property
    def pairs(self) -> np.ndarray:
        """One number for customer and item together, the same in all their rows: int64 [rows]."""
        return self.customer * len(self.items) + self.item

    @cached_property
    def strengths(self) -> sparse.csr_matrix:
        """How much each customer likes each item, at any time: the sum of the weights, 0 to 1; float64 [customers, items]."""
        return positive(sparse.csr_matrix((self.weight, (self.customer, self.item)), self.shape))

    @cached_property
    def taken(self) -> sparse.csr_matrix:
        """1 where the customer ever took the item: float64 [customers, items]."""
        rows = self.is_taken
        return positive(sparse.csr_matrix((np.ones(rows.sum()), (self.customer[rows], self.item[rows])), self.shape))

    def most_liked(self, count: int) -> np.ndarray:
        """Places of the items that are liked most, at most `count`, in the order of the items: int64 [chosen]."""
        liked = np.asarray(self.strengths.sum(axis=0)).ravel()
        return np.sort(np.argsort(-liked, kind="stable")[:count])

    @cached_property
    def preferences(self) -> sparse.csr_matrix:
        """How much each customer likes each item now: float64 [customers, items].

        The strength, halved with each half-life between a liked day (weight above 0) of the item and the customer's last one; of
        several days the one that is halved least counts. What is below `SMALLEST_PREFERENCE` is 0.
        """
        liked = self.weight > 0
        last = np.zeros(len(self.customers), np.int64)
        np.maximum.at(last, self.customer[liked], self.day[liked])
        recency = np.exp2((self.day - last[self.customer]) / self.half_life_days)
        pairs, places = np.unique(self.pairs[liked], return_inverse=True)
        latest = np.zeros(len(pairs))
        np.maximum.at(latest, places, recency[liked])
        known = sparse.csr_matrix((latest, np.divmod(pairs, max(len(self.items), 1))), self.shape)
        found = self.strengths.multiply(known).tocsr()
        found.data[found.data < SMALLEST_PREFERENCE] = 0
        found.eliminate_zeros()
        return found

    @cached_property
    def is_new(self) -> np.ndarray:
        """Whether the customer had not taken the item on an earlier day: bool [rows]."""
        pairs, places = np.unique(self.pairs, return_inverse=True)
        first = np.full(len(pairs), np.iinfo(np.int64).max)
        np.minimum.at(first, places[self.is_taken], self.day[self.is_taken])
        return self.day <= first[places]

    def popularity(self, half_life_days: float | None = None, window_days: int | None = None, of_new: bool = False) -> np.ndarray:
        """Liked customer days of each item: the sum of the weights, each 0 to 1; float64 [items].

        Args:
            half_life_days: a row counts half with each so many days before today; None for no decay.
            window_days: only rows at most so many days before today count; None for all.
            of_new: whether only rows of customers count who had not taken the item before.
        """
        age = self.today - self.day
        weight = np.clip(self.weight, 0, 1)
        if half_life_days is not None:
            weight = weight * np.exp2(-age / half_life_days)
        if window_days is not None:
            weight = weight * (age <= window_days)
        if of_new:
            weight = weight * self.is_new
        return np.bincount(self.item, weight, len(self.items))


def _placed(texts: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct texts in order, and each row's place among them: int64 [rows]."""
    found = texts.cast(pa.string()).combine_chunks().dictionary_encode()
    names = found.dictionary.to_numpy(zero_copy_only=False).astype(str)
    order = np.argsort(names)
    return names[order], np.argsort(order)[found.indices.to_numpy()].astype(np.int64)


def positive(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The matrix itself, changed: repeated cells added up, values above 1 made 1, those of 0 or less taken out.

    >>> positive(sparse.csr_matrix([[2.0, -1.0, 0.5]])).toarray()
    array([[1. , 0. , 0.5]])
    """
    matrix.sum_duplicates()
    matrix.data = np.clip(matrix.data, 0, 1)
    matrix.eliminate_zeros()
    return matrix
