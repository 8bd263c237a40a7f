"""What a function computes is the same in every process: generated ones are refused, or answer alike in two unlike processes.

Each program has a source of what a process has of its own, and a way by which that comes out. The processes differ in their
hashes, their memory's places and contents, their time zone and the depth of calls; that bare Python answers otherwise in each
shows that the sources are some.
"""

import json
import os
import random
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from scorehouse.errors import ScorehouseError
from scorehouse.sandbox.functions import load_function

PROGRAM = """
import datetime
from decimal import Decimal
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import betaincinv

WORDS = ("bay", "ash", "elm", "fir", "oak", "yew")


def helper(x=0):
    return x


def other(x=1):
    return x


def caught(x):
    try:
        return [].index(x)
    except ValueError as error:
        return str(error)


def added(x):
    text = "%s"
    text %= x
    return text


def put(x):
    array = np.array([None, "a"])
    array[0] = x
    return array


def written_in(x):
    array = np.zeros(1, dtype="U99")
    array[0] = x
    return array.tolist()


def main(x):
    words, table, ones = list(WORDS), dict.fromkeys(WORDS), np.ones(300)
    return [@value@]
"""

SETS = """
{"bay", "ash", "elm", "fir", "oak", "yew"}
{*words}
{word for word in words}
set(words)
frozenset(words)
set(words) - {"ash"}
{"a"}.union(words)
set(words).copy()
set.union(set(words), "b")
[*map(set, [words])][0]
[*map(frozenset, [words])][0]
sorted([words], key=set) and max([set(words)])
table.keys() & words
table.keys() | table.keys()
table.keys() ^ {"a": 1}.keys()
table.keys() - []
dict.keys(table) - []
[*map(dict.keys, [table])][0] & words
[pairs & pairs for pairs in [table.items()]][0]
dict(ash=1, oak=2, elm=3, fir=4).items() | []
(lambda kind: kind(words))(set)
{None: set}[None](words)
{helper, other, len, abs, min}
""".strip().splitlines()
ORDERS = """
[str(one) for one in @]
",".join(map(str, @))
"-".join(f"{one}" for one in @)
f'''{@}'''
str(@)
"%s" % (@,)
[*dict.fromkeys(map(str, @))]
str(list(@)[0])
max((str(one) for one in @), key=len)
str(min(@, key=lambda one: 1))
[str(one) for one in sorted(@, key=lambda one: 1)]
[f"{number}{one}" for number, one in enumerate(@)]
np.array([str(one) for one in @]).tolist()
pa.array([str(one) for one in @]).to_pylist()
[str(first) for first, *rest in [@]]
str((lambda one, *more: one)(*@))
added((@,))
""".strip().splitlines()

OBJECTS = """
helper
lambda: 0
(one for one in words)
map(abs, [1])
zip(words)
filter(None, words)
reversed(words)
enumerate(words)
len
words.append
"".join
table.keys
np.random.default_rng(1)
np.random.default_rng
np.random.default_rng(1).integers
np.sum
np.errstate()
ones.flat
ones.sum
x
pa.array([1])
pc.add
[helper]
(1, {"a": [len]})
{helper: 1}
put(helper)
put(zip(words)).tolist()
table.keys() and {len}
""".strip().splitlines()
TEXTS = """
str(@)
str(@)[-7:-1].upper()
f"{@}"
f"{@!r}".lower()
f"{@!a:>90}"
"%s" % (@)
"%r" % (@,)
added((@,))
caught(@)
[*map(str, [@])]
(lambda written: written(@))(str)
[len(one) and one for one in sorted(map(str, [@, helper]))]
np.array([@, None]).astype(str).tolist()
np.array([@], dtype=str).tolist()
np.array(@, dtype="U99").tolist()
np.full(1, @, dtype=str).tolist()
put(@).astype(str).tolist()
np.asarray(put(@), dtype="U").tolist()
written_in(@)
[array.tolist() for array in [np.zeros(1, dtype="U99")] for array[0] in [@]]
[array.tolist() for array in [np.zeros(1, dtype="U99")] for array.flat[0] in [@]]
[array.tolist() for array in [np.zeros(1, dtype="U99")] for array[...], *_ in [[@]]]
np.mod(np.array(["%s", "%r"]).astype("O"), put(@)).tolist()
(np.array(["%s", "%r"]).astype("O") % put(@)).tolist()
np.array([@]).view("u1").tolist()
np.array([[@]]).tobytes()
""".strip().splitlines()

