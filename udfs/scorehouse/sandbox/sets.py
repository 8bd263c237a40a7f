"""The order of a set: a process of its own decides on that of texts, so nothing may come out of a set in its order."""

import ast
from collections.abc import Iterator, Mapping

_MAKING = frozenset({"set", "frozenset"})
_ASKING = frozenset({"len", "sorted", "min", "max", "any", "all", "bool", "isinstance", *_MAKING})
"""Built-ins whose answer does not depend on a set's order."""
_METHODS = frozenset(
    "add clear copy difference difference_update discard intersection intersection_update isdisjoint issubset issuperset"
    " remove symmetric_difference symmetric_difference_update union update".split()
)
_COMBINING = frozenset("copy difference intersection symmetric_difference union".split())
_ALGEBRA = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)


def used_in_order(tree: ast.AST) -> Iterator[tuple[int, str]]:
    r"""Line and text of every set that is used for more than to be asked about, sorted, or combined with other sets.

    >>> [*used_in_order(ast.parse("x in {1, 2}; len(set(y)); sorted({a for a in b})"))]
    []
    >>> [*used_in_order(ast.parse("known = set(x)\nfor one in known: pass"))]
    [(2, 'known')]
    """
    above = {id(child): parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    names = _names_of_sets(tree)
    for node in ast.walk(tree):
        if _is_set(node, names) and not _is_asked(node, above):
            yield node.lineno, ast.unparse(node)[:60]


def _names_of_sets(tree: ast.AST) -> frozenset[str]:
    """Names that a set is given to somewhere."""
    names: frozenset[str] = frozenset()
    while True:
        found = frozenset(
            target.id
            for node in ast.walk(tree)
            for target, value in _given(node)
            if isinstance(target, ast.Name) and _is_set(value, names)
        )
        if found == names:
            return names
        names = found


def _given(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        yield node.target, node.value


def _is_set(node: ast.AST, names: frozenset[str]) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Name):
        return node.id in names and isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, _ALGEBRA) and (_is_set(node.left, names) or _is_set(node.right, names))
    if isinstance(node, ast.IfExp):
        return _is_set(node.body, names) or _is_set(node.orelse, names)
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id in _MAKING
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in _COMBINING:
        return False
    owner = node.func.value
    return _is_set(owner, names) or (isinstance(owner, ast.Name) and owner.id in _MAKING)


def _is_asked(node: ast.AST, above: Mapping[int, ast.AST]) -> bool:
    """Whether what stands around a set does not heed its order."""
    parent = above[id(node)]
    if isinstance(parent, ast.Call):
        return (isinstance(parent.func, ast.Name) and parent.func.id in _ASKING) or _is_method_of_a_set(parent.func)
    if isinstance(parent, ast.Attribute):
        return parent.attr in _METHODS
    if isinstance(parent, ast.BinOp | ast.AugAssign):
        return isinstance(parent.op, _ALGEBRA)
    if isinstance(parent, ast.Assign | ast.AnnAssign):
        targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
        return all(isinstance(target, ast.Name) for target in targets)
    if isinstance(parent, ast.comprehension):  # a set made of a set's members has no order either
        return isinstance(above[id(parent)], ast.SetComp)
    return isinstance(parent, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.NamedExpr | ast.Expr | ast.IfExp | ast.If | ast.Assert)


def _is_method_of_a_set(function: ast.expr) -> bool:
    """Whether what is called takes other sets as a set's method does; a list's or dict's `update` keeps an order, so not that."""
    return isinstance(function, ast.Attribute) and function.attr in _METHODS - {"update", "add", "remove", "copy"}
