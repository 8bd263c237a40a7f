"""The audit trail of real builds: what happened stands in it once, and nobody is named; whoever touches it is found."""

import json
from pathlib import Path

import pytest

from project.harness import Outcome, Project


def lines(project: Project, branch: str = "main") -> list[dict]:
    return [json.loads(line) for line in (project.folder(branch) / "audit.jsonl").read_text().splitlines()]


def events(project: Project, branch: str = "main") -> list[str]:
    return [line["event"] for line in lines(project, branch)]


def verified(project: Project, branch: str = "main") -> Outcome:
    return project.operation("verify_audit", branch=branch)


def test_a_release_is_noted_once_with_who_when_and_what(tiny: Project) -> None:
    tiny.build()
    (line,) = lines(tiny)
    assert line["event"] == "published"
    assert line["details"]["release"] == 1
    assert line["details"]["before"] is None
    assert "scores" in line["details"]["changed"]["first"]
    assert line["who"] == tiny.catalog("select published_by from scorehouse.release")[0][0]
    assert line["run"]
    summary = json.loads((tiny.folder() / "releases/1/release.json").read_text())
    assert summary["audited"] == {"number": 1, "hash": line["hash"]}
    told = verified(tiny)
    assert told.is_green
    assert f"The audit trail of main is whole: 1 lines from {line['at']} to {line['at']}" in told.output
    assert line["hash"] in told.output


def test_releases_rollbacks_branches_and_garbage_are_one_trail(tiny: Project) -> None:
    tiny.build("--vars", "{weight: 7}")
    assert tiny.operation("rollback").is_green
    tiny.build("--vars", "{weight: 7}", branch="idle")
    assert tiny.operation("drop_branch", "{branch: idle}").is_green
    for release in tiny.folder().glob("releases/2/*"):
        release.unlink()
    (tiny.folder() / "releases/2").rmdir()
    tiny.build("--vars", "{weight: 9}")
    assert tiny.operation("collect_garbage").is_green
    assert tiny.operation("collect_garbage", "{delete: true}").is_green
    assert tiny.operation("collect_garbage", "{delete: true}").is_green
    assert events(tiny) == ["published", "published", "rolled back", "dropped branch", "published", "garbage collected"]
    told = [line["details"] for line in lines(tiny)]
    assert told[2] == {"from": 2, "to": 1}
    assert told[3] == {"branch": "idle"}
    assert told[5]["files"] >= 2
    assert verified(tiny).is_green


def test_another_route_or_policy_is_noted_with_what_it_was(tiny: Project) -> None:
    head = "endpoint,implementation,share,model_version\n"
    tiny.write("models/serving/ranks.sql", "select * from {{ ref('scores') }}\n")
    tiny.write(
        "models/serving/ranks.yml",
        (tiny.root / "models/serving/scores.yml").read_text().split("unit_tests")[0].replace("name: scores", "name: ranks"),
    )
    tiny.write("seeds/routes.csv", f"{head}scores,weighted,1.0,\nranks,weighted,1.0,\n")
    tiny.write("seeds/discount_policy.csv", "policy,percent\ndefault,5\n")
    tiny.build()
    assert events(tiny) == ["published", "published"]  # a seed that is new steers nothing otherwise
    tiny.write("seeds/routes.csv", f"{head}scores,weighted,0.5,\nscores,unrelated,0.5,\nranks,weighted,1.0,\n")
    tiny.replace("seeds/discount_policy.csv", "default,5", "default,7")
    tiny.replace("seeds/points.csv", "a,0.5", "a,0.75")
    tiny.build()
    *_, policy, route, published = lines(tiny)
    assert (policy["event"], route["event"], published["event"]) == ("routed", "routed", "published")
    assert policy["details"] == {
        "release": 3, "seed": "discount_policy", "policy": "default", "from": [{"percent": 5}], "to": [{"percent": 7}],
    }  # fmt: skip
    assert (route["details"]["seed"], route["details"]["endpoint"]) == ("routes", "scores")
    assert [row["share"] for row in route["details"]["from"]] == [1.0]
    assert [(row["implementation"], row["share"]) for row in route["details"]["to"]] == [("weighted", 0.5), ("unrelated", 0.5)]
    assert verified(tiny).is_green


