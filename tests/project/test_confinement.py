"""What the kernel keeps a branch's own code from, however it gets to run, and what is said where the kernel has less."""

import ast
import errno
import importlib.util
import json
import marshal
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dbt_common.exceptions import DbtRuntimeError
from scorehouse_confinement import confinement, landlock, system_calls

from project.confined import Confined
from project.harness import DBT, REPOSITORY, Outcome, Project, tiny_project
from project.test_attacks import _unharmed

HAS_FILES, HAS_CALLS = landlock.version() > 0, system_calls.can_withhold()

EVIL = """
import ctypes, os, signal, socket, subprocess, threading
from pathlib import Path

MAIN, STORE, OUT, TARGET = Path({main!r}), Path({store!r}), Path({out!r}), Path({target!r})
FILE = next(STORE.glob("features.weighted/*"))
LIBC = ctypes.CDLL(None, use_errno=True)


def connect(family, kind):
    socket.socket(family, kind).close()


def in_memory():
    program = os.memfd_create("evil")
    os.write(program, Path("/bin/true").read_bytes())
    process = os.posix_spawn(f"/proc/self/fd/{{program}}", ["evil"], {{}})
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


def replace():
    (TARGET / "evil").write_text("evil")
    os.replace(TARGET / "evil", FILE)


def in_a_thread():
    found = []

    def write():
        try:
            OUT.write_text("evil")
        except OSError as error:
            found.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    if found:
        raise found[0]


ATTEMPTS = {{
    "runs a program": lambda: subprocess.run(["/bin/true"], check=True),
    "runs a program in memory": in_memory,
    "opens a TCP connection": lambda: connect(socket.AF_INET, socket.SOCK_STREAM),
    "opens UDP": lambda: connect(socket.AF_INET, socket.SOCK_DGRAM),
    "opens a local socket": lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM),
    "writes beside the project": lambda: OUT.write_text("evil"),
    "writes beside the project in a thread": in_a_thread,
    "writes main's pointer": lambda: (MAIN / "CURRENT").write_text("66"),
    "empties main's pointer": lambda: os.truncate(MAIN / "CURRENT", 0),
    "deletes from the store": FILE.unlink,
    "replaces in the store": replace,
    "plants in the store": lambda: (FILE.parent / "planted.duckdb").write_text("evil"),
    "links to main from target": lambda: os.symlink(MAIN / "CURRENT", TARGET / "evil_link"),
    "opens main's work database": lambda: (MAIN / ".work" / "warehouse.duckdb").read_bytes(),
    "opens main's lock": lambda: os.open(MAIN / ".work" / "lock", os.O_RDONLY),
    "changes a mode of main": lambda: os.chmod(MAIN / "serving.duckdb", 0),
    "changes a time of main": lambda: os.utime(MAIN / "serving.duckdb", (0, 0)),
    "deletes main's serving file": lambda: (MAIN / "serving.duckdb").unlink(),
    "reads the users": lambda: Path("/etc/passwd").read_bytes(),
    "reads its first environment": lambda: Path("/proc/self/environ").read_bytes(),
    "changes the project": lambda: Path({project!r}, "udfs", "evil_planted.py").write_text(""),
    "sends a signal to another process": lambda: os.kill({other}, signal.SIGCONT),
    "limits another process": lambda: __import__("resource").prlimit({other}, 7, (64, 64)),
}}


def tried(attempt):
    try:
        attempt()
    except OSError as error:
        return error.strerror or type(error).__name__
    return "done"


raise RuntimeError("tried " + repr({{name: tried(attempt) for name, attempt in ATTEMPTS.items()}}))
"""
REFUSED = {"Permission denied", "Operation not permitted", "Invalid cross-device link"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project built on main; each test leaves it as it came."""
    project = Confined(tiny_project(tmp_path_factory.mktemp("confined") / "tiny").root)
    project.build()
    return project


@pytest.fixture
def stranger():
    """Another process of the same user."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.communicate(b"\n")


def evil(project: Project, other: int) -> str:
    return EVIL.format(
        main=str(project.folder()),
        store=str(project.warehouse / "store"),
        out=str(project.root / "escaped"),
        target=str(project.root / "target"),
        project=str(project.root),
        other=other,
    )


def attempts(output: str) -> dict[str, str]:
    """What became of each attempt, out of a command's output."""
    line = next((line for line in output.splitlines() if "tried {" in line), None)
    assert line, output
    return ast.literal_eval(line[line.index("{") : line.rindex("}") + 1])


def add_to_the_package(project: Project, code: str) -> None:
    path = "udfs/scorehouse/errors.py"
    project.write(path, (project.root / path).read_text() + code)


def add_a_plugin(project: Project, code: str) -> None:
    project.write("udfs/evil.py", code)
    project.replace("profiles.yml", "plugins:\n", "plugins:\n        - module: evil\n")


def add_a_module(project: Project, code: str) -> None:
    """An estimator of the project's own, imported when its model is trained; its text says nothing that is refused."""
    code = f"from scorehouse.sandbox import files_read\nfiles_read._fitting.where = None\n{code}"
    project.write("udfs/evil.py", f"from collections import _sys\nvars(_sys.modules['builtins'])['exec']({code!r}, {{}})\n")
    project.write("models/features/taught.sql", "select number, number * 2.0 as value from {{ ref('unrelated') }}\n")
    meta = "{estimator: evil.Model, label: value, key: [number], minimum_examples: 1, features: {numbers: [number]}}"
    project.write("models/features/taught.yml", f"models: [{{name: taught, config: {{materialized: fitted, meta: {meta}}}}}]\n")


@pytest.mark.drill
@pytest.mark.parametrize("way", [add_to_the_package, add_a_plugin, add_a_module])
def test_code_that_a_branch_brings_reaches_nothing(shop: Project, stranger: subprocess.Popen, tmp_path: Path, way) -> None:
    project = changed(shop, tmp_path)
    way(project, evil(project, stranger.pid))
    with _unharmed(project):
        outcome = project.dbt("build", branch="attack")
    assert not outcome.is_green
    found = attempts(outcome.output)
    assert len(found) == 23
    if HAS_FILES and HAS_CALLS and landlock.version() >= 6:
        assert {name: answer for name, answer in found.items() if answer not in REFUSED} == {}
        assert "not wholly confined" not in outcome.output


def changed(project: Project, folder: Path) -> Project:
    """A copy of a project, with its warehouse, that a test may change."""
    shutil.copytree(project.root, folder / "tiny", symlinks=True)
    own = Confined(folder / "tiny")
    own.build()  # its warehouse has moved
    return own


def test_unconfined_the_same_code_reaches_everything(shop: Project, stranger: subprocess.Popen, tmp_path: Path) -> None:
    """Else the test above would prove nothing."""
    project = changed(shop, tmp_path)
    code = evil(project, stranger.pid)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert set(attempts(done.stderr).values()) == {"done"}


def with_unchecked_bytecode(project: Project, marker: Path) -> None:
    """A compiled file that Python would take unseen for a module of the package."""
    source = project.root / "udfs/scorehouse/errors.py"
    code = compile(source.read_text() + f"\nopen({str(marker)!r}, 'w')\n", str(source), "exec")
    compiled = Path(importlib.util.cache_from_source(str(source)))
    compiled.parent.mkdir(exist_ok=True)
    compiled.write_bytes(importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8) + marshal.dumps(code))