JUNK = """
np.empty(300)
np.empty_like(ones)
np.ndarray(300)
[*map(np.ndarray, [300])][0]
np.divide(1.0, ones, where=ones < 0)
np.sqrt(ones, where=ones < 0, out=None)
np.sqrt(ones, where=ones < 0, out=...)
np.sqrt(ones, ..., where=ones < 0)
np.sqrt(ones, **{"where": ones < 0})
(lambda root: root(ones, where=ones < 0))(np.sqrt)
np.add.outer(ones, ones, where=False)
np.clip(ones, 0, 2, where=ones < 0)
ones.clip(0, 2, where=ones < 0)
np.frexp(ones, out=(ones.copy(), None), where=ones < 0)[1]
betaincinv(ones, ones, ones / 2, where=ones < 0)
np.array([1.0] * 300, dtype="g").view("u1")
np.array([1.0] * 300).astype("long" + "double").view("u1")
np.array([(1, 2)] * 300, dtype={"names": ["a", "b"], "formats": ["i1", "i8"], "offsets": [0, 8]}).view("u1")
""".strip().splitlines()
SHOWN = ["(@).tolist()", "str((@).tolist())", "(@).view('u1').tolist()", "pa.array((@).ravel().view('u1')).to_pylist()"]

CHANCE = """
np.random.default_rng().integers(10**9)
np.random.default_rng(None).integers(10**9)
np.random.default_rng(seed=None).integers(10**9)
np.random.default_rng(*[]).integers(10**9)
np.random.default_rng(**{}).integers(10**9)
np.random.default_rng(words.clear()).integers(10**9)
(lambda make: make().integers(10**9))(np.random.default_rng)
[*map(np.random.default_rng, [None])][0].integers(10**9)
pc.take(pa.array([0]), pa.array([*range(9000)]), boundscheck=False).to_pylist()
pc.array_take(pa.array([0]), pa.array([*range(9000)]), False).to_pylist()
[*map(lambda one: pc.take(pa.array([0]), one, **{"boundscheck": False}).to_pylist(), [pa.array([*range(9000)])])]
np.random.rand()
hash("ash")
"ash".__hash__()
id(words)
[*map(id, [words])]
np.array("now", dtype="datetime64[us]").astype("U").tolist()
np.array("now", dtype="date" + "time64[us]").astype("U").tolist()
np.array(["NOW"]).astype("<M" + "8[us]").astype(int).tolist()
np.full(3, "now", dtype="<M" + "8[us]").astype(int).tolist()
np.full_like(pa.array([datetime.datetime(2020, 1, 1)]), "now").astype(int).tolist()
(lambda times: (times.fill("now"), times.astype(int).tolist()))(pa.array([datetime.datetime(2020, 1, 1)]).to_numpy().copy())
str(datetime.datetime.now())
str(datetime.datetime(2020, 1, 1).astimezone())
datetime.datetime(2020, 1, 1).timestamp()
datetime.datetime(2020, 1, 1).strftime("%s")
datetime.datetime.strftime(datetime.datetime(2020, 1, 1), "%" + "s")
f"{datetime.datetime(2020, 1, 1):%s}"
f"{datetime.datetime(2020, 1, 1):{'%'}s}"
[*map(datetime.datetime.strftime, [datetime.datetime(2020, 1, 1)], ["%s"])]
""".strip().splitlines()
IMPORTS = [
    f"import {module}\ndef main(x):\n    return [str({module}.{call})]\n"
    for module, call in {
        "os": "urandom(4)",
        "uuid": "uuid4()",
        "time": "time_ns()",
        "random": "random()",
        "secrets": "token_hex()",
        "threading": "get_ident()",
        "sys": "getrefcount(x)",
        "tempfile": "mktemp()",
    }.items()
]
DEPTHS = [
    f"def deep(n):\n    found = n\n    try:\n        found = deep(n + 1)\n    {end}\n    return found\n"
    "def main(x):\n    return [deep(0)]\n"
    for end in ("except:\n        pass", "finally:\n        return found")
]