def test_what_is_decided_about_a_model_is_noted_when_it_is(tiny: Project) -> None:
    fitted(tiny)
    tiny.build("--select", "+line")
    assert events(tiny) == ["published", "trained"]
    tiny.build()
    tiny.replace("models/learning/line.sql", "x * 2", "x * 3")
    tiny.build()
    tiny.build()
    assert events(tiny) == ["published", "trained", "published", "retrained", "published"]
    versions = [line["details"]["version"] for line in lines(tiny) if line["event"].endswith("trained")]
    assert versions[-1] == tiny.catalog("select model_version from learning.line")[0][0] != versions[0]
    told = next(line["details"] for line in lines(tiny) if line["event"] == "retrained")
    assert told["model"] == "line"
    assert told["reason"]


def fitted(project: Project) -> None:
    """A model that learns a line."""
    project.write(
        "models/learning/line.sql",
        "select i as id, (i * 37 % 101)::double as x, (i * 53 % 97)::double as z, x * 2 + z as y from range(400) as rows(i)\n",
    )
    project.write(
        "models/learning/line.yml",
        """
models:
  - name: line
    config:
      materialized: fitted
      schema: learning
      meta:
        estimator: sklearn.linear_model.LinearRegression
        task: regression
        label: y
        key: [id]
        features: {numeric: [x, z]}
""",
    )


def edit(trail: Path, number: int, old: str, new: str) -> None:
    rows = trail.read_text().splitlines(keepends=True)
    assert old in rows[number - 1]
    rows[number - 1] = rows[number - 1].replace(old, new)
    trail.write_text("".join(rows))


@pytest.fixture
def three(tiny: Project) -> Project:
    """A project whose trail has three lines: two releases, and back to the first."""
    tiny.build("--vars", "{weight: 7}")
    assert tiny.operation("rollback").is_green
    return tiny


def test_an_edited_removed_or_moved_line_is_named(three: Project) -> None:
    trail = three.folder() / "audit.jsonl"
    content = trail.read_text()
    rows = content.splitlines(keepends=True)
    for harmed, what in (
        (content.replace('"release":2', '"release":9'), "line 2 edited"),
        (rows[0] + rows[2], "line 2 removed"),
        (rows[0] + rows[1], "line 3 removed: .audit beside it names line 3"),
        (rows[0] + rows[2] + rows[1], "line 2 moved behind line 3: lines were reordered"),
        (content + rows[2], "a line added after line 3"),
        ("", "line 1 removed"),
    ):
        trail.write_text(harmed)
        outcome = verified(three)
        assert not outcome.is_green
        assert f"expected the audit trail as it was written, found {what}" in outcome.output
    trail.write_text(content)
    assert verified(three).is_green


def test_who_removes_the_end_and_what_names_it_is_found_by_the_release(three: Project) -> None:
    trail, end = three.folder() / "audit.jsonl", three.folder() / ".audit"
    first = trail.read_text().splitlines(keepends=True)[0]
    trail.write_text(first)
    end.write_text(f"1 {json.loads(first)['hash']}\n")
    outcome = verified(three)
    assert not outcome.is_green
    assert "found line 2 removed: release 2 names line 2" in outcome.output


def test_a_release_that_is_served_without_a_line_that_says_so_is_found(three: Project) -> None:
    link = three.folder() / ".current"
    link.unlink()
    link.symlink_to("releases/2")
    outcome = verified(three)
    assert not outcome.is_green
    assert "expected release 1 to be served, as line 3 says, found release 2" in outcome.output
    assert three.operation("rollback", "{to: 2}").is_green
    assert verified(three).is_green


def test_a_rollback_that_is_killed_between_its_line_and_the_switch_is_no_tampering(
    three: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = three.release()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr("scorehouse.release.pointer._link", killed)
            three.operation("rollback", "{to: 2}")
        assert events(three)[-1] == "rolled back" and three.release() == before
        outcome = verified(three)
        assert outcome.is_green, outcome.output
    assert three.operation("rollback", "{to: 2}").is_green and three.release() == 2
    assert verified(three).is_green


def test_a_branch_has_a_trail_of_its_own(tiny: Project) -> None:
    assert "Branch 'try' has no audit trail yet" in verified(tiny, "try").output
    tiny.build("--vars", "{weight: 7}", branch="try")
    assert events(tiny, "try") == ["published"]
    assert events(tiny) == ["published"]
    assert verified(tiny, "try").is_green
