"""Public bots from a file into the database and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.adapters.token_box import TokenBox
from pipeline.stages.schedule import next_due
from pipeline.toolbox import Toolbox
from storage import operators, public_bots
from storage.records import COMMAND_LINE, ActionKind, PublicBot, PublicBotSpec


@dataclass(frozen=True, slots=True)
class AppliedBot:
    """What was done with one public bot. `missing_token` names the variable that was empty; its next digest is due at
    `next_due`, seen in `timezone`, unless it has no schedule or is paused."""

    slug: str
    is_new: bool
    new_sources: tuple[str, ...]
    missing_token: str | None
    timezone: str
    next_due: datetime | None


async def apply_bots(
    tools: Toolbox,
    specs: Sequence[PublicBotSpec],
    open_box: Callable[[], TokenBox],
    variable: Callable[[str], str | None],
) -> Sequence[AppliedBot]:
    """Create or update all of them, or none. A token whose variable is empty keeps its stored value."""
    tokens = {spec.slug: variable(spec.token_env) for spec in specs if spec.token_env}
    box = open_box() if any(tokens.values()) else None
    applied = []
    async with tools.database.write() as session:
        for spec in specs:
            token = tokens.get(spec.slug)
            encrypted = box.encrypt(token) if box and token else None
            before = await public_bots.by_slug(session, spec.slug)
            done = await public_bots.apply(session, spec, encrypted, tools.now(), _owner(token))
            after = await public_bots.by_slug(session, spec.slug)
            if after is not None and (after != before or encrypted is not None):
                await operators.write_down(
                    session, COMMAND_LINE, ActionKind.APPLY_BOT, tools.now(), public_bot_id=after.id
                )
            missing = spec.token_env if spec.token_env and not token else None
            coming = _next_due(after, tools.now()) if after is not None else None
            applied.append(AppliedBot(spec.slug, done.is_new, done.new_sources, missing, spec.timezone, coming))
    return applied


async def export_bots(tools: Toolbox) -> Sequence[PublicBotSpec]:
    async with tools.database.read() as session:
        return [bot.spec for bot in await public_bots.everyone(session)]


def _next_due(bot: PublicBot, now: datetime) -> datetime | None:
    if bot.spec.schedule is None or bot.is_paused:
        return None
    return next(iter(next_due(bot.spec.schedule, bot.spec.timezone, now, 1)), None)


def _owner(token: str | None) -> int | None:
    """A bot's id, which is the part of its token before the colon."""
    number = (token or "").partition(":")[0]
    return int(number) if number.isascii() and number.isdecimal() else None