KINDS = {
    "sets": (ORDERS, SETS),
    "texts": (TEXTS, OBJECTS),
    "junk": (SHOWN, JUNK),
    "chance": (["@", "[@]", "str(@)", "(lambda: @)()"], CHANCE),
}
HONEST = """
sorted({"b", "a"}), len({1, 2}), 1 in {1, 2}, {1, 2} <= {1, 2, 3}, {1} == set([1]), bool(set())
isinstance("a", str), isinstance({1}, set), isinstance(ones, np.ndarray), isinstance(1, (str, int)), isinstance("a", str | int)
{frozenset("ab"): 1}[frozenset("ba")], sorted(table.keys()), list(table.items())[:1], "ash" in table.keys()
f"{3.14159:.2f} {None!r} {'a':>3} {[1, ('b', 2.5)]}", "%.2f %s" % (1.5, "a"), 7 % 4, str(5), str(b"a", "utf-8")
str({"a": [1, None]}), str(Decimal("1.10")), f"{Decimal('1.1'):.3f}", str(datetime.date(2020, 1, 2))
datetime.datetime(2020, 1, 2).strftime("%Y-%m-%d"), f"{datetime.date(2020, 1, 2):%d.%m.%Y}", 1
np.array([1, 2]).astype(str).tolist(), np.array([1], dtype=str).tolist(), np.array(["b", None]).tolist()
np.unique(words).tolist()
np.divide(1.0, ones, where=ones > 0, out=np.zeros(300)).tolist(), np.sum(ones, where=ones > 0), np.mean(ones, where=ones > 0)
np.add.reduce([1, 2]), np.linalg.svd(np.eye(2))[1].tolist(), np.random.default_rng(3).standard_normal(2).tolist()
np.finfo(float).max
pc.strftime(pa.array([datetime.datetime(2020, 1, 2)]), "%A").to_pylist(), written_in("a"), put(2).tolist()
pc.take(pa.array([5, 6]), pa.array([1])).to_pylist(), pc.array_take(pa.array(["a"]), pa.array([0])).to_pylist()
np.where(ones[:1] > 0, "a", "b").tolist(), np.clip([1, 5], 0, 2).tolist(), [*map(np.exp, [0, 1])], sorted([3, -4], key=np.abs)
pa.array(one for one in [1, 2]).to_pylist(), pc.add(pa.array([1]), 2).to_pylist(), str(pa.array([1]).type), pa.scalar(1).as_py()
np.float64(2).item(), ones.shape, [*ones[:2].flat], betaincinv(1.0, 2.0, 0.5), float.fromhex("0x1p3")
[*map(str.upper, words)], [*map(str, [1, 2.5])], "".join(sorted(set("hello"))), words.index("ash"), int.from_bytes(b"a", "big")
""".strip().splitlines()

CHILD = """
import json, sys
import numpy as np, pyarrow as pa
from pathlib import Path
from scorehouse.errors import ScorehouseError
from scorehouse.sandbox.functions import load_function

def bare(file, where, entry_point):
    names = {"__name__": "bare"}
    exec(file.read_text(), names)
    return names[entry_point]

def outcome(load, file):
    for size in range(1, 400):
        junk = [np.full(size, float(sys.argv[1])) for _ in range(8)]
        del junk
    try:
        return repr(load(file, "udfs/f.py", "main")(pa.array([1, 2])))
    except ScorehouseError:
        return "refused"
    except Exception as error:
        return type(error).__name__

def deeper(calls, load, file):
    return outcome(load, file) if calls == 0 else deeper(calls - 1, load, file)

ballast = [object() for _ in range(int(sys.argv[1]) * 1000)]
files = sorted(Path(sys.argv[2]).glob("*.py"), key=lambda file: int(file.stem))
found = [[deeper(int(sys.argv[1]), load, file) for file in files] for load in (load_function, bare)]
Path(sys.argv[3]).write_text(json.dumps(found))
"""


