"""What becomes of a public bot's identity when its token is applied."""

from __future__ import annotations

import pytest

from pipeline.adapters.token_box import TokenBox
from pipeline.services.applying import apply_bots
from storage import public_bots
from storage.database import Database
from storage.records import PublicBot
from tests.support import make_spec, make_tools

BOX = TokenBox("the key")


async def apply(database: Database, token: str) -> PublicBot:
    await apply_bots(make_tools(database), [make_spec(token_env="CITY_TOKEN")], lambda: BOX, lambda name: token or None)
    async with database.read() as session:
        bot = await public_bots.by_slug(session, "city")
    assert bot is not None
    return bot


@pytest.mark.parametrize(
    ("token", "is_known"),
    [("42:AAA", True), ("42:another-secret", True), ("", True), ("43:AAA", False), ("no token at all", False)],
)
async def test_a_bot_is_known_until_it_gets_the_token_of_another_one(
    database: Database, token: str, is_known: bool
) -> None:
    bot = await apply(database, "42:AAA")
    async with database.write() as session:
        await public_bots.set_identity(session, bot.id, 42, "city_bot")
    bot = await apply(database, token)
    assert (bot.telegram_id, bot.username) == ((42, "city_bot") if is_known else (None, None))


async def test_a_token_that_is_applied_takes_back_what_was_said_of_the_old_one(database: Database) -> None:
    bot = await apply(database, "42:AAA")
    async with database.write() as session:
        await public_bots.set_token_fault(session, bot.id, "bots.token_refused")
    assert (await apply(database, "")).token_fault == "bots.token_refused"
    assert (await apply(database, "42:AAA")).token_fault is None