@pytest.mark.parametrize("branch", ["main", "attack"])
def test_compiled_files_in_the_checkout_are_not_looked_at(shop: Project, tmp_path: Path, branch: str) -> None:
    project = changed(shop, tmp_path)
    marker = project.warehouse / "main" / "evil"
    with_unchecked_bytecode(project, marker)
    assert project.build(branch=branch).is_green
    assert not marker.exists()


def test_main_reads_no_parsed_project_that_a_branch_left_in_target(shop: Project, tmp_path: Path) -> None:
    project = changed(shop, tmp_path)
    project.write("models/features/weighted.sql", "select 66 as value, '1' as event_id, 'a' as kind\n")
    project.build("--select", "weighted", branch="attack")
    forged = (project.root / "target/partial_parse.msgpack").read_bytes()
    shutil.copy(shop.root / "models/features/weighted.sql", project.root / "models/features/weighted.sql")
    (project.root / "target/partial_parse.msgpack").write_bytes(forged.replace(b"select 66", b"select 77"))
    project.build()
    assert project.computed() == set()
    assert project.serving("from scores order by all") == shop.serving("from scores order by all")


def test_a_secret_of_the_environment_reaches_no_table(shop: Project, tmp_path: Path) -> None:
    project = changed(shop, tmp_path)
    project.write("models/features/evil.sql", "select '{{ env_var(\"AWS_SECRET\") }}' as secret\n")
    outcome = project.dbt("build", "--select", "evil", branch="attack", AWS_SECRET="hunter2")
    assert not outcome.is_green
    assert "Env var required but not provided: 'AWS_SECRET'" in outcome.output


