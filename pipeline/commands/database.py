"""`database`: its schema, backups, and the way back. Everything here works while no process of the program runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DatabaseError

from pipeline.adapters.token_box import open_token_box
from pipeline.errors import ForPeople
from pipeline.pulse import is_dead, owner_name
from settings import HOME, Settings
from storage.aftermath import LostTime
from storage.backup import NothingToBackUp, back_up
from storage.backup_file import About, BadBackup, opened
from storage.database import database_url
from storage.going_back import (
    Condition,
    Loss,
    NoSuchStep,
    condition,
    downgrade,
    downgrade_unused,
    losses,
    step_back_from,
)
from storage.restore import NotEmpty, is_broken, is_empty, refuse_newer, restore, sealed_tokens, set_aside
from storage.schema import DatabaseUnreachable, first_line, migrate_now
from storage.signs import InUse, IsDead

KEPT_IN = HOME / "var" / "backups"
AT_THE_BACKUP = "backup"
FAILURE, WRONG_USAGE = 1, 2


def run(settings: Settings, options: argparse.Namespace) -> int:
    url = database_url(settings.database.url, HOME)
    try:
        return int(options.act(settings, url, options))
    except (NothingToBackUp, BadBackup, NoSuchStep, NotEmpty, InUse) as error:
        return _refuse(str(error))


def add_actions(parser: argparse.ArgumentParser) -> None:
    """What can be done with the database, and how."""
    parser.set_defaults(blocks=True)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(
        name: str, help_text: str, act: Callable[[Settings, URL, argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        one = actions.add_parser(name, help=help_text, description=help_text)
        one.set_defaults(act=act, keep_in=KEPT_IN)
        return one

    add("version", "which schema it has, which one this version works with, and who works with it now", version)
    add("upgrade", "bring it to this version's schema, as every start does", upgrade)

    one = add("downgrade", "take its schema one step back, or to REVISION, after a backup", take_back)
    one.add_argument("revision", nargs="?", metavar="REVISION", help="default: one step")
    one.add_argument("--yes", action="store_true", help="do not ask whether what is lost may be lost")
    one.add_argument("--force", action="store_true", help="even while processes work with it")
    one.add_argument("--no-backup", action="store_true", help="make none before")
    one.add_argument("--keep-in", type=Path, metavar="FOLDER", help="where the backup goes; default: var/backups")

    one = add("backup", "write all of it into a new file, while everybody goes on working", make_backup)
    one.add_argument("file", type=Path, metavar="FILE")

    one = add("restore", "let a backup take its place; nothing that may have been sent is sent again", put_back)
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument("--replace", action="store_true", help="where it is not empty: keep it aside as a backup first")
    one.add_argument(
        "--nothing-sent-after", metavar="MOMENT",
        help="when the last process stopped, as 2026-11-03T15:00+00:00; backup: nothing was sent since; default: now",
    )  # fmt: skip
    one.add_argument("--keep-in", type=Path, metavar="FOLDER", help="where that backup goes; default: var/backups")


def version(_: Settings, url: URL, options: argparse.Namespace) -> int:
    """0: the schema is this version's. 1: it is not."""
    found = _condition(url)
    _say(f"The database has schema {found.revision or 'none'}; this version works with {found.known[-1]}.")
    for sign in found.signs:
        _say(f"{sign.name}: works with it now.")
    if not found.signs:
        _say("No process works with it now.")
    return 0 if found.revision == found.known[-1] else FAILURE


def upgrade(_: Settings, url: URL, options: argparse.Namespace) -> int:
    before = _condition(url)
    migrate_now(url)
    after = before.known[-1]
    _say(
        f"The database has schema {after} already."
        if before.revision == after
        else f"The database was taken from schema {before.revision or 'none'} to {after}."
    )
    return 0


def take_back(_: Settings, url: URL, options: argparse.Namespace) -> int:
    found = _condition(url)
    target = step_back_from(found.revision, options.revision)
    if found.signs and not options.force:
        raise InUse(found.signs)
    _say(f"From schema {found.revision} to {target}. What is lost:")
    for line in _in_words(losses(url, target)):
        _say(f"  {line}")
    if not options.yes and not _confirmed():
        return _refuse("Nothing was changed. Add --yes to go back.")
    if not options.no_backup:
        _keep(url, options.keep_in, "before-downgrade")
    downgrade(url, target) if options.force else downgrade_unused(url, target, _now(), _is_dead())
    _say(f"The database has schema {target}. Start the version of Digest Bot that works with it, not this one.")
    return 0


