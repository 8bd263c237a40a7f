"""What compiled functions are given when they ask (see `scorehouse.sandbox.repeatable`): decided by type, and here alone."""

import datetime
import importlib
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from scorehouse.sandbox.ordered import VIEWS, Items, Keys, Ordered, OrderedAndFrozen

_SCALARS = frozenset(
    {str, bytes, int, float, complex, bool, type(None), type(...), range, slice, Decimal}
    | {datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone}
)
_OPEN = (_SCALARS - {datetime.datetime, datetime.date, datetime.time}) | {list, tuple, Ordered, OrderedAndFrozen, Keys, Items}
"""Types all of whose listed attributes say nothing but the value."""

_HELD = _SCALARS | {list}
"""What arrays that were looked at hold, and their lists."""

_KINDS = frozenset("biufcmUSTO")
"""NumPy's kinds of values; not times, which it reads from texts such as 'now', nor records, between whose fields lies junk."""
_PADDED = frozenset("gG")
"""Numbers with bytes that no value fills."""
_OF_ARROW = (pa.Array, pa.ChunkedArray, pa.Scalar, pa.DataType, pa.Field)
_OF_NUMPY = (np.random.Generator, np.errstate, np.finfo, np.iinfo, np.flatiter)

FILLED = frozenset(
    "all amax amin any max mean min nanmax nanmean nanmin nanprod nanstd nansum nanvar prod reduce std sum var".split()
)
"""What counts up the elements that `where` takes; others leave what memory held in place of those that it does not."""

_OF_DATES = frozenset("YmdHMSfjyVGuwUWz%")
"""How parts of a date are written without the machine's language and time zone."""
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)


class UnrepeatableError(Exception):
    """What was found that another process computes otherwise, and what to do instead."""

    def __init__(self, found: str, instead: str) -> None:
        super().__init__(found)
        self.found, self.instead = found, instead


# -------- texts


def plain(value: Any) -> Any:
    """The value itself, if a text of it says the value; UnrepeatableError for what is written by its place in memory.

    >>> plain([1, ("a", None)])
    [1, ('a', None)]
    >>> plain([len])
    Traceback (most recent call last):
    scorehouse.sandbox.given.UnrepeatableError: a builtin_function_or_method in place of a value
    """
    kind = type(value)
    if kind in _SCALARS:
        return value
    if isinstance(value, list | tuple | Ordered):
        _each_plain(value)
    elif kind is dict:
        _each_plain(value)
        _each_plain(value.values())
    elif isinstance(value, np.ndarray):
        _each_plain(value.ravel().tolist() if value.dtype.kind == "O" else ())
    elif not isinstance(value, np.generic | np.dtype | pa.Scalar | pa.DataType):
        raise UnrepeatableError(f"a {kind.__name__} in place of a value", "use numbers, texts, dates and lists of them")
    return value


def _each_plain(values: Iterable[Any]) -> None:
    if not _SCALARS.issuperset(map(type, values)):
        for value in values:
            plain(value)


def text(value: Any, conversion: int, how: str) -> str:
    """What stands in an f-string for a value; `conversion` is Python's number for `!s`, `!r` and `!a`, or -1 for none of them."""
    if type(value) not in _SCALARS:
        plain(value)
    if conversion != -1:
        value = converted(value, conversion)
    elif how and isinstance(value, datetime.date | datetime.time):
        _expect_known_parts(how)
    return format(value, how)


def converted(value: Any, conversion: int) -> str:
    """What `!s`, `!r` or `!a` makes of a value, by Python's number for it."""
    return {"s": str, "r": repr, "a": ascii}[chr(conversion)](value)


def _written(moment: Any, how: str) -> str:
    _expect_known_parts(how)
    return moment.strftime(how)


def _read(kind: type[datetime.datetime], written: str, how: str) -> datetime.datetime:
    _expect_known_parts(how)
    return kind.strptime(written, how)


def _expect_known_parts(how: str) -> None:
    for part in _DIRECTIVE.findall(how):
        if part not in _OF_DATES:
            raise UnrepeatableError(f"'%{part}' of a date, which follows the machine's language or zone", "write its numbers")


# -------- names


class _StandIn(type):
    """A type in place of another one, whose instances count as its own."""

    of: type

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, cls.of)


class Text(metaclass=_StandIn):
    """`str`, of plain values."""

    of = str

    def __new__(cls, value: Any = "", *coding: str, **named: str) -> str:
        """The text of a plain value."""
        return str(plain(value), *coding, **named)


class Array(metaclass=_StandIn):
    """`numpy.ndarray`, to ask whether something is one."""

    of = np.ndarray

    def __new__(cls, *_: Any, **__: Any) -> None:
        """Refused: it would hold what memory held."""
        raise UnrepeatableError("numpy.ndarray(), which holds what memory held", "write numpy.zeros")


def seeded(seed: Any = None) -> np.random.Generator:
    """`numpy.random.default_rng`, of a seed."""
    if seed is None:
        raise UnrepeatableError("default_rng without a seed", "give it one, from the row")
    return np.random.default_rng(seed)


def taken(values: Any, places: Any, boundscheck: bool = True) -> Any:
    """`pyarrow.compute.take`, of places that are there."""
    if not boundscheck:
        raise UnrepeatableError("take without boundscheck, which reads what memory holds elsewhere", "leave boundscheck out")
    return Careful(importlib.import_module("pyarrow.compute").take)(values, places)


def dated(times: Any, format: str = "%Y-%m-%dT%H:%M:%S", locale: str = "C") -> Any:
    """`pyarrow.compute.strftime`, in no machine's language."""
    if locale != "C":
        raise UnrepeatableError(f"strftime in the language '{locale}', which a machine has or has not", "leave locale out")
    return Careful(importlib.import_module("pyarrow.compute").strftime)(times, format=format)


