"""What all tables have in common: the types of their columns, and the names of their constraints."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, MetaData, Table, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored as UTC. SQLite keeps no zone: it is taken off on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], datetime | str | None]:
        """One call for a value instead of SQLAlchemy's three: what is stored in bulk has three times a row."""
        return _as_text if dialect.name == "sqlite" else _as_it_is

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def table_of(model: type[DeclarativeBase]) -> Table:
    """For statements past the ORM, which takes twice as long for each."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def in_utc(value: datetime) -> datetime:
    """The same time in UTC.

    Raises:
        ValueError: it has no zone.
    """
    if value.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be stored: {value}")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _as_it_is(value: datetime | None) -> datetime | None:
    return None if value is None else in_utc(value)


def _as_text(value: datetime | None) -> str | None:
    """As SQLAlchemy's own type writes it: such texts compare as their times do."""
    return None if value is None else in_utc(value).replace(tzinfo=None).isoformat(" ", "microseconds")


Json = JSON()
BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only where the type is INTEGER


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), str: Text()}  # noqa: RUF012 - SQLAlchemy's own attribute
