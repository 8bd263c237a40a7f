"""The branch is what git says, or the environment; whatever else is checked out is a branch of its own."""

import os
import subprocess
from pathlib import Path

import pytest

from scorehouse.names import git


def run(folder: Path, *arguments: str) -> str:
    own = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "-c", "core.editor=false"]
    done = subprocess.run(["git", *own, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Four commits on main, the file `n` counting them; branch `topic` changes it otherwise."""
    run(tmp_path, "init", "--quiet", "--initial-branch=main")
    for number in range(4):
        (tmp_path / "n").write_text(f"{number}\n")
        run(tmp_path, "add", "n")
        run(tmp_path, "commit", "--quiet", "--message", str(number))
    run(tmp_path, "switch", "--quiet", "--create", "topic", "HEAD~1")
    (tmp_path / "n").write_text("topic\n")
    run(tmp_path, "commit", "--quiet", "--all", "--message", "topic")
    run(tmp_path, "switch", "--quiet", "main")
    return tmp_path


def own_branch(folder: Path) -> str:
    return f"detached-{run(folder, 'rev-parse', 'HEAD')[:12]}"


@pytest.mark.parametrize("name", ["main", "topic"])
def test_the_checked_out_branch_counts(repository: Path, name: str) -> None:
    run(repository, "switch", "--quiet", name)
    assert git.current(repository, {}) == name
    assert git.detached(repository) is None


def test_a_repository_without_a_commit_is_on_its_branch(tmp_path: Path) -> None:
    run(tmp_path, "init", "--quiet", "--initial-branch=main")
    assert git.current(tmp_path, {}) == "main"


@pytest.mark.parametrize("commit", ["HEAD", "HEAD~2", "topic"])
def test_a_detached_head_is_a_branch_of_its_own_even_at_mains_commit(repository: Path, commit: str) -> None:
    run(repository, "checkout", "--quiet", "--detach", commit)
    assert git.current(repository, {}) == own_branch(repository)
    assert git.detached(repository) == "HEAD is detached"


@pytest.mark.parametrize("backend", ["--merge", "--apply"])
@pytest.mark.parametrize("onto", [("topic", "main"), ("main", "topic")])
def test_a_rebase_that_stopped_is_not_its_branch(repository: Path, backend: str, onto: tuple[str, str]) -> None:
    run(repository, "rebase", "--quiet", backend, *onto)
    assert git.detached(repository) == "a rebase is under way"
    assert git.current(repository, {}) == own_branch(repository)
    run(repository, "rebase", "--abort")
    assert git.current(repository, {}) == onto[1]


def test_a_bisect_is_not_main_at_any_of_its_steps(repository: Path) -> None:
    for step in (("start",), ("bad", "main"), ("good", "main~3")):
        run(repository, "bisect", *step)
        assert git.detached(repository) == "a bisect is under way"
        assert git.current(repository, {}) == own_branch(repository)
    run(repository, "bisect", "reset")
    assert git.current(repository, {}) == "main"


def test_a_checkout_without_git_is_not_main(tmp_path: Path) -> None:
    assert git.current(tmp_path, {}) == "detached-nowhere"
    assert git.detached(tmp_path) == "there is no git repository"


def test_a_worktree_has_a_branch_and_a_rebase_of_its_own(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("worktree") / "other"
    run(repository, "worktree", "add", "--quiet", str(other), "topic")
    run(other, "rebase", "--quiet", "main")
    assert git.current(other, {}) == own_branch(other)
    assert git.current(repository, {}) == "main"
    run(repository, "checkout", "--quiet", "--detach")
    run(other, "rebase", "--abort")
    assert git.current(other, {}) == "topic"
    assert git.current(repository, {}) == own_branch(repository)


def test_a_worktree_whose_repository_is_gone_is_not_the_repository_around_it(repository: Path) -> None:
    run(repository, "worktree", "add", "--quiet", "inner", "topic")
    assert git.current(repository / "inner", {}) == "topic"
    (repository / ".git" / "worktrees" / "inner").rename(repository / "elsewhere")
    assert git.current(repository / "inner", {}) == "detached-nowhere"
    assert git.current(repository, {}) == "main"


@pytest.mark.parametrize("name", ["main", "elsewhere"])
def test_the_environment_has_the_last_word(repository: Path, name: str) -> None:
    run(repository, "checkout", "--quiet", "--detach")
    assert git.current(repository, {"SCOREHOUSE_BRANCH": name}) == name


def test_a_name_in_another_encoding_is_a_branch_of_its_own() -> None:
    named = {name: git.current(Path(), {"SCOREHOUSE_BRANCH": os.fsdecode(name)}) for name in (b"caf\xe9", b"caf\xe8", b"main")}
    assert len({*map(git.slug, named.values())}) == 3
    assert named[b"caf\xe9"].encode() == b"caf\\xe9"


@pytest.mark.parametrize("name", ["HEAD", "refs/heads/main", "packed-refs", "commondir"])
def test_what_git_left_damaged_is_no_branch_or_no_commit(repository: Path, name: str) -> None:
    (repository / ".git" / name).write_bytes(b"\xff\xfe\x00 ref: nowhere")
    assert git.current(repository, {}) in ("main", "detached-nowhere")
    assert git.commit(repository) is None or name in ("packed-refs", "commondir")
    (repository / ".git").rename(repository / "elsewhere")
    (repository / ".git").write_bytes(b"\xff\xfe\x00")
    assert git.current(repository, {}) == "detached-nowhere"


def test_branches_that_git_keeps_as_reftables_are_never_main(repository: Path) -> None:
    (repository / ".git" / "reftable").mkdir()
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/.invalid\n")
    assert git.current(repository, {}) == "detached-nowhere"
    assert git.detached(repository) == "git keeps its branches as reftables, which are not read"
