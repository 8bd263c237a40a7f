"""YAML texts that repeat what they name, or are nested without end: a few lines can stand for more than any memory holds."""

import re

import yaml

MOST_VALUES = 1_000_000
"""Of one file, counted with every repetition."""

MOST_LEVELS = 200
"""Of values in values: its parser in C ends with the process where the stack does."""

_OPENS = re.compile(r"[\[{]|^[ ?:-]{200,}", re.MULTILINE)
_NAMES = re.compile(r"(?:^|[\s\[{,:-])&\w", re.MULTILINE)
_REPEATS = re.compile(r"(?:^|[\s\[{,:-])\*\w", re.MULTILINE)


def too_large(text: object) -> str | None:
    r"""The sentence that refuses a text whose values, with every repetition, are more than `MOST_VALUES`; None for any other.

    >>> too_large("a: &a [1, 2]\nb: [*a, *a]") is None
    True
    >>> lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    >>> too_large("\n".join(lines))[:56]
    'YAML: expected at most 1000000 values in a file, found 1'
    >>> too_large("[" * 9000)
    'YAML: expected at most 200 values in each other, found more; write them flatter.'
    """
    if not isinstance(text, str):
        return None
    if _is_deep(text):
        return f"YAML: expected at most {MOST_LEVELS} values in each other, found more; write them flatter."
    if not _NAMES.search(text) or not _REPEATS.search(text):
        return None
    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError):
        return None  # dbt says what is wrong with it
    count = _values(root, {})
    if count <= MOST_VALUES:
        return None
    found = f"{count:,}" if count < 10**15 else "one that never ends" if count == float("inf") else "more than any memory holds"
    return f"YAML: expected at most {MOST_VALUES} values in a file, found {found}; write repeated parts (&, *) out."


def _is_deep(text: str) -> bool:
    """Whether values stand in each other above `MOST_LEVELS`: few texts have the brackets for it, or a line so far in."""
    found = _OPENS.findall(text)
    if len(found) <= MOST_LEVELS and not any(len(one) > 1 for one in found):
        return False
    level = 0
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if level > MOST_LEVELS:
                return True
    except (yaml.YAMLError, RecursionError):
        return False  # dbt says what is wrong with it
    return False


def _values(node: object, known: dict[int, float]) -> float:
    """How many values a node stands for; without end where it contains itself."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = float("inf")
    if isinstance(node, yaml.MappingNode):
        children = [child for pair in node.value for child in pair]
    else:
        children = node.value if isinstance(node, yaml.SequenceNode) else []
    known[id(node)] = 1 + sum(_values(child, known) for child in children)
    return known[id(node)]
