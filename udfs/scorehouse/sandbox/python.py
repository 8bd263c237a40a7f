"""What the Python of a function node may say: syntax, built-ins, modules and attributes are listed, everything else is refused.

A function runs in dbt's own process, so it is read before it is loaded.
"""

import ast
import builtins
import datetime
import decimal
import importlib
import math
from collections.abc import Callable, Iterator
from functools import cache

from scorehouse.errors import ScorehouseError

SYNTAX = frozenset(
    "Module FunctionDef arguments arg Return Assign AnnAssign AugAssign Expr If For Break Continue Pass Raise Assert Try"
    " ExceptHandler With withitem Import ImportFrom alias BoolOp NamedExpr BinOp UnaryOp Lambda IfExp Dict Set List Tuple"
    " ListComp SetComp DictComp GeneratorExp comprehension Compare Call keyword JoinedStr FormattedValue Constant"
    " Attribute Subscript Starred Name Slice Load Store And Or Not Invert UAdd USub Add Sub Mult MatMult Div FloorDiv Mod"
    " Pow LShift RShift BitOr BitXor BitAnd Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn".split()
)
"""Kinds of Python's syntax: no classes, no `while`, no generators that outlive a call, nothing global, nothing asynchronous."""

BUILTINS = frozenset(
    "abs all any bool dict divmod enumerate filter float frozenset int isinstance len list map max min pow range reversed"
    " round set slice sorted str sum tuple zip ArithmeticError AssertionError IndexError KeyError OverflowError TypeError"
    " ValueError ZeroDivisionError".split()
)

_NUMPY = frozenset(
    "all allclose amax amin any append arange argmax argmin argpartition argsort argwhere array array_equal asarray"
    " ascontiguousarray atleast_1d atleast_2d average bincount bool bool_ broadcast_arrays broadcast_to clip column_stack"
    " concatenate convolve corrcoef count_nonzero cov cross cumprod cumsum diag diff digitize divmod dot e einsum"
    " errstate expand_dims eye finfo flatnonzero flip float32 float64 full full_like gradient histogram hstack"
    " identity iinfo inf inner int16 int32 int64 int8 interp intp isclose isin linalg linspace logspace mean median meshgrid min"
    " max moveaxis nan nan_to_num nanargmax nanargmin nanmax nanmean nanmedian nanmin nanpercentile nanquantile nanstd"
    " nansum nanvar ndarray newaxis nonzero ones ones_like outer partition percentile pi polyfit polyval prod"
    " ptp quantile random ravel repeat reshape roll round searchsorted select size sort split squeeze stack std sum swapaxes"
    " take take_along_axis tensordot tile trace transpose trapezoid tril triu uint16 uint32 uint64 uint8 unique unwrap var"
    " vdot vstack where zeros zeros_like".split()
)
_ARROW = frozenset(
    "Array ChunkedArray ListArray Scalar StructArray array bool_ chunked_array compute concat_arrays date32 decimal128"
    " field float32 float64 int16 int32 int64 int8 list_ null nulls repeat scalar string struct timestamp types uint16"
    " uint32 uint64 uint8".split()
)
_TYPES = frozenset("is_boolean is_date is_floating is_integer is_list is_null is_string is_struct is_timestamp".split())
CLOCK = frozenset({"now", "utcnow", "today"})
"""What asks for the time, whatever library has it."""

_UNLIKE_EACH_TIME = CLOCK | frozenset("random fromtimestamp timestamp astimezone".split())
"""What asks for the time, for chance, or for the machine's time zone."""

MODULES: dict[str, Callable[[], frozenset[str]]] = {
    "math": lambda: _names(math),
    "datetime": lambda: frozenset("date datetime time timedelta timezone UTC".split()),
    "decimal": lambda: frozenset(name for name in _names(decimal) if name == "Decimal" or name.startswith("ROUND_")),
    "numpy": lambda: _NUMPY | _ufuncs("numpy"),
    "numpy.linalg": lambda: frozenset("cholesky det eigh inv lstsq norm pinv qr solve svd".split()),
    "numpy.random": lambda: frozenset({"default_rng"}),
    "scipy.special": lambda: _ufuncs("scipy.special"),
    "pyarrow": lambda: _ARROW,
    "pyarrow.types": lambda: _TYPES,
    "pyarrow.compute": lambda: (_kernels() - _UNLIKE_EACH_TIME) | {"cast", "fill_null", "index"},
    "scorehouse.scoring": lambda: frozenset({"udf"}),
    "scorehouse.scoring.udf": lambda: frozenset({"score_model", "score_model_parts", "score_model_reasons"}),
}
"""The modules that a function may import, and what it may use of each."""


@cache
def public(module: str) -> frozenset[str]:
    """What a function may use of a module; nothing of one that is not listed."""
    return MODULES[module]() if module in MODULES else frozenset()


def _ufuncs(module: str) -> frozenset[str]:
    """A module's functions of numbers alone, by element; it loads only where a function names it."""
    import numpy as np

    loaded = importlib.import_module(module)
    return frozenset(name for name in _names(loaded) if isinstance(getattr(loaded, name), np.ufunc))


def _kernels() -> frozenset[str]:
    import pyarrow.compute as pc  # loads only where a function names it

    return frozenset(pc.list_functions())


@cache
def methods() -> frozenset[str]:
    """Attributes of values: the public ones of the types that flow through a function, but what reaches files or memory."""
    import numpy as np
    import pyarrow as pa

    values = (str, bytes, int, float, list, dict, tuple, set, decimal.Decimal, datetime.datetime, datetime.timedelta)
    arrays = (np.ndarray, np.float64, np.ufunc, np.random.Generator, pa.Array, pa.ChunkedArray, pa.ListArray, pa.StructArray)
    flowing = (*values, *arrays, pa.Scalar)
    outside = frozenset(
        "tofile tobytes dump dumps ctypes data base resize setflags setfield format format_map buffers from_buffers copy_to"
        " from_dlpack bit_generator to_pandas".split()
    )
    return frozenset().union(*(_names(kind) for kind in flowing)) - outside - _UNLIKE_EACH_TIME


