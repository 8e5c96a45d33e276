"""Taking over from the program that made digests before, and giving back to it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.services.importing import import_file
from pipeline.services.starting import find_bot, list_bots
from pipeline.sources.predecessor import Leftover, OldFlag, OldPost, read_flags, read_posts
from pipeline.sources.predecessor.names import channel_name
from pipeline.stages.matching import Index, Match
from pipeline.toolbox import Toolbox
from storage import adopting
from storage.posts import Stored, text_hash
from storage.records import GivenPost, PublicBot

UNKNOWN_POST = "no such post is stored: take over the posts first, then the flags again"
AMBIGUOUS = "several posts have this id: only a link or a channel would tell which"


@dataclass
class Adopted:
    """What was, or would be, taken over under each name, and everything that was not."""

    taken: dict[str, int] = field(default_factory=dict)
    already: dict[str, int] = field(default_factory=dict)
    left: list[Leftover] = field(default_factory=list)
    fields_not_taken: Counter[str] = field(default_factory=Counter)


async def adopt_posts(
    tools: Toolbox, path: Path, *, table: str | None = None, source: str | None = None, dry_run: bool = False
) -> Adopted:
    """Store the posts of an old cache, each channel under a source of its name, or all of them under `source`.

    Doing it again stores nothing twice.

    Raises:
        BrokenFile: the file cannot be read; nothing of it was stored.
    """
    adopted, posts = Adopted(), []
    for one in await asyncio.to_thread(lambda: list(read_posts(path, table))):
        if isinstance(one, Leftover):
            adopted.left.append(one)
        else:
            posts.append(one)
            adopted.fields_not_taken.update(one.not_taken)
    for name, its_posts in _by_source(posts, source).items():
        if dry_run:
            adopted.taken[name] = len(its_posts)
            continue
        stored = await _import(tools, name, its_posts, has_own_source=source is None)
        adopted.taken[name] = stored.new + stored.updated
        adopted.already[name] = stored.unchanged
    return adopted


def _by_source(posts: Iterable[OldPost], source: str | None) -> Mapping[str, Sequence[OldPost]]:
    found: dict[str, list[OldPost]] = {}
    for post in posts:
        found.setdefault(source or post.channel, []).append(post)
    return found


async def _import(tools: Toolbox, name: str, posts: Sequence[OldPost], *, has_own_source: bool) -> Stored:
    """By the way that all files of posts go. In a source of several channels, each post names its own."""
    first = posts[0]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "posts.jsonl"
        lines = (_line(post, names_channel=not has_own_source) for post in posts)
        await asyncio.to_thread(path.write_text, "".join(lines), encoding="utf-8")
        report = await import_file(
            path,
            name,
            database=tools.database,
            now=tools.now,
            title=first.title if has_own_source else None,
            username=first.username if has_own_source else None,
        )
    return Stored(report.new, report.updated, report.unchanged)


def _line(post: OldPost, *, names_channel: bool) -> str:
    message = {key: value for key, value in post.message.items() if value is not None}
    if names_channel:
        message["channel"] = post.channel
    return json.dumps(message, ensure_ascii=False) + "\n"


async def adopt_flags(
    tools: Toolbox, path: Path, *, table: str | None = None, slugs: Sequence[str] = (), dry_run: bool = False
) -> Adopted:
    """Mark the posts that the old program had given, so that no reader is given them again: for the public bots that
    the file names, those of `slugs` where it names none, all where there are none of these either.

    Doing it again changes nothing.

    Raises:
        BrokenFile: the file cannot be read. ForPeople: there is no such public bot, or none at all.
    """
    bots = {bot.slug: bot for bot in await list_bots(tools)}
    chosen = [(await find_bot(tools, slug)).slug for slug in slugs] or list(bots)
    flags = await asyncio.to_thread(lambda: list(read_flags(path, table)))
    async with tools.database.read() as session:
        index = Index(await adopting.known_posts(session))
    adopted = Adopted(left=[one for one in flags if isinstance(one, Leftover)])
    given = _given([one for one in flags if isinstance(one, OldFlag)], index, bots, chosen, adopted, tools.now())
    for slug, its_posts in given.items():
        if dry_run:
            adopted.taken[slug] = len(its_posts)
            continue
        async with tools.database.write() as session:
            adopted.taken[slug] = await adopting.mark_given(session, bots[slug], its_posts, tools.now())
        adopted.already[slug] = len(its_posts) - adopted.taken[slug]
    return adopted


def _given(
    flags: Sequence[OldFlag],
    index: Index,
    bots: Mapping[str, PublicBot],
    chosen: Sequence[str],
    adopted: Adopted,
    now: datetime,
) -> Mapping[str, Mapping[int, datetime]]:
    """Of each public bot, the posts that were given and when; what fits none is left over."""
    names = {name.casefold(): slug for slug, bot in bots.items() for name in (slug, bot.title, bot.username or slug)}
    found: dict[str, dict[int, datetime]] = {}
    for flag in (_with_channel(flag, index, names) for flag in flags):
        match = _find(flag, index)
        if not match.ids:
            why = AMBIGUOUS if match.is_ambiguous else UNKNOWN_POST
            adopted.left.append(Leftover(flag.where, f"{flag.reference}: {why}"))
            continue
        named = [names.get(name.removeprefix("@").casefold()) for name in flag.bots]
        if None in named:
            strange = ", ".join(name for name, slug in zip(flag.bots, named, strict=True) if slug is None)
            adopted.left.append(Leftover(flag.where, f"there is no public bot {strange}"))
        slugs = [slug for slug in named if slug] if flag.bots else chosen
        for slug in slugs:
            found.setdefault(slug, {}).update(dict.fromkeys(match.ids, flag.given_at or now))
    return found


def _find(flag: OldFlag, index: Index) -> Match:
    """An id that several posts have is looked for in the channel that is named like the flag's public bot, too."""
    match = index.find(flag.reference, text_hash)
    channels = [channel for name in flag.bots if (channel := channel_name(name)) and index.has_channel(channel)]
    if match.is_ambiguous and len(channels) == 1:
        return index.find(replace(flag.reference, channel=channels[0]), text_hash)
    return match