class Module:
    """A module's public names, as they are given; what it may use of a module says `public`."""

    def __init__(self, path: str, public: Callable[[str], frozenset[str]]) -> None:
        self._path, self._public = path, public

    def __getattr__(self, name: str) -> Any:
        path = f"{self._path}.{name}"
        if self._public(path):
            found = Module(path, self._public)
        elif name in self._public(self._path):
            found = _given(path, getattr(importlib.import_module(self._path), name))
        else:
            raise AttributeError(path)
        self.__dict__[name] = found
        return found


def _given(path: str, found: Any) -> Any:
    if path in _IN_PLACE_OF:
        return _IN_PLACE_OF[path]
    is_of_numbers = path.split(".")[0] in ("numpy", "scipy", "pyarrow")
    is_type = isinstance(found, type) and not issubclass(found, _OF_NUMPY)
    return Careful(found) if is_of_numbers and callable(found) and not is_type else found


_IN_PLACE_OF = {
    "numpy.random.default_rng": seeded,
    "numpy.ndarray": Array,
    "pyarrow.compute.take": taken,
    "pyarrow.compute.array_take": taken,
    "pyarrow.compute.strftime": dated,
}


# -------- items


def filled(owner: Any) -> Any:
    """What an item is set in, as it is given: an array of texts writes what it is set to."""
    return _Filled(owner) if isinstance(owner, np.ndarray | np.flatiter) else owner


class _Filled:
    """An array, or the places of one, that takes values."""

    __slots__ = ("_array",)

    def __init__(self, array: np.ndarray | np.flatiter) -> None:
        self._array = array

    def __getitem__(self, place: Any) -> Any:
        return self._array[place]

    def __setitem__(self, place: Any, value: Any) -> None:
        self._array[place] = _value(value)


# -------- attributes


def attribute(owner: Any, name: str) -> Any:
    """A value's attribute, as it is given."""
    kind = type(owner)
    if kind in _OPEN or kind is Module:
        return getattr(owner, name)
    if kind is Careful:
        return Careful(getattr(owner.function, name))
    if kind is _StandIn:
        owner = owner.of
    return _of_type(owner, owner if isinstance(owner, type) else kind, name)


def _of_type(owner: Any, kind: type, name: str) -> Any:
    """An attribute of a type, or of an instance of it."""
    if kind is dict and name in VIEWS:
        return VIEWS[name] if owner is dict else partial(VIEWS[name], owner)
    if name == "strftime" and issubclass(kind, datetime.date | datetime.time):
        return _written if owner is kind else partial(_written, owner)
    if name == "strptime" and kind is datetime.datetime:
        return partial(_read, kind)
    if kind in _SCALARS or kind in _OPEN or kind is dict:
        return getattr(owner, name)
    if issubclass(kind, np.dtype) or kind.__module__.split(".")[0] not in ("numpy", "pyarrow"):
        raise UnrepeatableError(f".{name} of a {kind.__name__}", "use attributes of numbers, texts, dates, lists and arrays")
    found = getattr(owner, name)
    return Careful(found) if callable(found) else _taken(found)


class Careful:
    """A function of NumPy, SciPy or Arrow that is given values, and gives values that were computed."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *values: Any, **named: Any) -> Any:
        """What the function answers."""
        owner = getattr(self.function, "__self__", None)
        if isinstance(owner, np.ndarray):
            plain(owner)
        if "where" in named and self.function.__name__ not in FILLED and holds_nothing(named.get("out")):
            raise UnrepeatableError("`where` without `out`, which leaves what memory held", "give out=numpy.zeros_like(...)")
        if not (getattr(self.function, "__module__", None) or "").startswith("pyarrow"):  # Arrow writes no texts of values
            values, named = tuple(map(_value, values)), {name: _value(value) for name, value in named.items()}
        return _taken(self.function(*values, **named))


def holds_nothing(out: Any) -> bool:
    """Whether some of a function's `out` is left to it."""
    return not all(isinstance(one, np.ndarray) for one in (out if isinstance(out, tuple) else (out,)))


def _value(value: Any) -> Any:
    """An argument of a function of numbers: a plain value, an array, a type of values, or those in a list."""
    kind = type(value)
    if kind in _SCALARS or isinstance(value, _OF_ARROW):
        return value
    if kind is _StandIn:
        return value.of
    if kind in (list, tuple) and not _SCALARS.issuperset(map(type, value)):
        return kind(map(_value, value))
    return value if kind is type and (value in _SCALARS or issubclass(value, np.generic)) else plain(value)


def _taken(answer: Any) -> Any:
    """An answer of a library's function, in which nothing can be but what was computed."""
    kind = type(answer)
    if kind in _SCALARS or isinstance(answer, (*_OF_ARROW, *_OF_NUMPY)):
        return answer
    if isinstance(answer, np.ndarray | np.generic):
        _expect_values(answer.dtype)
    elif isinstance(answer, list | tuple):
        others = {*map(type, answer)} - _HELD
        for one in answer if others else ():
            _taken(one)
    elif kind is not dict and not isinstance(answer, np.dtype):
        raise UnrepeatableError(f"a {kind.__name__}", "use numbers, texts, dates, lists and arrays")
    return answer


def _expect_values(dtype: np.dtype) -> None:
    if dtype.kind == "M":
        raise UnrepeatableError("an array of NumPy's times, which may read 'now'", "use pyarrow.compute, or cast to int64")
    if dtype.kind not in _KINDS or dtype.char in _PADDED:
        raise UnrepeatableError(f"an array of {dtype}, with bytes that no value fills", "use arrays of numbers or texts")
