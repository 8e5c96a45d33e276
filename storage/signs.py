"""Who works with a database now, whatever its schema is: asked before it is changed as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, column, inspect, select, table

from storage.models import UtcDateTime

SILENT_AFTER = timedelta(seconds=5)  # a worker gives a sign of life every second

IsDead = Callable[[str], bool]  # whether the process that this owner names has certainly ended


@dataclass(frozen=True, slots=True)
class Sign:
    """Somebody who works with the database: a worker, or who holds a role (`owner` is then that process)."""

    name: str
    owner: str | None = None


class InUse(Exception):
    """Processes work with the database; the message says which, and what to do."""

    def __init__(self, signs: Sequence[Sign]) -> None:
        names = ", ".join(sign.name for sign in signs)
        super().__init__(
            f"Processes work with this database ({names}): stop the bot and all workers first. "
            "Where one has crashed, wait 20 seconds."
        )


def refuse_if_used(connection: Connection, now: datetime, is_dead: IsDead) -> None:
    """Raises: InUse."""
    if signs := signs_of_life(connection, now, is_dead):
        raise InUse(signs)


def signs_of_life(connection: Connection, now: datetime, is_dead: IsDead) -> Sequence[Sign]:
    """Who has said lately that they work with this database; only columns that every schema has are read."""
    there = set(inspect(connection).get_table_names())
    found = []
    if "workers" in there:
        workers = table("workers", column("name"), column("seen_at", UtcDateTime()))
        query = select(workers.c.name).where(workers.c.seen_at > now - SILENT_AFTER).order_by(workers.c.name)
        found += [Sign(name) for name in connection.execute(query).scalars()]
    if "leases" in there:
        leases = table("leases", column("name"), column("owner"), column("until", UtcDateTime()))
        held = select(leases.c.name, leases.c.owner).where(leases.c.until > now).order_by(leases.c.name)
        found += [Sign(name, owner) for name, owner in connection.execute(held) if not is_dead(owner)]
    return found