ELSEWHERE = "{path: PLACE}"


@pytest.mark.parametrize("way", ["absolute", "above", "link"])
def test_a_source_that_points_elsewhere_is_refused_on_a_branch_unless_it_is_named(
    shop: Project, tmp_path: Path, way: str
) -> None:
    project = changed(shop, tmp_path)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "events.csv").write_text("event_id,occurred_at,kind,amount\n9,2020-01-09,a,90\n")
    place = {"absolute": str(secret), "above": "../secret", "link": "linked"}[way]
    if way == "link":
        (project.root / "linked").symlink_to(secret)
    project.replace("models/staging/_sources.yml", "path: raw,", f"path: {place},")
    with _unharmed(project):
        outcome = project.dbt("build", "--vars", "{fresh_data: true}", branch="attack")
    if HAS_FILES:
        assert not outcome.is_green
        lines = [line for line in outcome.output.splitlines() if "expected a folder that this build may read" in line]
        assert lines and all("secret" in line or "linked" in line for line in lines), outcome.output
    assert project.build("--vars", "{fresh_data: true}", branch="attack", SCOREHOUSE_SOURCES=str(secret)).is_green


BOMB = ["a0: &a0 [x, x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]


@pytest.mark.parametrize("file", ["models/features/bomb.yml", "dbt_project.yml", "profiles.yml"])
def test_a_yaml_bomb_is_refused_in_one_sentence(shop: Project, tmp_path: Path, file: str) -> None:
    project = changed(shop, tmp_path)
    before = (project.root / file).read_text() if (project.root / file).exists() else "version: 2\n"
    project.write(file, before + "\n" + "\n".join(BOMB) + "\n")
    outcome = project.dbt("build", branch="attack")
    assert not outcome.is_green
    assert "expected at most 1000000 values in a file" in outcome.output
    assert "Traceback" not in outcome.output


def test_jinja_that_writes_a_manifest_writes_it_nowhere_but_in_its_own_places(shop: Project, tmp_path: Path) -> None:
    project = changed(shop, tmp_path)
    place = project.folder() / "CURRENT"
    text = f"{{% if execute %}}{{% do ref.manifest.writable_manifest().write('{place}') %}}"
    text += f"{{% do builtins.ref.manifest.writable_manifest().write('{place}') %}}{{% endif %}}select 1 as number\n"
    project.write("models/features/evil.sql", text)
    with _unharmed(project):
        assert not project.dbt("build", "--select", "evil", branch="attack").is_green


# ---------------------------------------------------------------- kernels that have less


def without_landlock() -> None:
    """Let this process's kernel answer as one without Landlock."""
    system_calls.withhold(["landlock_create_ruleset"], answer=38)


def without_filters() -> None:
    """Let this process's kernel answer as one without filters of system calls."""
    system_calls.withhold(["seccomp"], answer=38)


def without_both() -> None:
    without_landlock()
    without_filters()


WITHOUT = {
    "Landlock": (without_landlock, "this kernel has no Landlock, so only the gate keeps it from other files"),
    "filters": (without_filters, "this system has no filters of system calls"),
    "both": (without_both, "this system has neither Landlock nor filters of system calls, so only the gate protects main"),
}


@pytest.mark.parametrize("what", WITHOUT)
def test_what_a_kernel_cannot_withhold_is_said_in_one_line(shop: Project, tmp_path: Path, what: str) -> None:
    project = changed(shop, tmp_path)
    prepare, sentence = WITHOUT[what] if HAS_CALLS else (None, WITHOUT["both"][1])
    said = project.build(branch="old", prepare=prepare).output.splitlines()
    lines = [line for line in said if line.startswith("Branch 'old' is not wholly confined")]  # printed with a time as well
    assert len(lines) == 1
    assert sentence in lines[0]
    assert "not wholly confined" not in project.build(prepare=prepare).output  # main is main


def test_a_setting_refuses_what_cannot_be_confined(shop: Project, tmp_path: Path) -> None:
    project = changed(shop, tmp_path)
    prepare = without_both if HAS_CALLS else None
    outcome = project.dbt("build", branch="old", prepare=prepare, SCOREHOUSE_CONFINEMENT="required")
    assert not outcome.is_green
    assert "expected a kernel that confines the build (SCOREHOUSE_CONFINEMENT=required)" in outcome.output
    assert not (project.folder("old") / "CURRENT").exists()


# ---------------------------------------------------------------- who is confined, and to what


def in_one_process(project: Project, *branches: str, again: str = "") -> Outcome:
    """Several commands one after another in one process."""
    code = f"""
import os, sys
from project.confined import invoked
for branch in {branches!r}:
    os.environ["SCOREHOUSE_BRANCH"] = branch
    code, output = invoked(["build", "--project-dir", {str(project.root)!r}, "--profiles-dir", {str(project.root)!r}])
    print(branch, code, output)
{again}
"""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "WAREHOUSE_", "SCOREHOUSE_"))}
    environment = inherited | {"PYTHONPATH": str(REPOSITORY / "tests"), "DBT_PROJECT_DIR": str(project.root)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=project.root, capture_output=True, text=True, check=False
    )
    return Outcome(done.returncode, done.stdout + done.stderr)


