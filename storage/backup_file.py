"""The file that a backup is: a ZIP with a list of what is in it and each table's rows as lines of JSON.

It is the same whatever database the rows come from, so that a backup of SQLite can be restored to PostgreSQL.
"""

from __future__ import annotations

import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

FORMAT = 1
ABOUT = "about.json"


class BadBackup(Exception):
    """The file is no backup, is damaged, or cannot be used by this version; the message says which."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a backup: its columns, in the order of the values in each of its rows."""

    columns: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class About:
    """What a backup is of: the schema, the installation's name, and the moment it shows, aware and in UTC."""

    revision: str
    installation: str | None
    taken_at: datetime
    tables: Mapping[str, Table]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


class Writer:
    """Writes tables one after another."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.tables: dict[str, Table] = {}

    def write(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        number = 0
        with self._archive.open(_member(name), "w", force_zip64=True) as member:
            for row in rows:
                member.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
                number += 1
        self.tables[name] = Table(tuple(columns), number)

    def finish(self, revision: str, installation: str | None, taken_at: datetime) -> About:
        """Say what it is; a backup without this is none."""
        about = About(revision, installation, taken_at, self.tables)
        known = {**asdict(about), "format": FORMAT, "taken_at": taken_at.isoformat()}
        self._archive.writestr(ABOUT, json.dumps(known, indent=1))
        return about


@contextmanager
def new_file(path: Path) -> Iterator[Writer]:
    """A backup that has its name once it is whole and on the disk, readable by its owner only.

    Raises:
        FileExistsError: there is a file of that name; it stays as it is.
    """
    if path.exists():
        raise FileExistsError(17, "a backup never replaces a file, name another one", str(path))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                yield Writer(archive)
            file.flush()
            os.fsync(file.fileno())
        _name(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


class Reader:
    """A backup that was looked through: every row is there and undamaged."""

    def __init__(self, archive: zipfile.ZipFile, about: About) -> None:
        self._archive = archive
        self.about = about

    def rows(self, name: str) -> Iterator[list[Any]]:
        with self._archive.open(_member(name)) as member:
            for line in member:
                yield json.loads(line)


@contextmanager
def opened(path: Path) -> Iterator[Reader]:
    """A backup to read from.

    Raises:
        BadBackup: it is none, or it is damaged.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            reader = Reader(archive, _about(archive, path))
            _look_through(reader, path)
            yield reader
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise BadBackup(f"{path} is damaged or no backup: nothing was changed. Take another backup.") from None


def _about(archive: zipfile.ZipFile, path: Path) -> About:
    try:
        known = json.loads(archive.read(ABOUT))
        made_by = known["format"]
        if made_by != FORMAT:
            raise BadBackup(
                f"{path} is a backup of format {made_by}; this version of Digest Bot reads format {FORMAT}."
            )
        tables = {name: Table(tuple(one["columns"]), one["rows"]) for name, one in known["tables"].items()}
        return About(known["revision"], known["installation"], datetime.fromisoformat(known["taken_at"]), tables)
    except (KeyError, ValueError, TypeError):
        raise BadBackup(f"{path} is no backup of Digest Bot, or one that was changed: nothing was restored.") from None


def _look_through(reader: Reader, path: Path) -> None:
    """Reading a member to its end compares its checksum, too."""
    for name, table in reader.about.tables.items():
        try:
            whole = sum(len(row) == len(table.columns) for row in reader.rows(name))
        except (KeyError, ValueError, TypeError):
            raise BadBackup(
                f"{path} is damaged in the table {name}: nothing was changed. Take another backup."
            ) from None
        if whole != table.rows:
            raise BadBackup(f"{path} lacks rows of the table {name}: nothing was changed. Take another backup.")


def _name(draft: Path, path: Path) -> None:
    """A link refuses where a name is taken, a rename does not; not every file system has links."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError(17, "a backup never replaces a file, name another one", str(path)) from None
        draft.rename(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _member(table: str) -> str:
    return f"tables/{table}.jsonl"
