"""Finding the batch size for a public bot: what is to be asked about its newest posts, and keeping what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from pipeline.errors import ForPeople
from pipeline.ports import Brief, PostText
from pipeline.services.packing import packed, room_for, weighed
from pipeline.services.starting import find_bot
from pipeline.stages.answer_keys import answer_key
from pipeline.stages.briefs import categorization_brief
from pipeline.stages.prompt_room import Room, answer_tokens, fitted
from pipeline.stages.tuning import ONE_BY_ONE, Effort
from pipeline.toolbox import Provider, Toolbox
from storage import model_answers, operators, posts, public_bots, sampling
from storage.records import COMMAND_LINE, ActionKind, Post, PublicBot, Verdict, WorkKind


@dataclass(frozen=True, slots=True)
class Pass:
    """All posts in batches of one size, by id. `is_again`: one by one for the second time."""

    size: int
    batches: Sequence[tuple[int, ...]]
    is_again: bool = False

    @property
    def largest(self) -> int:
        return max(map(len, self.batches))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be asked, of the model's provider alone: an answer of its fallback would say nothing of it.

    `posts` are the newest distinct ones with a text, the oldest first; `wanted` is how many there were to be.
    """

    bot: PublicBot
    provider: Provider
    brief: Brief
    room: Room
    posts: Mapping[int, Post]
    wanted: int
    present_size: int
    passes: Sequence[Pass]

    @property
    def effort(self) -> Effort:
        """Rather too much than too little."""
        questions = [self.shown(batch) for one in self.passes for batch in one.batches]
        return Effort(
            calls=len(questions),
            input_tokens=sum(self.room.prompt_tokens(list(shown.values())) for shown in questions),
            output_tokens=sum(answer_tokens(WorkKind.CATEGORIZE, len(shown)) for shown in questions),
        )

    def shown(self, batch: Sequence[int]) -> Mapping[int, PostText]:
        """The posts of a batch as the model sees them, by id."""
        return {
            post_id: fitted(_post_text(f"p{number}", self.posts[post_id]), self.room)
            for number, post_id in enumerate(batch, 1)
        }


async def plan_tuning(tools: Toolbox, slug: str, sizes: Sequence[int], wanted: int, *, once: bool = False) -> Plan:
    """Look up the posts and put them into batches of each size, as runs do. One by one is always among the sizes, and
    twice unless it is to be `once`.

    Raises:
        ForPeople: there is no such public bot, or it has no sources or no post with a text.
    """
    bot = await find_bot(tools, slug)
    if not bot.spec.sources:
        raise ForPeople("digest.no_sources", slug=bot.slug)
    brief = categorization_brief(bot.spec)
    async with tools.database.read() as session:
        source_ids = await public_bots.source_ids(session, bot.id)
        newest = await sampling.newest_distinct(session, source_ids, wanted)
        found = await posts.by_ids(session, newest)
        room = await room_for(session, tools, brief)
    if not found:
        raise ForPeople("tune.no_posts", slug=bot.slug)
    in_order = {post.id: post for post in sorted(found.values(), key=lambda post: (post.published_at, post.id))}
    passes = await asyncio.to_thread(_passes, tools, bot, room, in_order, sizes, once)
    present_size = bot.spec.batch_size or tools.settings.digest.batch_size
    return Plan(bot, tools.providers[0], brief, room, in_order, wanted, present_size, passes)


def _passes(
    tools: Toolbox, bot: PublicBot, room: Room, found: Mapping[int, Post], sizes: Sequence[int], once: bool
) -> Sequence[Pass]:
    posts = weighed({post_id: post.text for post_id, post in found.items()})
    passes = []
    for size in sorted({ONE_BY_ONE, *sizes}):
        sized = replace(bot, spec=replace(bot.spec, batch_size=size))
        passes.append(Pass(size, packed(tools, sized, room, posts)))
        if size == ONE_BY_ONE and not once:
            passes.append(replace(passes[-1], is_again=True))
    return passes


async def keep_answers(tools: Toolbox, plan: Plan, verdicts: Mapping[int, Verdict]) -> None:
    """Let runs find what was answered one by one: it is paid for."""
    keep = {_key(plan, plan.posts[post_id]): asdict(verdict) for post_id, verdict in verdicts.items()}
    async with tools.database.write() as session:
        await model_answers.keep(session, keep, tools.now())


async def store_batch_size(tools: Toolbox, bot: PublicBot, size: int) -> bool:
    """Let the public bot's batches be of this size from now on. False: they are already."""
    now = tools.now()
    async with tools.database.write() as session:
        if not await public_bots.set_batch_size(session, bot.id, size, now):
            return False
        await operators.write_down(
            session, COMMAND_LINE, ActionKind.SET_BATCH_SIZE, now, public_bot_id=bot.id, size=size
        )
    return True


def _key(plan: Plan, post: Post) -> str:
    return answer_key(WorkKind.CATEGORIZE, plan.provider.model.name, plan.brief, _post_text("", post))


def _post_text(key: str, post: Post) -> PostText:
    return PostText(key=key, text=post.text, channel=post.source_title, published_at=post.published_at)
