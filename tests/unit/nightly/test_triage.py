"""The triage is data: whoever is on call reads it, so each row must be usable, and each link must lead somewhere."""

import csv
import errno
import os
import re
import time
from pathlib import Path

import pytest
import yaml

from scorehouse.nightly.incidents import Failure
from scorehouse.nightly.triage import LONGEST_SEARCH, OWNER, SEED, Triage

REPOSITORY = Path(__file__).resolve().parents[3]
HEADER = (REPOSITORY / SEED).read_text().splitlines()[0]


def test_every_row_can_be_used_and_names_a_team_that_the_project_has() -> None:
    triage, wrong = Triage.read(REPOSITORY)
    assert wrong == [] and len(triage.classes) == len(list(csv.DictReader((REPOSITORY / SEED).open())))
    teams = {group["name"] for group in yaml.safe_load((REPOSITORY / "models/_groups.yml").read_text())["groups"]}
    assert {one.contact for one in triage.classes} <= teams | {OWNER}


def test_whoever_is_told_has_an_address_whether_or_not_a_node_failed() -> None:
    triage, _ = Triage.read(REPOSITORY)
    assert [one.name for one in triage.classes if not Failure(one, "", "").address] == []
    for name, team, address in (("disk_full", "", "platform@"), ("sql_error", "", "platform@"), ("source_stale", "", "data@")):
        kind = next(one for one in triage.classes if one.name == name)
        assert Failure(kind, "", "", team=team).address.startswith(address)
        own = Failure(kind, "", "", team="data", owner="ann@shop.example")
        assert own.address == (own.owner if own.contact == "data" else kind.address)


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.ESTALE, errno.ENOTCONN, errno.ELOOP, errno.EBUSY]
)
def test_a_place_that_is_out_of_reach_is_known_in_the_systems_own_words(number: int) -> None:
    error = OSError(number, os.strerror(number), "/srv/shop/target")
    assert Triage.read(REPOSITORY)[0].of(f"Encountered an error: {error}").name == "no_access"


def test_a_file_of_the_project_that_is_no_text_is_a_broken_project() -> None:
    with pytest.raises(UnicodeDecodeError) as error:
        b"select '\xff'".decode()
    assert Triage.read(REPOSITORY)[0].of(f"Encountered an error:\n{error.value}").name == "project_broken"


def test_every_link_leads_to_a_heading_of_the_readme() -> None:
    headings = re.findall(r"^#+ (.+)$", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    places = {f"README.md#{re.sub(r'[^a-z0-9 -]', '', heading.lower()).replace(' ', '-')}" for heading in headings}
    triage, _ = Triage.read(REPOSITORY)
    assert {one.link for one in triage.classes} - {""} <= places


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("a,node,x,loud,data,m,f,,,0,0", "line 2, severity: expected one of notice, warning, error, found loud; correct it."),
        ("a,table,x,error,data,m,f,,,0,0", "line 2, scope: expected one of run, node, sentence, found table; correct it."),
        ("a,node,(,error,data,m,f,,,0,0", "line 2, recognised_by: expected a regular expression, found '('"),
        ("a,node,x,error,,m,f,,,0,0", "line 2, contact: expected some text, found none; correct it."),
        (
            "a,node,x,error,nobody,m,f,,,0,0",
            "line 2, contact: expected a team of models/_groups.yml (data, people), or owner, found 'nobody'; correct it.",
        ),
        ("a,node,x,error,data,m,f,,,often,0", "line 2, retries: expected a number from 0, found 'often'; correct it."),
        ("a,node,x", "line 2: expected a value for every column, found none for severity."),
        (
            "a,node,x,error,data,m,f,,,0,0\na,node,y,error,data,m,f,,,0,0",
            "line 3, class: expected every class once, found 'a'",
        ),
    ],
)
def test_a_row_that_cannot_be_is_named_and_the_others_hold(tmp_path: Path, row: str, sentence: str) -> None:
    (tmp_path / SEED.parent).mkdir(parents=True)
    (tmp_path / SEED).write_text(f"{HEADER}\n{row}\nlast,run,boom,error,data,m,f,,,0,0\nunknown,node,,error,data,m,f,,,0,0\n")
    (tmp_path / "models").mkdir()
    (tmp_path / "models/_groups.yml").write_text("groups:\n  - name: data\n    owner: {name: Data}\n  - {name: people}\n")
    triage, wrong = Triage.read(tmp_path)
    assert len(wrong) == 1 and sentence in wrong[0]
    assert triage.of("boom").name == "last" and triage.of("nothing known").name == "unknown"


@pytest.mark.parametrize("pattern", [r"(\S+\s*)+never", "(a|aa)+$", r"(?=(\w+ ?)+[(])x"])
def test_a_pattern_without_end_is_named_once_and_the_others_hold(tmp_path: Path, pattern: str) -> None:
    (tmp_path / SEED.parent).mkdir(parents=True)
    (tmp_path / SEED).write_text(f"{HEADER}\nslow,node,{pattern},error,data,m,f,,,0,0\nlast,run,boom,error,data,m,f,,,0,0\n")
    triage, _ = Triage.read(tmp_path)
    began = time.process_time()
    assert triage.of(f"boom {'a' * 60} {'b ' * 60}!").name == triage.of(f"boom {'a' * 70} {'b ' * 60}!").name == "last"
    assert time.process_time() - began < 2 * LONGEST_SEARCH
    (sentence,) = triage.unanswered.values()
    assert sentence.startswith(f"{SEED}, class slow, recognised_by: expected a regular expression that is searched for within")
    assert Triage.read(REPOSITORY)[0].of(sentence).name == "triage_broken"


def test_the_cause_comes_before_its_effects() -> None:
    triage, _ = Triage.read(REPOSITORY)
    said = ["Something else", "OSError: [Errno 28] No space left on device", "Binder Error: x", "Runtime Error"]
    assert triage.first_in(said)[0].name == "disk_full"
    assert triage.first_in(["Something else"]) == (triage.classes[-1], "Something else")


MACHINE = ["SIGKILL", "disk is full", "KeyboardInterrupt", "Out of Memory Error", "ended without a word", "clock jumped"]


@pytest.mark.parametrize("value", MACHINE)
@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        (
            "models/x.yml: expected state among a, b, found value = {}, n_records = 1; correct it [test.shop.a]",
            "data_test",
        ),
        ('Conversion Error: Could not convert string "{}" to INT32 [model.shop.x]', "sql_error"),
        ("seeds/operations/triage.csv, line 3: expected one of run, node, found {}; correct it", "triage_broken"),
        ("seeds/operations/product_requirements.csv, line 3: expected hours, found '{}'; correct it", "project_rule"),
    ],
)
def test_what_data_say_is_no_matter_of_the_machine(sentence: str, name: str, value: str) -> None:
    triage, _ = Triage.read(REPOSITORY)
    assert triage.of(sentence.format(value)).name == name


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        (
            'Runtime Error in x: Binder Error: Referenced column "y" was not found because FROM is missing',
            "sql_error",
        ),
        ("Compilation Error: Model 'model.a.x' depends on a node named 'y' which was not found", "project_broken"),
        ("models/features/customer_profiles.yml: expected a name, found none; write one", "project_rule"),
        ("RuntimeError: can't start new thread", "out_of_memory"),
        ("OSError: [Errno 24] Too many open files: 'a'", "out_of_memory"),
    ],
)
def test_sentences_are_of_the_class_that_helps(sentence: str, name: str) -> None:
    assert Triage.read(REPOSITORY)[0].of(sentence).name == name