def test_a_process_stays_on_its_branch(shop: Project, tmp_path: Path) -> None:
    project = changed(shop, tmp_path)
    outcome = in_one_process(project, "first", "first", "second")
    assert outcome.output.count("first 0") == 2, outcome.output
    assert "This process is confined to branch 'first'" in outcome.output
    assert "found branch 'second'; start a new process." in outcome.output


@pytest.mark.parametrize("cache", ["not/yet/there", "file"])
def test_compiled_code_is_kept_in_a_named_folder_or_with_the_branch(shop: Project, tmp_path: Path, cache: str) -> None:
    (tmp_path / "file").write_text("")
    outcome = shop.dbt("build", NUMBA_CACHE_DIR=str(tmp_path / cache))
    assert outcome.is_green, outcome.output


def test_a_branch_may_be_the_first_to_build(tmp_path: Path) -> None:
    project = Confined(tmp_path / "new")
    tiny_project(project.root)
    outcome = project.dbt("build", branch="first")
    assert outcome.is_green, outcome.output
    assert project.serving("select count(*) from scores", "first") == [(3,)]


def test_a_project_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    project = Confined(tmp_path / "other")
    project.write("dbt_project.yml", "name: other\nprofile: other\nflags: {send_anonymous_usage_stats: false}\n")
    project.write("profiles.yml", "other: {target: a, outputs: {a: {type: duckdb, path: ':memory:'}}}\n")
    project.write("models/one.sql", "select 1 as number\n")
    after = f"open({str(tmp_path / 'written')!r}, 'w').close()"
    assert "x 0" in in_one_process(project, "x", again=after).output
    assert (tmp_path / "written").exists()


@pytest.mark.parametrize("command", ["deps", "clean"])
def test_commands_that_need_more_than_a_branch_has_say_so(shop: Project, command: str) -> None:
    outcome = shop.dbt(command, branch="attack")
    assert not outcome.is_green
    assert f"dbt {command} on branch 'attack': expected main" in outcome.output


@pytest.mark.parametrize("damaged", [None, b"\xff\xfe\x80", b"\x00\n" + 9999 * b"x"], ids=["gone", "no text", "garbage"])
def test_damaged_lists_of_ours_count_as_empty(tmp_path: Path, damaged: bytes | None) -> None:
    found = confinement.Confinement(tmp_path / "shop", tmp_path / "warehouse", "main")
    target = tmp_path / "shop" / "target"
    for folder in (found.private, target):
        folder.mkdir(parents=True)
    for name in ("sealed", "sources") if damaged else ():
        (found.private / name).write_bytes(damaged)
    (target / "partial_parse.msgpack").write_text("of somebody")
    confinement._distrust(found, [target])
    assert not list(target.iterdir())
    assert list(confinement._sources(found, {})) == []


