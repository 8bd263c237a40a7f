"""Function nodes across branches."""

from project.harness import Project

HALF = {
    "udfs/half.py": """
import pyarrow as pa
import pyarrow.compute as pc


def main(x):
    return pc.divide(x.cast(pa.float64()), 2)


def quarter(x):
    return pc.divide(x.cast(pa.float64()), 4)
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


def test_a_new_branch_has_mains_python_functions_and_another_one_of_the_file_is_another(tiny: Project) -> None:
    for path, text in HALF.items():
        tiny.write(path, text)
    tiny.build()
    tiny.replace("models/features/halved.sql", "(amount)", "(amount + 2)")
    tiny.build(branch="other")
    assert tiny.catalog("select value from features.halved order by event_id", branch="other") == [(6.0,), (11.0,), (16.0,)]
    assert tiny.catalog("select value from features.halved order by event_id") == [(5.0,), (10.0,), (15.0,)]
    tiny.replace("udfs/half.yml", "entry_point: main", "entry_point: quarter")
    tiny.build(branch="other")
    assert tiny.catalog("select value from features.halved order by event_id", branch="other") == [(3.0,), (5.5,), (8.0,)]


def test_a_view_that_calls_a_python_function_is_refused(tiny: Project) -> None:
    for path, text in HALF.items():
        tiny.write(path.replace("features", "staging"), text)
    outcome = tiny.dbt("build")
    told = "models/staging/halved.sql: expected a table, since it calls the Python function half, which readers do not have"
    assert told in outcome.output, outcome.output


def test_a_function_whose_answer_depends_on_other_rows_is_refused(tiny: Project) -> None:
    tiny.write("udfs/half.py", HALF["udfs/half.py"].replace("pc.divide(x.cast(pa.float64()), 2)", "pc.subtract(x, pc.mean(x))"))
    tiny.write("udfs/half.yml", HALF["udfs/half.yml"])
    tiny.write("models/features/halved.sql", HALF["models/features/halved.sql"])
    outcome = tiny.dbt("build")
    assert not outcome.is_green
    told = "udfs/half.py: expected the answer of a row to depend on that row alone, found"
    assert [line for line in outcome.output.splitlines() if line.strip().startswith(told)], outcome.output
    shown = tiny.dbt("show", "--inline", "select {{ function('half') }}(amount) from {{ ref('stg_events') }}").output
    assert [line for line in shown.splitlines() if line.strip().startswith(told)], shown


def test_python_files_that_no_yaml_declares_are_modules_whatever_their_names(tiny: Project) -> None:
    for folder in ("udfs/shop", "udfs/shop/one", "udfs/other"):
        for name in ("__init__", "helpers", "score_model", "scores", "twice"):
            tiny.write(f"{folder}/{name}.py", "def main(x):\n    return x\n")
    listed = tiny.dbt("ls", "--resource-type", "function").output
    assert {line for line in listed.splitlines() if line.startswith("tiny.")} == {"tiny.score_model", "tiny.twice"}, listed
    tiny.build()
    assert tiny.computed() == set()


def test_a_module_becomes_a_function_when_yaml_declares_it_and_one_again_when_it_no_longer_does(tiny: Project) -> None:
    tiny.write("udfs/shop/half.py", "def main(x):\n    return x\n")
    for declared in (False, True, False):
        tiny.write("udfs/shop/half.yml", HALF["udfs/half.yml"] if declared else "functions: []\n")
        assert ("half" in tiny.dbt("ls", "--resource-type", "function").output) == declared
