"""Which posts share a model call: few, small enough for the model's server, and none with a post that gives orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.ports import Brief
from pipeline.stages.batching import pack
from pipeline.stages.orders import speaks_to_models
from pipeline.stages.prompt_room import Room
from pipeline.stages.prompting import post_tokens
from pipeline.toolbox import Toolbox
from storage import providers
from storage.providers import KnownOfProviders
from storage.records import PublicBot


async def room_for(session: AsyncSession, tools: Toolbox, brief: Brief) -> Room:
    """How much of a prompt the providers read."""
    return Room.of(brief, (await known_of_providers(session, tools)).most_prompt_tokens)


async def known_of_providers(session: AsyncSession, tools: Toolbox) -> KnownOfProviders:
    names, models = zip(*((provider.name, provider.model.name) for provider in tools.providers), strict=True)
    return await providers.known(session, names, models)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A post as packing needs it: what it adds to a prompt, and whether it is to share none with others."""

    post_id: int
    tokens: int
    is_alone: bool


def weighed(texts: Mapping[int, str]) -> list[Weighed]:
    """These posts, given by id, in their order; nearly half a second for a thousand."""
    return [Weighed(post_id, post_tokens(text), speaks_to_models(text)) for post_id, text in texts.items()]


def packed(tools: Toolbox, bot: PublicBot, room: Room, posts: Sequence[Weighed]) -> list[tuple[int, ...]]:
    """Batches of these posts, by id, in their order."""
    settings = tools.settings.digest
    max_tokens = settings.max_batch_tokens if room.posts is None else min(settings.max_batch_tokens, room.posts)
    sizes = [(one.post_id, one.tokens) for one in posts]
    alone = {one.post_id for one in posts if one.is_alone}
    return pack(sizes, bot.spec.batch_size or settings.batch_size, max_tokens, alone)