@pytest.mark.parametrize("branch", ["main", "other"])
def test_nothing_is_written_for_others_once_main_has_audiences(tmp_path: Path, branch: str) -> None:
    found = confinement.Confinement(tmp_path, tmp_path / "warehouse", branch)
    mask = os.umask(0o022)
    try:
        confinement._keep_from_others(found)
        assert os.umask(0o022) == 0o022
        (found.warehouse / "main" / "releases" / "3" / "serving").mkdir(parents=True)
        (found.warehouse / "main" / ".current").symlink_to("releases/3")
        confinement._keep_from_others(found)
        assert os.umask(0o022) == 0o027
    finally:
        os.umask(mask)


def test_links_that_a_branch_left_where_its_next_build_writes_are_taken_away(tmp_path: Path) -> None:
    found = confinement.Confinement(tmp_path / "shop", tmp_path / "warehouse", "other")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found.folder.mkdir(parents=True)
    for path in (found.private, found.folder / "releases", found.folder / "built"):
        path.symlink_to(elsewhere)
    confinement._remove_links(found)
    assert list(found.folder.iterdir()) == []
    found.private.mkdir()
    (found.private / "python").symlink_to(elsewhere / "new")
    confinement._remove_links(found)
    assert list(found.private.iterdir()) == [] and elsewhere.is_dir()


@pytest.mark.parametrize("made", ["file", "branch that is a link"])
def test_a_warehouse_that_is_no_folder_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: str) -> None:
    warehouse = tmp_path / "warehouse"
    if made == "file":
        warehouse.touch()
    else:
        warehouse.mkdir()
        (warehouse / "other").symlink_to(tmp_path)
    monkeypatch.setenv("WAREHOUSE_PATH", str(warehouse))
    monkeypatch.setenv("SCOREHOUSE_BRANCH", "other")
    monkeypatch.setattr(confinement, "current", None)
    monkeypatch.setattr(confinement, "_confined", lambda *_: None)
    with pytest.raises(DbtRuntimeError, match=r"expected a folder, found (none|a link); "):
        confinement.enter(tmp_path)


def test_a_store_on_a_disk_that_is_not_there_is_one_sentence_and_is_not_begun_anew(tmp_path: Path, monkeypatch) -> None:
    store = tmp_path / "warehouse" / "store"
    store.parent.mkdir()
    store.symlink_to(tmp_path / "disk")
    monkeypatch.setattr(confinement, "current", None)
    monkeypatch.setattr(confinement, "_confined", lambda *_: "confined")
    with pytest.raises(DbtRuntimeError, match=r"store: expected a folder, found a link that leads nowhere; bring back .*/disk"):
        confinement.enter(tmp_path)
    (tmp_path / "disk").mkdir()
    confinement.enter(tmp_path)
    assert confinement.current == "confined"


@pytest.mark.parametrize(("option", "limit"), [("-f", 100), ("-v", 1_500_000), ("-d", 300_000)])
def test_a_limit_with_which_no_build_ends_is_one_sentence(shop: Project, option: str, limit: int) -> None:
    command = f"ulimit {option} {limit} && exec {DBT} build"
    environment = {**os.environ, "SCOREHOUSE_BRANCH": "main"}
    ended = subprocess.run(["bash", "-c", command], cwd=shop.root, env=environment, capture_output=True, text=True, check=False)
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0 and "Traceback" not in said and "artifact" not in said
    assert re.search(rf"ulimit {option}: expected at least [\d,]+ bytes .*, found {limit * 1024:,}; raise it", said), said


@pytest.mark.parametrize(("name", "option"), [("target", "--target-path"), ("logs", "--log-path")])
@pytest.mark.parametrize("branch", ["main", "other"])
def test_a_link_where_dbt_writes_is_one_sentence(shop: Project, tmp_path: Path, name: str, option: str, branch: str) -> None:
    (shop.root / name).rename(tmp_path / name)
    (shop.root / name).symlink_to(tmp_path / name)
    try:
        outcome = shop.apart("parse", branch=branch)
    finally:
        (shop.root / name).unlink()
        (tmp_path / name).rename(shop.root / name)
    told = f"{shop.root / name}: expected a folder, found a link; remove it, and let {option} name where it led."
    assert (outcome.is_green, told in outcome.output, "Traceback" in outcome.output) == (False, True, False)


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    log = tmp_path / "dbt.log"
    for make, undo in ((lambda: os.mkfifo(log), log.unlink), (log.mkdir, log.rmdir)):
        make()
        with pytest.raises(DbtRuntimeError, match=r"dbt\.log: expected a file that this command may write, found"):
            confinement._expect_log(log)
        undo()
    confinement._expect_log(log)
    log.write_text("a line")
    confinement._expect_log(log)
    assert log.read_text() == "a line"


