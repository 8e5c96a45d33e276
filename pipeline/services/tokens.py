"""Asking Telegram about the tokens of many public bots, at a pace that a Bot API server allows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.checks.seen import AccountSeen, AccountState, HttpProbe
from pipeline.errors import ForPeople
from storage.records import BotToken

AT_A_TIME = 8
NEW_ONES = 10  # of the twenty a minute that a server admits: the bot itself may need the others


@dataclass(frozen=True, slots=True)
class Asked:
    """`unreadable` are the slugs of those whose token cannot be decrypted; `askable` how many others there are."""

    unreadable: tuple[str, ...]
    askable: int


async def ask_public_bots(
    tokens: Sequence[BotToken],
    decrypt: Callable[[str], str],
    http: HttpProbe,
    seen: dict[str, AccountSeen],
    within_s: float,
) -> Asked:
    """Put into `seen` what Telegram says of each, by slug, as far as the time goes; of tokens that it may not know yet
    only a few are shown to it, and none any more once it asks to wait."""
    opened, unreadable = {}, []
    for token in tokens:
        try:
            opened[token.slug] = decrypt(token.encrypted)
        except ForPeople:
            unreadable.append(token.slug)
    known = [token.slug for token in tokens if token.slug in opened and token.telegram_id is not None]
    new = [token.slug for token in tokens if token.slug in opened and token.telegram_id is None][:NEW_ONES]
    turn = asyncio.Semaphore(AT_A_TIME)

    async def ask(slug: str) -> None:
        async with turn:
            if not any(one.state is AccountState.TOLD_TO_WAIT for one in seen.values()):
                seen[slug] = await http.look(opened[slug])

    try:
        async with asyncio.timeout(within_s):
            await asyncio.gather(*(ask(slug) for slug in (*known, *new)))
    except TimeoutError:
        pass
    return Asked(tuple(unreadable), len(opened))
