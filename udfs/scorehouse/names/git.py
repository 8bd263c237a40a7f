"""Which branch a build belongs to, and the folder name that stands for it."""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

PRODUCTION = "main"
RESERVED = {"store"}
_UNDER_WAY = {"rebase-merge": "rebase", "rebase-apply": "rebase", "BISECT_LOG": "bisect", "BISECT_START": "bisect"}
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
_HASHED = re.compile(r".*_[0-9a-f]{10}")


def slug(name: str) -> str:
    """Folder name of a branch: the name itself where it is plain, else a cleaned name with a short hash.

    Two different names never share a folder: a name that was changed carries ten hexadecimal digits of its own
    SHA-256, and a plain name that looks as if it carried a hash is hashed too.

    >>> slug("main"), slug("new-weights"), slug("new_weights")
    ('main', 'new-weights', 'new_weights')
    >>> slug("feature/new weights")
    'feature_new_weights_6e53d7b3fd'
    >>> slug("..")
    'branch_5ec1f7e700'
    """
    if _PLAIN.fullmatch(name) and not _HASHED.fullmatch(name) and name not in RESERVED:
        return name
    cleaned = re.sub(r"[^a-z0-9]+", "_", name.lower())[:40].strip("_")
    return f"{cleaned or 'branch'}_{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def current(project_dir: Path, environ: Mapping[str, str]) -> str:
    """Name of the branch: `SCOREHOUSE_BRANCH` if set, else the checked-out git branch, else one of its own (`detached`).

    >>> current(Path("/nowhere"), {"SCOREHOUSE_BRANCH": "new-weights"})
    'new-weights'
    >>> current(Path("/nowhere"), {})
    'detached-nowhere'

    Args:
        project_dir: the project's folder; the repository is its own or that of the nearest folder above it.
        environ: variables of the environment.
    """
    if environ.get("SCOREHOUSE_BRANCH"):
        return os.fsencode(environ["SCOREHOUSE_BRANCH"]).decode(errors="backslashreplace")  # bytes that are no text stay apart
    if detached(project_dir) is None:
        return _head(project_dir)
    return f"detached-{(commit(project_dir) or 'nowhere')[:12]}"


def detached(project_dir: Path) -> str | None:
    """Why the project is on no git branch, in words; None where it is on one. Such a build is a branch of its own, never main.

    >>> detached(Path("/nowhere"))
    'there is no git repository'
    """
    git = _git_folder(project_dir)
    if git is None:
        return "there is no git repository"
    under_way = next((words for name, words in _UNDER_WAY.items() if (git / name).exists()), None)
    if under_way:
        return f"a {under_way} is under way"
    if (_common_folder(git) / "reftable").is_dir():
        return "git keeps its branches as reftables, which are not read"
    return None if _head(project_dir) else "HEAD is detached"


def files(project_dir: Path) -> list[Path]:
    """The files and folders of git that tell the branch and the commit."""
    git = _git_folder(project_dir)
    if git is None:
        return []
    common = _common_folder(git)
    names = [git / name for name in ("HEAD", "commondir", *_UNDER_WAY)] + [common / "refs", common / "packed-refs"]
    return [project_dir / ".git"] * (project_dir / ".git").is_file() + [name.resolve() for name in names]


def commit(project_dir: Path) -> str | None:
    """Hash of the checked-out git commit, as git writes it; None outside a repository and before the first commit."""
    git = _git_folder(project_dir)
    if git is None:
        return None
    head = _text(git / "HEAD").strip()
    if not head.startswith("ref: "):
        return _hash(head)
    return _resolve(_common_folder(git), head.removeprefix("ref: "))


def _head(project_dir: Path) -> str | None:
    git = _git_folder(project_dir)
    found = re.fullmatch(r"ref: refs/heads/(.+)", _text(git / "HEAD").rstrip("\n")) if git else None
    return found.group(1) if found else None


def _text(file: Path) -> str:
    """What a file of git's says; nothing where it is damaged, or none that can be read."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _hash(text: str) -> str | None:
    return text if re.fullmatch(r"[0-9a-f]{40,64}", text) else None


def _git_folder(project_dir: Path) -> Path | None:
    for folder in [project_dir, *project_dir.parents]:
        git = folder / ".git"
        if git.is_file():  # a worktree's or submodule's: what is above has nothing of it
            git = folder / _text(git).strip().removeprefix("gitdir: ")
            return git if os.path.isfile(git / "HEAD") else None
        if os.path.isfile(git / "HEAD"):
            return git
    return None


def _common_folder(git: Path) -> Path:
    pointer = git / "commondir"
    return (git / _text(pointer).strip()) if pointer.is_file() else git


def _resolve(git: Path, ref: str) -> str | None:
    if (git / ref).is_file():
        return _hash(_text(git / ref).strip())
    for line in _text(git / "packed-refs").splitlines():
        if line.endswith(f" {ref}"):
            return line.split(" ")[0]
    return None