def make_backup(_: Settings, url: URL, options: argparse.Namespace) -> int:
    about = back_up(url, options.file, _now())
    _say(f"{options.file}: {_described(about)}.")
    return 0


def put_back(settings: Settings, url: URL, options: argparse.Namespace) -> int:
    now = _now()
    with opened(options.file) as backup:
        about = backup.about
        refuse_newer(about)
        until = _last_sent(options.nothing_sent_after, about, now)
        if until is None:
            return _refuse(f"--nothing-sent-after: write 2026-11-03T15:00+00:00 or {AT_THE_BACKUP}.", WRONG_USAGE)
        if refusal := _make_room(url, options):
            return _refuse(refusal)
        lost = LostTime(about.taken_at, until, settings.digest.window_hours) if until > about.taken_at else None
        done = restore(url, backup, lost, now, _is_dead())
    _say(f"Restored: {_described(about)}.")
    _look_at_tokens(settings, url)
    if lost is not None:
        _say(
            f"What was given between {_moment(about.taken_at)} and {_moment(until)} is not known, and not given again "
            f"by itself. Messages in doubt: {done.doubts.messages}. Runs that were ended: {done.doubts.runs}."
        )
        for slug, run_id in done.doubts.again.items():
            _say(
                f"{slug}: /retry {run_id} gives what was published in that time; "
                "readers who had it already get it a second time."
            )
    return 0


def _look_at_tokens(settings: Settings, url: URL) -> None:
    """Without the key that they were encrypted with the public bots are silent: better known now."""
    unreadable = []
    for slug, token in sealed_tokens(url).items():
        try:
            open_token_box(settings.security, make_key=False).decrypt(token)
        except ForPeople:
            unreadable.append(slug)
    if unreadable:
        _say(
            f"The tokens of {', '.join(unreadable)} cannot be read with the key that is here: put back var/secret.key "
            "or security.secret_key of that installation, or set the tokens again with: python -m pipeline bots apply."
        )


def _make_room(url: URL, options: argparse.Namespace) -> str | None:
    """Keep what is there aside; why that cannot be."""
    stamp = f"{_now():%Y%m%dT%H%M%SZ}"
    if is_broken(url):
        if not options.replace:
            return "There is a file that is no whole database: add --replace to give it another name and restore."
        _say(f"What is there is no whole database; it is kept as {set_aside(url, f'.broken-{stamp}')}.")
        return None
    if is_empty(url):
        return None
    if signs := _condition(url).signs:
        raise InUse(signs)
    if not options.replace:
        return "The database is not empty: add --replace to keep it aside as a backup and restore in its place."
    try:
        _keep(url, options.keep_in, "before-restore")
    except NothingToBackUp as error:
        raise NotEmpty(f"{error} Name a database of its own.") from None
    return None


def _keep(url: URL, folder: Path, name: str) -> None:
    path = folder / f"{name}-{_now():%Y%m%dT%H%M%S%fZ}.zip"
    about = back_up(url, path, _now())
    _say(f"Kept as it was: {path}: {_described(about)}.")


def _last_sent(wish: str | None, about: About, now: datetime) -> datetime | None:
    """Until when something may have been sent to readers; None: that is no moment."""
    if wish is None:
        return now
    if wish == AT_THE_BACKUP:
        return about.taken_at
    try:
        moment = datetime.fromisoformat(wish)
    except ValueError:
        return None
    return min(moment.astimezone(UTC), now) if moment.tzinfo is not None else None


def _condition(url: URL) -> Condition:
    """Raises: DatabaseUnreachable."""
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise DatabaseUnreachable(f"There is no database {url.database} yet.")
    try:
        return condition(url, _now(), _is_dead())
    except DatabaseError as error:
        raise DatabaseUnreachable(f"The database cannot be opened: {first_line(error)}") from None


def _is_dead() -> IsDead:
    return partial(is_dead, me=owner_name())


def _in_words(found: Sequence[Loss]) -> Sequence[str]:
    if not found:
        return ["nothing"]
    return [
        f"the table {one.table} with {one.rows} rows"
        if one.column is None
        else f"the column {one.column} of {one.table}, which holds something in {one.rows} rows"
        for one in found
    ]


def _confirmed() -> bool:
    return sys.stdin.isatty() and input("Go back? Write yes: ").strip() == "yes"


def _described(about: About) -> str:
    of = f"installation {about.installation}" if about.installation else "an installation without a name"
    return f"{about.rows} rows, schema {about.revision}, {of}, as of {_moment(about.taken_at)}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _now() -> datetime:
    return datetime.now(UTC)


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")


def _refuse(sentence: str, code: int = FAILURE) -> int:
    sys.stderr.write(f"{sentence}\n")
    return code