def test_what_is_installed_is_what_the_repository_says() -> None:
    """Else these tests judge another confinement than the repository's."""
    package = Path(importlib.util.find_spec("scorehouse_confinement").origin).parent
    ours = REPOSITORY / "udfs/scorehouse/installed/scorehouse_confinement"
    sources = {file.name: file for file in [*ours.glob("*.py"), REPOSITORY / "udfs/scorehouse/names/git.py"]}
    installed = {file.name: file.read_text() for file in package.glob("*.py")}
    assert installed == {name: file.read_text() for name, file in sources.items()}
    assert (package.parent / "scorehouse_confinement.pth").is_file()


SHARED = """
import ctypes
from scorehouse_confinement import system_calls

system_calls.withhold(system_calls.OTHER_PROCESSES)
shared = [name for name in system_calls.OTHER_PROCESSES if name.startswith(("shm", "sem", "msg", "mq_"))]
libc = ctypes.CDLL(None, use_errno=True)
print(len(shared), {ctypes.get_errno() for name in shared if libc.syscall(system_calls._number(name), 1, 0, 0, 0) < 0})
"""


@pytest.mark.skipif(not HAS_CALLS, reason="this system has no filters of system calls")
def test_memory_and_messages_that_processes_share_are_out_of_reach() -> None:
    folder = REPOSITORY / "udfs/scorehouse/installed"
    command, environment = [sys.executable, "-S", "-c", SHARED], {**os.environ, "PYTHONPATH": str(folder)}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert said == f"13 {{{errno.EPERM}}}\n"


ASKED = """
import ctypes, os, sys, time
from scorehouse_confinement import system_calls

terminal, folder = os.open(os.ttyname(os.openpty()[1]), os.O_RDWR), os.open(sys.argv[1], os.O_RDONLY)
other = int(sys.argv[2])
system_calls.withhold(system_calls.OTHER_PROCESSES)
libc = ctypes.CDLL(None, use_errno=True)
flags = (ctypes.c_char * 64)()
for name, *arguments in (
    ("ioctl", terminal, 0x5412, b"x"),  # a key is typed
    ("ioctl", terminal, 0x541C, b"x"),
    ("ioctl", terminal, (1 << 32) | 0x5412, b"x"),
    ("ioctl", folder, 0x40086602, flags),  # flags of files: none may be changed, nothing added
    ("ioctl", folder, 0x401C5820, flags),
    ("sched_setscheduler", other, 5, flags),  # its turn comes when nobody else wants one
    ("sched_setparam", other, flags),
):
    wide = (ctypes.c_ulong(one) if isinstance(one, int) else one for one in arguments)
    answer = libc.syscall(ctypes.c_long(system_calls._number(name)), *wide)
    print(answer, ctypes.get_errno(), end=" ")
print(os.isatty(terminal), os.get_terminal_size(terminal).columns, os.sched_getscheduler(other), os.set_inheritable(folder, True))
"""


@pytest.mark.skipif(not HAS_CALLS, reason="this system has no filters of system calls")
def test_terminals_files_and_processes_of_others_are_asked_for_nothing(tmp_path: Path, stranger: subprocess.Popen) -> None:
    folder = REPOSITORY / "udfs/scorehouse/installed"
    command = [sys.executable, "-S", "-c", ASKED, str(tmp_path), str(stranger.pid)]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert said == f"{f'-1 {errno.EPERM} ' * 7}True 0 0 None\n"


def test_every_denied_call_has_a_number_on_every_architecture_that_is_known() -> None:
    named = (*system_calls.PROGRAMS, *system_calls.NETWORK, *system_calls.METADATA, *system_calls.OTHER_PROCESSES)
    assert set(named) <= system_calls._NUMBERS.keys()
    assert json.dumps(system_calls._NUMBERS)  # plain numbers
