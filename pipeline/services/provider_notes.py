"""What is learned of a provider while it works: stored for everybody, and told to the operators where they can help."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.errors import PromptCut
from pipeline.toolbox import Provider
from storage import operators, providers
from storage.records import Failure

SAFE_SHARE = 0.9


async def note_blocked(session: AsyncSession, provider: Provider, failure: Failure, now: datetime) -> None:
    """Nothing works there until somebody acts, and the operators are told so."""
    await providers.block(session, provider.name, provider.model.name, failure, now)
    await operators.report(session, failure.message_id, now, params=failure.params)


async def note_working(session: AsyncSession, provider: Provider, now: datetime) -> None:
    if await providers.works(session, provider.model.name):
        await operators.report(session, "model.works_again", now, params={"model": provider.model.name})


async def note_cut(session: AsyncSession, provider: Provider, cut: PromptCut, now: datetime) -> None:
    """Prompts are kept shorter from now on."""
    most = max(int(cut.read_tokens * SAFE_SHARE), 1)
    if await providers.note_cut(session, provider.name, provider.model.name, most):
        params: dict[str, str | int] = {"model": provider.model.name, "read": cut.read_tokens, "sent": cut.asked_tokens}
        await operators.report(session, "model.prompt_cut", now, params=params)
