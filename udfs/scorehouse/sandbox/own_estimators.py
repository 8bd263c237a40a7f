"""The modules of a project's own estimators, compiled so that they learn the same in every process.

An estimator is Python of any kind, handed to libraries and handing on what is theirs, so less is decided than for a function
(`scorehouse.sandbox.repeatable`): sets and a dict's views keep their order, texts with a place in memory are refused when they
are made, memory is zero where it would hold what it held, and `where` needs `out`.
"""

import ast
import builtins
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from scorehouse.errors import ScorehouseError
from scorehouse.sandbox.given import FILLED, converted, holds_nothing
from scorehouse.sandbox.ordered import VIEWS, Ordered, OrderedAndFrozen
from scorehouse.sandbox.repeatable import FORMATTED, SET, Asking, ask

_PLACE = re.compile(r"\bat 0x[0-9a-f]{4,}", re.IGNORECASE)
"""How Python and libraries write a place in memory; a text is looked at when it is made, before it could be cut."""

_ASKED = frozenset({*VIEWS, "format", "format_map", "empty", "empty_like"})
"""Attributes that are asked for."""

_WRITTEN, _TEXT, _ATTRIBUTE, _CALLED = " written", " text", " attribute", " called"


def compile_own(file: Path) -> None:
    """Let imports of this process compile a file so, from now on."""
    if not _own:
        sys.meta_path.insert(0, _Finder())
    _own.add(str(file))


_own: set[str] = set()


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin not in _own:
            return None
        spec.loader = _Loader(name, spec.origin)
        return spec


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        tree = _Asking().visit(ast.parse(self.get_data(self.path)))
        return compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__.update(_Given(Path(self.path).name).names())
        super().exec_module(module)


class _Asking(Asking, ast.NodeTransformer):
    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        is_asked = node.attr in _ASKED and isinstance(node.ctx, ast.Load)
        return ask(_ATTRIBUTE, node, node.value, ast.Constant(node.attr)) if is_asked else node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | list[ast.stmt]:
        """What is imported by its own name is asked for likewise."""
        names = [alias.asname or alias.name for alias in node.names if alias.name in _ASKED]
        return [node, *(ast.copy_location(_asked_again(name), node) for name in names)]

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return ask(_WRITTEN, node, node) if isinstance(node.op, ast.Mod) else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if _is_name(node.func, "str"):
            node.func = ast.copy_location(ast.Name(_TEXT, ast.Load()), node.func)
        elif _is_name(node.func, "map") and node.args and _is_name(node.args[0], "str"):
            node.args[0] = ast.copy_location(ast.Name(_TEXT, ast.Load()), node.func)
        elif {"where", None} & {keyword.arg for keyword in node.keywords} or _names_ndarray(node.func):
            node.args.insert(0, node.func)
            node.func = ast.copy_location(ast.Name(_CALLED, ast.Load()), node.func)
        return node


def _names_ndarray(node: ast.expr) -> bool:
    return _is_name(node, "ndarray") or (isinstance(node, ast.Attribute) and node.attr == "ndarray")


def _asked_again(name: str) -> ast.stmt:
    asked = ast.Call(ast.Name(_ATTRIBUTE, ast.Load()), [ast.Name(name, ast.Load())], [])
    return ast.Assign([ast.Name(name, ast.Store())], asked)


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


class _Given:
    """What the code of one file is given when it asks."""

    def __init__(self, where: str) -> None:
        self._where = where

    def names(self) -> dict[str, Any]:
        """The names that the code begins with."""
        known = {"set": Ordered, "frozenset": OrderedAndFrozen, "getattr": self._attribute}
        known |= {make.__name__: self._writing(make) for make in (repr, ascii, format)}
        asked = {SET: Ordered, _TEXT: self._writing(str), _WRITTEN: self._written, FORMATTED: self._formatted}
        return {"__builtins__": vars(builtins) | known, **asked, _ATTRIBUTE: self._attribute, _CALLED: self._called}

    def _refused(self, found: str, instead: str) -> ScorehouseError:
        return ScorehouseError(
            f"{self._where}: expected an estimator that learns the same in every process, found {found}; {instead}."
        )

    def _written(self, made: Any) -> Any:
        if isinstance(made, str) and (place := _PLACE.search(made)):
            raise self._refused(f"a text with a place in memory ('{made[: place.end()][-60:]}')", "write the object's values")
        return made

    def _writing(self, make: Callable[..., str]) -> Callable[..., str]:
        return lambda *values, **named: self._written(make(*values, **named))

    def _formatted(self, value: Any, conversion: int, how: str) -> str:
        return self._written(format(value if conversion == -1 else converted(value, conversion), how))

    def _attribute(self, owner: Any, *name: Any) -> Any:
        """An attribute, by its name (and what stands for an absent one); without a name, what was imported by its own."""
        kind = owner if isinstance(owner, type) else type(owner)
        if name and name[0] in VIEWS and issubclass(kind, dict):
            return VIEWS[name[0]] if owner is kind else partial(VIEWS[name[0]], owner)
        found = getattr(owner, *name) if name else owner
        if name and name[0] in ("format", "format_map") and issubclass(kind, str):
            return self._writing(found)
        return np.zeros if found is np.empty else np.zeros_like if found is np.empty_like else found

    def _called(self, function: Any, *values: Any, **named: Any) -> Any:
        if function is np.ndarray:
            raise self._refused("numpy.ndarray(), which holds what memory held", "write numpy.zeros")
        owner = getattr(function, "__self__", function)
        leaves = isinstance(owner, np.ufunc | np.ndarray) or function is np.clip
        if "where" in named and leaves and function.__name__ not in FILLED and holds_nothing(named.get("out")):
            raise self._refused("`where` without `out`, which leaves what memory held", "give out=numpy.zeros_like(...)")
        return function(*values, **named)
