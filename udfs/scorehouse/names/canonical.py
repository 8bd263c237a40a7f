"""What a query is, without how it was typed."""


def without_positions(tree: object) -> object:
    """DuckDB's parse tree of a query without where each node stood in the text: the identity of what the engine will compute.

    Comments, white space, the case of keywords and redundant parentheses are not in the tree; everything else counts.

    >>> without_positions({"type": "VALUE_CONSTANT", "query_location": 7, "query_location_length": 1, "literal": {"text": "1"}})
    {'type': 'VALUE_CONSTANT', 'literal': {'text': '1'}}
    """
    if isinstance(tree, dict):
        return {name: without_positions(child) for name, child in tree.items() if not name.startswith("query_location")}
    return [without_positions(child) for child in tree] if isinstance(tree, list) else tree
