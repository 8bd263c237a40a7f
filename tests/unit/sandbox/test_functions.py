"""What a Python function node may be made of: it runs in dbt's process, so everything but computing is refused."""

from pathlib import Path

import duckdb
import pytest

from scorehouse.errors import ScorehouseError
from scorehouse.sandbox import functions

ATTACKS = {
    # name: (text, words of the sentence); @out@ is a file that only the attack could make
    "imports os": ("import os\nos.system('touch @out@')", "line 1", "found import os"),
    "imports from subprocess": ("from subprocess import run\nrun(['touch', '@out@'])", "found run of subprocess"),
    "imports inside": ("def main(x):\n    import socket\n    return x", "line 2", "found import socket"),
    "imports a neighbour": ("from .scorehouse import store", "found store of .scorehouse"),
    "imports all of a module": ("from numpy import *", "found * of numpy"),
    "imports by a function": ("__import__('os').system('touch @out@')", "found __import__"),
    "imports by another name": ("def main(x):\n    load = __import__\n    return load('os')", "line 2", "found __import__"),
    "opens": ("open('@out@', 'w').write('66')", "found open"),
    "opens by a default": ("def main(x, opened=open):\n    return x", "line 1", "open"),
    "opens by a lambda": ("def main(x):\n    return (lambda name, opened=open: opened(name))(x)", "open"),
    "decorates with eval": ("@eval\ndef main(x):\n    return x", "line 1", "found eval"),
    "maps getattr": ("def main(x):\n    return list(map(getattr, x, x))", "found getattr"),
    "looks into builtins": ("__builtins__['open']('@out@', 'w')", "found __builtins__"),
    "lists subclasses": ("().__class__.__base__.__subclasses__()", "found .__class__"),
    "climbs a generator": ("(x for x in ()).gi_frame.f_builtins['open']('@out@', 'w').write('66')", "found .gi_frame"),
    "climbs a coroutine": ("async def wait():\n    pass\n\n\nwait().cr_frame.f_builtins['open']('@out@', 'w')", "found async"),
    "matches a class": (
        "def main(x):\n    match x:\n        case object(__class__=kind):\n            kind.mro()",
        "found match",
    ),
    "formats attributes": ("def main(x):\n    return '{0.__globals__[sys].modules[os].environ}'.format(main)", "found .format"),
    "reads the licence": ("license._Printer__filenames = ['/etc/passwd']", "found license"),
    "leaves": ("exit(0)", "found exit"),
    "asks what is imported": ("import sys", "found import sys"),
    "replaces a scorer": ("from scorehouse.scoring import registry\nregistry.read_with(lambda version: None)", "found registry"),
    "goes through the scorer": (
        "from scorehouse.scoring import udf\nudf.registry.threading._os.system('touch @out@')",
        ".registry",
    ),
    "hands a module on": ("import numpy as np\n\n\ndef main(x):\n    other = np\n    return other.load(x)", "found np without"),
    "maps memory": ("import numpy as np\nnp.memmap('@out@', mode='w+', shape=3)", "found .memmap of numpy"),
    "dumps an array": ("import numpy as np\nnp.ones(3).dump('@out@')", "found .dump"),
    "writes an array": ("import numpy as np\nnp.ones(3).tofile('@out@')", "found .tofile"),
    "reads by numpy": ("import numpy as np\nnp.genfromtxt('/etc/passwd')", "found .genfromtxt of numpy"),
    "reads by a pattern": ("import numpy as np\nnp.fromregex('/etc/passwd', '(.+)', [('line', 'U99')])", "found .fromregex"),
    "goes through numpy's parts": (
        "import numpy as np\nnp.lib.format.open_memmap('@out@', mode='w+', shape=3)",
        "found .lib of numpy",
    ),
    "goes through f2py": ("import numpy.f2py as f\nf.os.system('touch @out@')", "found import numpy.f2py"),
    "calls C": ("import numpy as np\nnp._core._internal.ctypes.CDLL(None).system(b'touch @out@')", "found ._core of numpy"),
    "writes into DuckDB's memory": (
        "def main(x):\n    y = x.to_numpy()\n    y.setflags(write=True)\n    return y",
        "found .setflags",
    ),
    "opens by Arrow": ("import pyarrow as pa\npa.OSFile('@out@', 'w')", "found .OSFile of pyarrow"),
    "writes Arrow": (
        "import pyarrow as pa\npa.ipc.new_file('@out@', pa.schema([('a', pa.int64())])).close()",
        "found .ipc of pyarrow",
    ),
    "reads JSON": ("from pyarrow.json import read_json\nREAD = read_json", "found read_json of pyarrow.json"),
    "reads foreign memory": ("import pyarrow as pa\nBUFFER = pa.foreign_buffer(0, 1)", "found .foreign_buffer of pyarrow"),
    "reads by pandas": ("def main(x):\n    return x.to_pandas().to_csv('@out@')", "found .to_pandas"),
    "calls Arrow by name": (
        "import pyarrow.compute as pc\n\n\ndef main(x):\n    return pc.call_function('random', [9])",
        ".call_function",
    ),
    "draws at random": ("import numpy as np\n\n\ndef main(x):\n    return np.random.rand(len(x))", "found .rand of numpy.random"),
    "draws at random by Arrow": ("import pyarrow.compute as pc\n\n\ndef main(x):\n    return pc.random(len(x))", "found .random"),
    "takes memory as it is": ("import numpy as np\n\n\ndef main(x):\n    return np.empty(len(x))", "found .empty of numpy"),
    "hands the random numbers on": (
        "import numpy as np\n\n\ndef main(x):\n    numbers = np.random\n    return numbers.normal(x)",
        "found numpy.random without one of its functions",
    ),
    "asks the time": ("import datetime\n\n\ndef main(x):\n    return datetime.datetime.now()", "found .now"),
    "asks the day": ("from datetime import date\n\n\ndef main(x):\n    return date.today()", "found .today"),
    "remembers in a list": ("SEEN = []\n\n\ndef main(x):\n    SEEN.append(1)\n    return x", "line 1", "found `SEEN = []`"),
    "remembers in a default": ("def main(x, seen=[]):\n    seen.append(1)\n    return x", "found default value []"),
    "remembers in itself": ("def main(x):\n    main.seen = x\n    return x", "found .seen"),
    "remembers in a class": ("class Seen:\n    many = 0", "found classdef"),
    "remembers in a global": ("def main(x):\n    global seen\n    seen = x\n    return x", "found global"),
    "runs for ever": ("def main(x):\n    while True:\n        pass", "line 2", "found while"),
    "runs when it is loaded": ("for i in range(10**18):\n    pass", "outside of functions"),
    "takes any error": (
        "def main(x):\n    try:\n        return x\n    except:\n        return None",
        "line 4",
        "except without an error's name",
    ),
    "ends whatever happens": ("def main(x):\n    try:\n        return x\n    finally:\n        return None", "found finally"),
    "is no Python": ("def main(x:\n    return x", "line 1", "expected Python"),
    "has no function": ("def elsewhere(x):\n    return x", "expected a function main", "found none"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_function_that_could_do_more_than_compute_is_refused_before_it_runs(name: str, tmp_path: Path) -> None:
    text, *words = ATTACKS[name]
    out = tmp_path / "escaped"
    file = tmp_path / "evil.py"
    file.write_text(text.replace("@out@", str(out)))
    with pytest.raises(ScorehouseError) as error:
        functions.load_function(file, "udfs/evil.py", "main")
    assert str(error.value).startswith("udfs/evil.py")
    assert all(word in str(error.value) for word in words), error.value
    assert not out.exists()


UNLIKE_EACH_TIME = {
    "from datetime import datetime\ndef main(x):\n    return [str(datetime.fromtimestamp(0))] * len(x)\n": ".fromtimestamp",
    "from datetime import datetime\ndef main(x):\n    return [str(datetime(2024, 1, 1).astimezone())] * len(x)\n": ".astimezone",
}


@pytest.mark.parametrize("text", UNLIKE_EACH_TIME)
def test_a_function_that_asks_for_the_time_or_the_time_zone_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(text)
    with pytest.raises(ScorehouseError, match="expected a function that only computes from its arguments") as error:
        functions.load_function(tmp_path / "evil.py", "udfs/evil.py", "main")
    assert UNLIKE_EACH_TIME[text] in str(error.value)


USEFUL = '''
"""Distance from the usual, in spreads."""

from decimal import Decimal
from math import sqrt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LIMITS = (-3.0, 3.0)


def deviations(values: np.ndarray, usual: float = 2.0) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.clip((values - usual) / sqrt(usual), *LIMITS)


def main(x: pa.ChunkedArray) -> pa.Array:
    """One batch."""
    known = pc.fill_null(x, 0.0).to_numpy()
    words = {str(Decimal(1)): [f"{value:.2f}".strip() for value in known.tolist() if value is not None]}
    try:
        assert len(words["1"]) == len(x)
    except KeyError as error:
        raise ValueError("no words") from error
    return pa.array(np.where(np.isnan(known), 0.0, deviations(known)), type=pa.float64())
'''


def test_a_function_that_only_computes_is_loaded_and_runs_in_duckdb(tmp_path: Path) -> None:
    file = tmp_path / "deviations.py"
    file.write_text(USEFUL)
    function = functions.load_function(file, "udfs/deviations.py", "main")
    with duckdb.connect() as connection:
        functions.register(connection, "deviations", function, "double", "udfs/deviations.py")
        rows = connection.execute("select deviations(x) from (values (1.0::double), (2), (3)) as t(x)").fetchall()
        functions.unregister_all(connection)
    assert [round(row[0], 3) for row in rows] == [-0.707, 0, 0.707]


def test_a_return_type_is_a_type() -> None:
    with duckdb.connect() as connection, pytest.raises(ScorehouseError, match="expected a data type, found `double; drop"):
        functions.register(connection, "evil", lambda x: x, "double; drop table t", "udfs/evil.py")
