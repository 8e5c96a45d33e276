"""Public bots from a file into the database and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.adapters.token_box import TokenBox
from pipeline.toolbox import Toolbox
from storage import public_bots
from storage.records import PublicBotSpec


@dataclass(frozen=True, slots=True)
class AppliedBot:
    """What was done with one public bot; `missing_token` names the variable that was empty."""

    slug: str
    is_new: bool
    new_sources: tuple[str, ...]
    missing_token: str | None


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
            done = await public_bots.apply(session, spec, encrypted, tools.now())
            missing = spec.token_env if spec.token_env and not token else None
            applied.append(AppliedBot(spec.slug, done.is_new, done.new_sources, missing))
    return applied


async def export_bots(tools: Toolbox) -> Sequence[PublicBotSpec]:
    async with tools.database.read() as session:
        return [bot.spec for bot in await public_bots.everyone(session)]
