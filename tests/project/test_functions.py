"""Function nodes across branches."""

from project.harness import Project

HALF = {
    "udfs/half.py": """
import pyarrow as pa
import pyarrow.compute as pc


def main(x):
    return pc.divide(x.cast(pa.float64()), 2)
""",
    "udfs/half.yml": """
functions:
  - name: half
    config: {entry_point: main, runtime_version: "3.11"}
    arguments: [{name: x, data_type: double}]
    returns: {data_type: double}
""",
    "models/features/halved.sql": "select event_id, {{ function('half') }}(amount) as value from {{ ref('stg_events') }}\n",
}


def test_a_new_branch_has_mains_python_functions(tiny: Project) -> None:
    for path, text in HALF.items():
        tiny.write(path, text)
    tiny.build()
    tiny.replace("models/features/halved.sql", "(amount)", "(amount + 2)")
    tiny.build(branch="other")
    assert tiny.catalog("select value from features.halved order by event_id", branch="other") == [(6.0,), (11.0,), (16.0,)]
    assert tiny.catalog("select value from features.halved order by event_id") == [(5.0,), (10.0,), (15.0,)]
