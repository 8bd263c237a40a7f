"""Python compiled so that what each process has of its own reaches no result.

The order of a set, places in memory, what memory held, chance and the clock reach a result only through what is handed to a
function: a name, a module's function, a value's attribute, the text of a value. So a function is compiled into code that asks
`scorehouse.sandbox.given` for each of them, which decides by type, when it runs.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

from scorehouse.errors import ScorehouseError
from scorehouse.sandbox import given
from scorehouse.sandbox.ordered import Ordered, OrderedAndFrozen

_ATTRIBUTE, _PLAIN, _FILLED, FORMATTED, SET = " attribute", " plain", " filled", " formatted", " set"
"""Names of what compiled code asks; with a space in them, so that no file can say them."""


def compiled(tree: ast.Module, file: Path) -> CodeType:
    """The code of a checked file."""
    return compile(ast.fix_missing_locations(_Asking().visit(tree)), str(file), "exec", dont_inherit=True)


def names_for(module: str, builtins: Mapping[str, Any], public: Callable[[str], frozenset[str]]) -> dict[str, Any]:
    """The names that compiled code begins with.

    Args:
        module: the name that it goes by.
        builtins: Python's names that it may use.
        public: what it may use of a module; nothing of one that it may not import.
    """
    known = {**builtins, "str": given.Text, "set": Ordered, "frozenset": OrderedAndFrozen}
    known["__import__"] = partial(_imported, public)
    asked = {_ATTRIBUTE: given.attribute, _FILLED: given.filled, FORMATTED: given.text, _PLAIN: given.plain, SET: Ordered}
    return {"__name__": module, "__builtins__": known, **asked}


@contextmanager
def refusing(where: str, file: Path) -> Iterator[None]:
    """Raise ScorehouseError, with the line, for what a file's code asks for and is not given."""
    try:
        yield
    except given.UnrepeatableError as error:
        line, trace = 1, error.__traceback__
        while trace:
            line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == str(file) else line
            trace = trace.tb_next
        raise ScorehouseError(
            f"{where}, line {line}: expected what every process computes alike, found {error.found}; {error.instead}."
        ) from None


def _imported(
    public: Callable[[str], frozenset[str]], name: str, _globals: Any = None, _locals: Any = None, names: Any = (), level: int = 0
) -> given.Module:
    """What `import` gives: the module whose names are asked for, else the first of a dotted path, as Python does."""
    return given.Module(name if names else name.split(".")[0], public)


class Asking(ast.NodeTransformer):
    """Sets, and values in f-strings, become questions."""

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """`x in {1, 2}` hears of no order, and stays as fast as it is."""
        node.left = self.visit(node.left)
        asked = zip(node.ops, node.comparators, strict=True)
        node.comparators = [other if _is_membership(operator, other) else self.visit(other) for operator, other in asked]
        return node

    def visit_Set(self, node: ast.Set) -> ast.expr:
        """`{1, 2}`."""
        self.generic_visit(node)
        return ask(SET, node, ast.List(node.elts, ast.Load()))

    def visit_SetComp(self, node: ast.SetComp) -> ast.expr:
        """`{one for one in many}`."""
        self.generic_visit(node)
        return ask(SET, node, ast.ListComp(node.elt, node.generators))

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.expr:
        """`{value!r:>8}` in an f-string."""
        how = self.visit(node.format_spec) if node.format_spec else ast.Constant("")
        said = ask(FORMATTED, node, self.visit(node.value), ast.Constant(node.conversion), how)
        return ast.copy_location(ast.FormattedValue(said, -1, None), node)


class _Asking(Asking):
    """Attributes, what `%` writes and what an item is set in become questions too; annotations are left out."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ask(_ATTRIBUTE, node, self.visit(node.value), ast.Constant(node.attr))

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """`many[0] = one`, wherever a target stands."""
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Store):
            node.value = ask(_FILLED, node.value, node.value)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        node.right = _asked_if_written(node.op, node.right)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        self.generic_visit(node)
        node.value = _asked_if_written(node.op, node.value)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return self.visit(ast.copy_location(ast.Assign([node.target], node.value), node))


def _is_membership(operator: ast.cmpop, other: ast.expr) -> bool:
    return isinstance(operator, ast.In | ast.NotIn) and isinstance(other, ast.Set) and all(map(_is_constant, other.elts))


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


def _asked_if_written(operator: ast.operator, right: ast.expr) -> ast.expr:
    """What stands behind `%`, which writes it where a text stands before."""
    return ask(_PLAIN, right, right) if isinstance(operator, ast.Mod) else right


def ask(question: str, place: ast.expr, *arguments: ast.expr) -> ast.expr:
    """The call of a question, with the place in the file that an expression has."""
    return ast.copy_location(ast.Call(ast.Name(question, ast.Load()), [*arguments], []), place)
