"""A project for those who need some of its products: what the others alone need is left out."""

from collections.abc import Collection, Mapping, Sequence

from scorehouse.errors import ScorehouseError


def left_out(parents: Mapping[str, Sequence[str]], endpoints: Mapping[str, str], products: object) -> set[str]:
    """Ids of the nodes that none of the wanted products needs.

    A product needs its endpoints and everything that they are made of. What no endpoint is made of (a test, an evaluation, an
    exposure) stays where all that it reads stays; a function that reads nothing is of no product.

    Args:
        parents: ids that each node names, by its id.
        endpoints: product of each served table, by its id.
        products: names; None for all.

    Raises ScorehouseError for a name that no served table has.

    >>> reads = {"a": ["x"], "b": ["y"], "x": ["raw"], "y": ["raw"], "test": ["x"], "both": ["x", "y"], "raw": []}
    >>> sorted(left_out(reads, {"a": "one", "b": "two"}, ["one"]))
    ['b', 'both', 'y']
    """
    if products is None:
        return set()
    wanted = _names(products, set(endpoints.values()))
    needed = _ancestors([node for node, product in endpoints.items() if product in wanted], parents)
    others = {node for node in _ancestors(endpoints, parents) - needed if parents.get(node) or not node.startswith("function.")}
    out = set(others)
    for node in _in_order(parents):
        if node not in needed and node not in others and out & set(parents[node]):
            out.add(node)
    return out & parents.keys()


def _names(products: object, known: Collection[str]) -> set[str]:
    listed = [products] if isinstance(products, str) else products
    unknown = [name for name in listed if name not in known] if isinstance(listed, list) else [listed]
    if unknown or not listed:
        raise ScorehouseError(
            f"Variable products: expected some of {', '.join(sorted(known))}, found {unknown[0] if unknown else 'none'}; "
            f"correct it, or leave it out for all."
        )
    return set(listed)


def _ancestors(nodes: Collection[str], parents: Mapping[str, Sequence[str]]) -> set[str]:
    """The nodes and everything that they are made of."""
    found: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(parents.get(node, ()))
    return found


def _in_order(parents: Mapping[str, Sequence[str]]) -> list[str]:
    """Every node after those that it names."""
    found: dict[str, None] = {}

    def visit(node: str) -> None:
        if node in parents and node not in found:
            for parent in parents[node]:
                visit(parent)
            found[node] = None

    for node in parents:
        visit(node)
    return list(found)
