"""What was found out about model providers, for everybody and over restarts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.inserting import insert
from storage.models import ProviderRow
from storage.models.base import table_of
from storage.records import Failure
from storage.runs import changed_rows


@dataclass(frozen=True, slots=True)
class KnownOfProviders:
    """`most_prompt_tokens`: what all of them read of a prompt, where one was seen to read less than it was sent."""

    most_prompt_tokens: int | None
    blocked_models: frozenset[str]


_PROVIDER = table_of(ProviderRow).c
_KNOWN = select(_PROVIDER.name, _PROVIDER.model, _PROVIDER.most_prompt_tokens, _PROVIDER.failed_at).where(
    or_(
        _PROVIDER.name.in_(bindparam("names", expanding=True)), _PROVIDER.model.in_(bindparam("models", expanding=True))
    )
)


async def block(session: AsyncSession, name: str, model: str, failure: Failure, now: datetime) -> None:
    """Nothing works there until somebody acts."""
    values = {
        "failure": {"message_id": failure.message_id, "params": dict(failure.params)},
        "failed_at": now,
    }
    statement = insert(session, ProviderRow).values(name=name, model=model, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


async def works(session: AsyncSession, model: str) -> bool:
    """The model has answered, whoever provides it now. True: it had been blocked."""
    result = await session.execute(
        update(ProviderRow)
        .where(ProviderRow.model == model, ProviderRow.failed_at.is_not(None))
        .values(failure=None, failed_at=None)
    )
    return changed_rows(result) > 0


async def blocked(session: AsyncSession, models: Collection[str]) -> Mapping[str, Failure]:
    """Why these models do not work, of those that do not; the last word of each."""
    query = (
        select(ProviderRow.model, ProviderRow.failure)
        .where(ProviderRow.model.in_(sorted(models)), ProviderRow.failed_at.is_not(None))
        .order_by(ProviderRow.failed_at)
    )
    return {
        model: Failure(failure["message_id"], failure["params"])
        for model, failure in await session.execute(query)
        if failure
    }


async def note_cut(session: AsyncSession, name: str, model: str, most_prompt_tokens: int) -> bool:
    """The provider reads so many tokens of a prompt at most. False: that, or less, was known."""
    statement = insert(session, ProviderRow).values(name=name, model=model, most_prompt_tokens=most_prompt_tokens)
    is_less = or_(ProviderRow.most_prompt_tokens.is_(None), ProviderRow.most_prompt_tokens > most_prompt_tokens)
    statement = statement.on_conflict_do_update(
        index_elements=["name"], set_={"most_prompt_tokens": most_prompt_tokens}, where=is_less
    )
    changed = await session.execute(statement.returning(ProviderRow.name))
    return changed.scalar_one_or_none() is not None


async def known(session: AsyncSession, names: Collection[str], models: Collection[str]) -> KnownOfProviders:
    """About the providers of these names, and which of these models are blocked, whoever provides them."""
    rows = (await session.execute(_KNOWN, {"names": sorted(names), "models": sorted(models)})).all()
    seen = [row.most_prompt_tokens for row in rows if row.name in names and row.most_prompt_tokens is not None]
    blocked = frozenset(row.model for row in rows if row.failed_at is not None)
    return KnownOfProviders(min(seen, default=None), blocked)
