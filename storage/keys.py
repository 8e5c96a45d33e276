"""Looking up many rows by their keys: one list as one parameter, and an index is asked for each key in it.

Which index is PostgreSQL's choice: see `posts.take_stock`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, Select, Text, cast, func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute


def with_keys(
    session: AsyncSession, query: Select[*tuple[Any, ...]], column: InstrumentedAttribute[str], keys: Sequence[str]
) -> Select[*tuple[Any, ...]]:
    """The rows of the query whose column holds one of these keys."""
    if session.get_bind().dialect.name == "sqlite":
        listed = func.json_each(json.dumps(keys)).table_valued("value")
        return query.where(column.in_(select(listed.c.value)))
    listed = func.json_array_elements_text(cast(literal(json.dumps(keys), Text()), JSON)).table_valued(
        "value", name="keys"
    )
    found = query.where(column == listed.c.value).offset(0).lateral()  # the offset keeps it from being turned round
    return select(*found.c).select_from(listed).join(found, true())