def _with_channel(flag: OldFlag, index: Index, bots: Mapping[str, str]) -> OldFlag:
    """A key above a post may name its channel as well as a public bot."""
    for name in flag.bots:
        channel = channel_name(name)
        if name.removeprefix("@").casefold() not in bots and channel and index.has_channel(channel):
            others = tuple(one for one in flag.bots if one != name)
            reference = replace(flag.reference, channel=flag.reference.channel or channel)
            return replace(flag, reference=reference, bots=others)
    return flag


async def given_by_us(tools: Toolbox, slugs: Sequence[str] = (), since: datetime | None = None) -> Sequence[GivenPost]:
    """What readers were given by this program: not what was taken over, nor what only operators saw.

    Raises:
        ForPeople: there is no such public bot, or none at all.
    """
    bots = [await find_bot(tools, slug) for slug in slugs] or await list_bots(tools)
    found: list[GivenPost] = []
    async with tools.database.read() as session:
        for bot in bots:
            found += await adopting.given_by_us(session, bot.id)
    return [one for one in found if since is None or one.given_at >= since]


def as_flags(given: Iterable[GivenPost]) -> str:
    """Flags as a JSON object: of each public bot, the posts that were sent. `adopt flags` reads it, too."""
    found: dict[str, dict[str, list[dict[str, str | None]]]] = {}
    for one in given:
        channel, _, number = one.post.external_id.rpartition("/")
        post = {
            "id": number,
            "channel": channel or one.post.username or one.post.source,
            "url": one.post.url,
            "sent_at": one.given_at.isoformat(),
        }
        found.setdefault(one.bot_slug, {"sent": []})["sent"].append(post)
    return json.dumps(found, ensure_ascii=False, indent=2)
