"""A reader's day: they come, get the digest that an operator asks for, leave, and get no other."""

from __future__ import annotations

from pathlib import Path

from tests.processes import Installation
from tests.servers.telegram_server import TelegramServer
from tests.story.conftest import OPERATOR, TOKEN

PUBLIC_TOKEN = "4343:AAH-story-token-of-a-public-bot-0123456789abc"
PERIODS = ("2026-11-02..2026-11-02", "2026-11-03..2026-11-03")
READER, NEIGHBOUR = 501, 502
DEADLINE_S = 60.0
BOTS = """
[[public_bots]]
slug = "city"
title = "City news"
token_env = "CITY_TOKEN"
language = "en"
sources = ["wire"]
timezone = "UTC"
categorization_prompt = "For people who live here."
summarization_prompt = "Plain words."
[[public_bots.categories]]
name = "Transport"
description = "trams, buses"
"""


def prepare(installation: Installation, folder: Path) -> None:
    posts = [
        f'{{"id": {number}, "date": "2026-11-0{2 + number % 2}T10:{number:02}:00Z", "text": "Transport story {number}: '
        f'a tram on line {number} was repaired.", "url": "https://example.org/{number}"}}'
        for number in range(1, 9)
    ]
    (folder / "posts.jsonl").write_text("\n".join(posts))
    (folder / "bots.toml").write_text(BOTS)
    installation.environment["CITY_TOKEN"] = PUBLIC_TOKEN
    installation.environment["DIGEST_SECURITY__SECRET_KEY"] = "the secret key of a story"
    installation.pipeline("import", str(folder / "posts.jsonl"), "--source", "wire")
    installation.pipeline("bots", "apply", str(folder / "bots.toml"))


async def test_a_reader_comes_gets_a_digest_and_leaves(
    installation: Installation, telegram: TelegramServer, tmp_path: Path
) -> None:
    public = telegram.register_bot(PUBLIC_TOKEN, 4343, "city_news_bot")
    prepare(installation, tmp_path)
    installation.start_worker()
    installation.start_bot()
    anna = telegram.user(OPERATOR, "Anna")
    rita, noah = telegram.user(READER, "Rita"), telegram.user(NEIGHBOUR, "Noah")
    for reader in (rita, noah):
        await reader.send(PUBLIC_TOKEN, "/start")
        await telegram.wait_for(lambda chat=reader.id: telegram.messages(chat, public.id), timeout=DEADLINE_S)  # type: ignore[misc]

    def digests(chat: int, bot: int) -> int:
        return len([one for one in telegram.messages(chat, bot) if one.links])

    await anna.send(TOKEN, f"/digest city {PERIODS[0]}")
    await telegram.wait_for(lambda: digests(READER, public.id) and digests(NEIGHBOUR, public.id), timeout=DEADLINE_S)
    await telegram.wait_for(lambda: digests(OPERATOR, 4242), timeout=DEADLINE_S)
    (first,) = [one for one in telegram.messages(READER, public.id) if one.links]
    assert first.text in {one.text for one in telegram.messages(OPERATOR, 4242)}, "operators see what readers get"

    farewells = len(telegram.messages(READER, public.id))
    await rita.send(PUBLIC_TOKEN, "/stop")
    await telegram.wait_for(lambda: len(telegram.messages(READER, public.id)) > farewells, timeout=DEADLINE_S)
    ended = "Delivered to all 2 readers"
    await telegram.wait_for(
        lambda: any(ended in one.text for one in telegram.messages(OPERATOR, 4242)), timeout=DEADLINE_S
    )
    await anna.send(TOKEN, f"/digest city {PERIODS[1]}")
    await telegram.wait_for(lambda: digests(NEIGHBOUR, public.id) == 2, timeout=DEADLINE_S)
    await telegram.wait_for(lambda: digests(OPERATOR, 4242) == 2, timeout=DEADLINE_S)
    assert digests(READER, public.id) == 1
    for name in ("worker", "bot"):
        assert PUBLIC_TOKEN.partition(":")[2] not in installation.log(name)
