"""A set has no order that could come out of it."""

import ast

import pytest

from scorehouse.sandbox.sets import used_in_order

IN_ORDER = """
for a in {1, 2}: pass
[a for a in set(x)]
{a: 1 for a in frozenset(x)}
list({a for a in x})
",".join(set(x))
first, *rest = {1, 2}
next(iter({1, 2}))
[*{1, 2}]
print(*set(x))
known = {1}; known.pop()
known = set(x); other = known | {1}; tuple(other)
(either := {1, 2}); list(either)
np.array(list(set.union(x, y)))
def f(): return {1, 2}
kinds = {1} if x else {2}; str(kinds)
sum({0.1, 0.2})
self.known = set(x)
[set(x)]
f"{set(x)}"
""".strip().splitlines()

ASKED = """
a in {1, 2}
a not in known or {1} <= set(x)
sorted(set(x))
len({a for a in x})
known = set(); known.add(1); known.update(x); sorted(known)
known = {1} | set(x); known -= {2}; a in known
min(known.union(x) - {1})
{b for b in {1, 2}}
if {1} & set(x): pass
set(x).issubset({1, 2})
dict(a=1); [1, 2]; {"a": 1}
isinstance(x, set)
not set(x)
""".strip().splitlines()


@pytest.mark.parametrize("text", IN_ORDER)
def test_what_takes_a_sets_members_in_order_is_found(text: str) -> None:
    assert [line for line, _ in used_in_order(ast.parse(text))][:1] == [1]


@pytest.mark.parametrize("text", ASKED)
def test_what_only_asks_about_a_set_is_not(text: str) -> None:
    assert [*used_in_order(ast.parse(text))] == []