def program(value: str) -> str:
    return PROGRAM.replace("@value@", value)


def generated(kind: str) -> list[str]:
    """Every source, each way: of many, a fixed sample that has each of both."""
    ways, sources = KINDS[kind]
    pairs = list(product(ways, sources))
    random.Random(7).shuffle(pairs)
    first = {way: pair for pair in reversed(pairs) for way in pair}.values()
    chosen = dict.fromkeys([*first, *pairs[:150]])
    return [program(way.replace("@", source)) for way, source in chosen]


def in_two_processes(programs: list[str], folder: Path) -> list[list[list[str]]]:
    """Outcomes by process: as functions, and as bare Python."""
    for number, text in enumerate(programs):
        (folder / f"{number}.py").write_text(text)
    found = []
    for number, zone in (("2", "UTC"), ("9", "Asia/Kolkata")):
        answers = folder / f"{number}.json"
        own = {"PYTHONHASHSEED": number, "TZ": zone, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-W", "ignore", "-c", CHILD, number, str(folder), str(answers)]
        subprocess.run(command, env=os.environ | own, check=True)
        found.append(json.loads(answers.read_text()))
    return found


@pytest.mark.parametrize("kind", [*KINDS, "imports", "depths"])
def test_a_function_is_refused_or_gives_the_same_in_every_process(kind: str, tmp_path: Path) -> None:
    programs = {"imports": IMPORTS, "depths": DEPTHS}.get(kind) or generated(kind)
    (one, bare), (another, bare_again) = in_two_processes(programs, tmp_path)
    unlike = [(text[-90:], *both) for text, *both in zip(programs, one, another, strict=True) if both[0] != both[1]]
    assert unlike == []
    assert sum(map(str.__ne__, bare, bare_again)) > len(programs) / 4, "the sources are no such sources"


def test_sets_are_answered_in_the_order_in_which_their_members_came(tmp_path: Path) -> None:
    programs = [program(f"[*({one})]") for one in SETS if "helper" not in one]
    (found, _), _ = in_two_processes(programs, tmp_path)
    assert not {"refused", "TypeError", "AttributeError"} & set(found)
    assert found[0] == "[['bay', 'ash', 'elm', 'fir', 'oak', 'yew']]"


@pytest.mark.parametrize("value", HONEST)
def test_what_only_computes_gives_what_python_gives(value: str, tmp_path: Path) -> None:
    names: dict[str, object] = {}
    exec(program(value), names)
    (tmp_path / "f.py").write_text(program(value))
    assert load_function(tmp_path / "f.py", "udfs/f.py", "main")([1]) == names["main"]([1])


@pytest.mark.parametrize(
    ("value", "told"),
    {
        "str(helper)": "found a function in place of a value; use numbers, texts, dates and lists of them.",
        "np.sqrt(ones, where=ones < 0)": "found `where` without `out`, which leaves what memory held; give"
        " out=numpy.zeros_like(...).",
        "pc.take(pa.array([0]), pa.array([9]), boundscheck=False)": "found take without boundscheck, which reads what memory"
        " holds elsewhere; leave boundscheck out.",
        "pc.strftime(pa.array([datetime.datetime(2020, 1, 2)]), '%A', locale='')": "found strftime in the language '', which a"
        " machine has or has not; leave locale out.",
        "np.random.default_rng(None)": "found default_rng without a seed; give it one, from the row.",
        "np.array('now', dtype='M8[s]')": "found an array of NumPy's times, which may read 'now'; use pyarrow.compute, or"
        " cast to int64.",
    }.items(),
)
def test_a_refusal_says_where_what_and_what_instead(value: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text(program(value))
    with pytest.raises(ScorehouseError) as error:
        load_function(tmp_path / "f.py", "udfs/f.py", "main")([1])
    line = PROGRAM.splitlines().index("    return [@value@]") + 1
    assert str(error.value) == f"udfs/f.py, line {line}: expected what every process computes alike, {told}"
