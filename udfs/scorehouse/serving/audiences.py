"""Serving files for audiences: each holds their tables, columns and rows, and their group of the operating system may read it."""

import grp
import os
import stat
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import duckdb

from scorehouse.errors import ScorehouseError, first_line
from scorehouse.serving import file as serving_file
from scorehouse.serving.described import Release
from scorehouse.serving.offer import Offer
from scorehouse.serving.reader import read

FOR_ONE_GROUP = 0o440


def write_for_each(connection: duckdb.DuckDBPyConnection, folder: Path, offer: Offer, release: Release) -> None:
    """Write `<audience>.duckdb` for everybody who has one; the release in it tells of what is theirs alone."""
    for audience in offer.audiences:
        folder.mkdir(exist_ok=True)
        file = folder / f"{audience}.duckdb"
        try:
            serving_file.write(connection, file, offer.of(audience), replace(release, changed=[]))
        except (duckdb.Error, ScorehouseError) as error:
            raise ScorehouseError(
                f"meta.endpoint.audiences: {audience}: expected columns of each table that names it, its key among them, and a "
                f"condition over its rows, found: {first_line(error).rstrip('.')}; correct it."
            ) from None
        with read(file) as serving:
            serving.execute("from release").fetchall()
        group = _group_of(audience)
        if group is not None:
            with suppress(OSError):  # a confined branch may give files to nobody
                os.chown(file, -1, group)
                file.chmod(file.stat().st_mode | stat.S_IRGRP)
    if offer.audiences:
        _let_through(folder)


def _let_through(folder: Path) -> None:
    """Let everybody pass through the folders on the way to the files of audiences, though not see what else is in them."""
    release, releases, branch = folder.parents[:3]
    for path in (folder, release, releases, branch):
        with suppress(PermissionError):  # a confined branch may change no modes
            path.chmod(path.stat().st_mode | 0o111)


def groups_of(offer: Offer) -> dict[str, int | None]:
    """For each audience its group of this machine, by number; None where there is none that who builds could give a file."""
    return {audience: _group_of(audience) for audience in offer.audiences}


def _group_of(audience: str) -> int | None:
    try:
        group = grp.getgrnam(audience).gr_gid
    except (KeyError, OSError):  # there is none, or this process may not read which there are
        return None
    return group if os.geteuid() == 0 or group in {os.getegid(), *os.getgroups()} else None


def keep_from_others(*paths: Path) -> None:
    """Let only the user who builds, and the group, look into what holds all that audiences get parts of, from now on too.

    A confined branch may change no modes: of what it writes, only what comes after is closed.
    """
    os.umask(os.umask(0o077) | 0o007)
    for path in paths:
        with suppress(PermissionError, FileNotFoundError):
            path.chmod(path.stat().st_mode & 0o770)
