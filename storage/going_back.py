"""Taking the schema back, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import URL, Connection, column, func, inspect, select, table

from storage.backup import counted
from storage.schema import (
    alone_with,
    current_revision,
    known_revisions,
    plain_engine,
    take_all_tables,
    take_back,
)
from storage.signs import IsDead, Sign, refuse_if_used, signs_of_life

BASE = "base"


class NoSuchStep(Exception):
    """There is no such schema to go back to; the message says which there are."""


class _TriedOut(Exception):
    """Ends a transaction that was only to show what it does."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A database's schema, the schemas that this code knows, and who works with it."""

    revision: str | None
    known: Sequence[str]
    signs: Sequence[Sign]


@dataclass(frozen=True, slots=True)
class Loss:
    """What goes with a step back: a table, or a column of one; `rows` hold something there."""

    table: str
    column: str | None
    rows: int


def condition(url: URL, now: datetime, is_dead: IsDead) -> Condition:
    """Look at a database that exists, without changing anything.

    Raises:
        sqlalchemy.exc.DBAPIError: it cannot be read.
    """
    engine = plain_engine(url)
    try:
        with engine.connect() as connection:
            return Condition(current_revision(connection), known_revisions(), signs_of_life(connection, now, is_dead))
    finally:
        engine.dispose()


def step_back_from(current: str | None, wanted: str | None) -> str:
    """The schema that a downgrade leads to: one before the present one, where none is wanted.

    Raises:
        NoSuchStep: this code does not know the present one or the wanted one, or that is no step back.
    """
    known = known_revisions()
    if current is None:
        raise NoSuchStep("The database is empty: there is nothing to take back.")
    if current not in known:
        raise NoSuchStep(
            f"The database has schema {current}, which this version does not know: take it back with the version that "
            "made it."
        )
    before = known[: known.index(current)]
    if wanted is None:
        return before[-1] if before else BASE
    if wanted not in before:
        possible = ", ".join(before) or "none"
        raise NoSuchStep(f"Schema {wanted} does not lie before {current}. There are: {possible}.")
    return wanted


def losses(url: URL, target: str) -> Sequence[Loss]:
    """What a downgrade would take away: found out by doing it and taking that back."""
    found: list[Loss] = []
    with suppress(_TriedOut), alone_with(url) as connection:
        before = _columns(connection)
        rows = counted(connection, before)
        filled = {name: _filled(connection, name, columns) for name, columns in before.items()}
        take_back(connection, target)
        after = _columns(connection)
        for name, columns in before.items():
            if name not in after:
                found.append(Loss(name, None, rows[name]))
            else:
                found += [Loss(name, one, filled[name][one]) for one in columns if one not in after[name]]
        raise _TriedOut
    return found


def downgrade(url: URL, target: str) -> None:
    """Take the schema back.

    Raises:
        DatabaseUnreachable: it cannot be opened.
    """
    with alone_with(url) as connection:
        take_all_tables(connection)
        take_back(connection, target)


def downgrade_unused(url: URL, target: str, now: datetime, is_dead: IsDead) -> None:
    """The same, unless somebody works with the database.

    Raises:
        InUse: somebody does, and nothing was changed.
    """
    with alone_with(url) as connection:
        refuse_if_used(connection, now, is_dead)
        take_back(connection, target)


def _columns(connection: Connection) -> dict[str, list[str]]:
    look = inspect(connection)
    names = [name for name in look.get_table_names() if name != "alembic_version"]
    return {name: [one["name"] for one in look.get_columns(name)] for name in sorted(names)}


def _filled(connection: Connection, name: str, columns: Sequence[str]) -> dict[str, int]:
    """In how many rows of a table each column holds anything."""
    source = table(name, *(column(one) for one in columns))
    row = connection.execute(select(*(func.count(source.c[one]) for one in columns)).select_from(source)).one()
    return dict(zip(columns, row, strict=True))
