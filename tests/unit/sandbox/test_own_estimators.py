"""Own estimators' code is compiled so that it learns the same in every process."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scorehouse.errors import ScorehouseError
from scorehouse.sandbox.estimators import check_estimator

MODULE = """
from dataclasses import dataclass, field

import numpy as np
from numpy import empty as memory
from sklearn.base import BaseEstimator

WORDS = ["bay", "ash", "elm", "fir", "oak", "yew"]


def helper():
    return 1


@dataclass
class Held:
    known: set[str] = field(default_factory=set)


class Model(BaseEstimator):
    def __init__(self, depth=1):
        self.depth = depth
        self.__own = {"a": 1}

    def find(self):
        words, table, ones = list(WORDS), dict.fromkeys(WORDS), np.ones(300)
        return @value@
"""

UNLIKE = """
"".join({*words})
[*set(words) - {"ash"}]
[*{word for word in words}]
[*table.keys() & words]
[*dict.keys(table) | []]
["".join(one) for one in map(set, [words])]
Held(set(words)).known.pop()
str(helper)[-7:-1]
f"{helper}".upper()
f"{np.random.default_rng(1)!r}"[-7:-1].lower()
"%s" % helper
"{}".format(helper)
repr([lambda: 1])[-9:]
[*map(str, [helper])]
format(helper, "")
np.divide(1.0, ones, where=ones < 0).tolist()
np.sqrt(ones, **{"where": ones < 0}).tolist()
ones.clip(0, 2, where=ones < 0).tolist()
np.empty(300).tolist()
memory(300).tolist()
getattr(np, "empty")(300).tolist()
np.empty_like(ones).tolist()
np.ndarray(300).tolist()
""".strip().splitlines()

HONEST = """
sorted({*words}), len(set(words)), "ash" in {"ash"}, isinstance({1}, set), isinstance(set(words), set), {1} == set([1])
f"{self!r} {self.depth:>3} {ones.shape} {words}", "%s %d" % ("a", 2), str(self), "{:.2f}".format(1.5), str(b"a", "utf-8"), 7 % 4
sorted(table.keys()), [*table.items()], getattr(self, "depth"), getattr(self, "nothing", 3), [*map(str, [1])]
self._Model__own, Held().known == set(), self.get_params(), isinstance(ones, np.ndarray), np.array([1], dtype=str).tolist()
np.sum(ones, where=ones > 0), np.mean(ones, where=ones > 0), np.divide(1, ones, where=ones > 0, out=np.zeros(300)).tolist()
""".strip().splitlines()

CHILD = """
import json, sys
from pathlib import Path
import numpy as np
from importlib import import_module
from scorehouse.sandbox import estimators
sys.path.insert(0, sys.argv[2])
ballast = [object() for _ in range(int(sys.argv[1]) * 1000)]
found = {}
for file in sorted(Path(sys.argv[2]).glob("own_*.py")):
    junk = [np.full(300, float(sys.argv[1])) for _ in range(8)]
    del junk
    if sys.argv[3] == "compiled":
        estimators.check_estimator(file, "x")
    try:
        found[file.stem] = repr(import_module(file.stem).Model().find())
    except Exception as error:
        found[file.stem] = type(error).__name__
print(json.dumps(found))
"""


def answers(folder: Path, number: str, way: str) -> dict[str, str]:
    own = {"PYTHONHASHSEED": number, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "ignore", "-c", CHILD, number, str(folder), way]
    return json.loads(subprocess.run(command, env=os.environ | own, check=True, capture_output=True).stdout)


def test_what_a_process_has_of_its_own_is_refused_or_the_same(tmp_path: Path) -> None:
    for number, value in enumerate(UNLIKE):
        (tmp_path / f"own_{number:02}.py").write_text(MODULE.replace("@value@", value))
    (bare, bare_again), (one, another) = ([answers(tmp_path, number, way) for number in "29"] for way in ("bare", "compiled"))
    assert one == another
    assert set(one.values()).isdisjoint({"TypeError", "AttributeError", "SyntaxError", "NameError"})
    assert sum(bare[name] != bare_again[name] for name in bare) > len(UNLIKE) / 2


@pytest.mark.parametrize("value", HONEST)
def test_what_only_computes_gives_what_python_gives(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"own_honest_{HONEST.index(value)}"
    file = tmp_path / f"{name}.py"
    file.write_text(MODULE.replace("@value@", value))
    monkeypatch.syspath_prepend(tmp_path)
    expected = importlib.import_module(name).Model().find()
    monkeypatch.delitem(sys.modules, name)
    check_estimator(file, "x")
    assert importlib.import_module(name).Model().find() == expected
    monkeypatch.delitem(sys.modules, name)


def test_a_refusal_says_where_what_and_what_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "own_refused.py"
    file.write_text(MODULE.replace("@value@", "str(helper)"))
    monkeypatch.syspath_prepend(tmp_path)
    check_estimator(file, "x")
    told = "own_refused.py: expected an estimator that learns the same in every process, found a text with a place in memory"
    with pytest.raises(ScorehouseError, match=told):
        importlib.import_module("own_refused").Model().find()