def builtin_names() -> dict[str, object]:
    """Python's names that a function may use, with what they stand for."""
    return {name: getattr(builtins, name) for name in BUILTINS}


def check_python(text: str, where: str) -> ast.Module:
    """The tree of a function's text; one that could do more than compute its result from its arguments is refused.

    Raises ScorehouseError naming file, line and what was found.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise ScorehouseError(f"{where}{line}: expected Python, found {error}; correct it.") from None
    names: dict[str, str] = {}
    for line, found in _forbidden(tree, names):
        raise ScorehouseError(
            f"{where}, line {line}: expected a function that only computes from its arguments, found {found}; "
            f"a function node may use {', '.join(name for name in MODULES if not name.startswith('scorehouse'))}."
        )
    return tree


def _names(owner: object) -> frozenset[str]:
    return frozenset(name for name in dir(owner) if not name.startswith("_"))


def _forbidden(tree: ast.Module, names: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Lines and descriptions of what is not allowed; imports come first, since they say what a name stands for."""
    inner_first = reversed(list(ast.walk(tree)))
    nodes = sorted(inner_first, key=lambda node: (getattr(node, "lineno", 0), getattr(node, "col_offset", 0)))
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((node.lineno, found) for found in _imports(node, names))
    roots = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        for found in _in_node(node, names, id(node) in roots):
            yield getattr(node, "lineno", 1), found
    for statement in tree.body:
        yield from ((statement.lineno, found) for found in _at_module_level(statement))


def _imports(node: ast.Import | ast.ImportFrom, names: dict[str, str]) -> Iterator[str]:
    for alias in node.names:
        if isinstance(node, ast.Import):
            path, name = alias.name, alias.asname or alias.name.split(".")[0]
            is_allowed, found = path in MODULES, f"import {path}"
            stands_for = path if alias.asname else path.split(".")[0]
        else:
            module = "." * node.level + (node.module or "")
            path, name = f"{module}.{alias.name}", alias.asname or alias.name
            is_allowed, found = alias.name in public(module), f"{alias.name} of {module}"
            stands_for = path
        if not is_allowed:
            yield found
        else:
            names[name] = stands_for


def _at_module_level(statement: ast.stmt) -> Iterator[str]:
    """What could carry something from one batch to the next: only imports, functions and constants stand at the top."""
    if isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef)):
        return
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or not _is_constant(statement.value):
        yield f"`{ast.unparse(statement).splitlines()[0][:60]}` outside of functions, where only constants may stand"


def _is_constant(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Tuple):
        return all(map(_is_constant, node.elts))
    if isinstance(node, (ast.BinOp, ast.UnaryOp)):
        return all(_is_constant(part) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr))
    return node is None or isinstance(node, ast.Constant)


def _in_node(node: ast.AST, names: dict[str, str], is_root: bool) -> Iterator[str]:
    kind = type(node).__name__
    if kind not in SYNTAX:
        yield f"{'while' if kind == 'While' else kind.lower()}"
    elif isinstance(node, ast.FunctionDef):
        if node.decorator_list:
            yield f"@{ast.unparse(node.decorator_list[0])}"
        yield from _defaults(node.args)
    elif isinstance(node, ast.Lambda):
        yield from _defaults(node.args)
    elif isinstance(node, ast.Name):
        yield from _in_name(node, names, is_root)
    elif isinstance(node, ast.Attribute):
        yield from _in_attribute(node, names, is_root)
    elif isinstance(node, ast.ExceptHandler) and node.type is None:
        yield "except without an error's name, which also takes what the machine runs out of"
    elif isinstance(node, ast.Try) and node.finalbody:
        yield "finally, which also takes what the machine runs out of"


def _defaults(arguments: ast.arguments) -> Iterator[str]:
    for default in [*arguments.defaults, *(default for default in arguments.kw_defaults if default)]:
        if not _is_constant(default):
            yield f"default value {ast.unparse(default)}, which outlives a call"


def _in_name(node: ast.Name, names: dict[str, str], is_root: bool) -> Iterator[str]:
    if names.get(node.id) in MODULES:
        if not is_root:
            yield f"{node.id} without one of its functions"
    elif node.id.startswith("__") or (isinstance(node.ctx, ast.Load) and node.id in _of_python() and node.id not in BUILTINS):
        yield node.id


def _in_attribute(node: ast.Attribute, names: dict[str, str], is_root: bool) -> Iterator[str]:
    owner = _module_of(node.value, names)
    if not isinstance(node.ctx, ast.Load):
        yield f".{node.attr} being set"
    elif owner:
        if node.attr not in public(owner):
            yield f".{node.attr} of {owner}"
        elif _module_of(node, names) and not is_root:
            yield f"{owner}.{node.attr} without one of its functions"
    elif node.attr not in methods():
        yield f".{node.attr}"


def _module_of(node: ast.expr, names: dict[str, str]) -> str | None:
    """The allowed module that an expression stands for, or None for a value."""
    path = _path_of(node, names)
    return path if path in MODULES else None


def _path_of(node: ast.AST, names: dict[str, str]) -> str | None:
    """The import path of what an expression names, or None for a value."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _module_of(node.value, names)
        return f"{owner}.{node.attr}" if owner else None
    return None


@cache
def _of_python() -> frozenset[str]:
    return frozenset(dir(builtins)) | {"exit", "quit", "license", "copyright", "credits", "help"}
