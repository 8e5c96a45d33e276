"""The pool of public bots: any number of them, each on its own, while the process runs on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from pipeline.services import reading
from storage import public_bots
from storage.records import BotToken
from telegram_bot import bot_pool, first_contacts, public_bot_server
from tests.bot.desk import BOT_ID, eventually, utc_now
from tests.bot.library import SECRET, Library
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_limits import Limits
from tests.servers.telegram_people import Person
from tests.servers.telegram_server import TelegramServer
from tests.support import make_spec

READER = 501


@pytest.fixture
def reader(telegram: TelegramServer) -> Person:
    return telegram.user(READER, "Rita", "en")


async def answers(library: Library, reader: Person, *slugs: str) -> None:
    """Each of these bots is being served."""
    for slug in slugs:
        assert (await library.ask(reader, "/help", slug)).bot_id == library.telegram_id(slug)


def polls(telegram: TelegramServer, library: Library, slug: str) -> int:
    return len([call for call in telegram.calls_of("getUpdates") if call.bot_id == library.telegram_id(slug)])


async def quiet(telegram: TelegramServer, library: Library, slug: str) -> None:
    """Nobody polls for this bot during ten looks."""
    before = polls(telegram, library, slug)
    await asyncio.sleep(10 * bot_pool.LOOK_EVERY_S)
    assert polls(telegram, library, slug) == before


async def pause(library: Library, slug: str, is_paused: bool) -> None:
    bot = await library.bot(slug)
    async with library.database.write() as session:
        assert await public_bots.set_paused(session, bot.id, utc_now(), is_paused=is_paused)


async def served_bots(library: Library, number: int) -> None:
    """Wait until so many bots are served, and no other is about to end."""

    async def count() -> int:
        return len(library.pool._places) + len(library.pool._ending)

    await eventually(count, number)


async def test_thirty_bots_are_served_side_by_side(
    library: Library, telegram: TelegramServer, reader: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_contacts, "PER_MINUTE", 30)
    slugs = [f"bot-{number}" for number in range(30)]
    await library.open(*slugs)
    await library.start()
    await library.served(*slugs)
    for slug in slugs:
        await reader.send(library.token(slug), "/start")
    await telegram.wait_for(lambda: len({message.bot_id for message in telegram.sent}) == 30)
    assert len(telegram.calls_of("getMe")) == 30
    bot = await library.bot("bot-7")
    assert (bot.telegram_id, bot.username) == (library.telegram_id("bot-7"), "bot-7_bot")


async def test_the_menu_of_each_bot_is_set_in_both_languages(library: Library, telegram: TelegramServer) -> None:
    await library.open("city", language="ru")
    await library.start()
    await library.served("city")
    menus = {
        key[1]: [one["command"] for one in menu] for key, menu in telegram.bot(library.token("city")).commands.items()
    }
    assert menus == {key: ["latest", "topics", "language", "stop", "forget", "help"] for key in ("", "en", "ru")}
    default = telegram.bot(library.token("city")).commands['{"type": "default"}', ""]
    assert default[0]["description"] == "последний дайджест ещё раз"


async def test_a_revoked_token_stops_its_own_bot_alone_and_operators_are_told_once(
    library: Library, telegram: TelegramServer, reader: Person
) -> None:
    await library.open("city", "parks")
    await library.start()
    await library.served("city", "parks")
    await telegram.revoke_token(library.token("city"))
    await library.has_fault("city", "bots.token_refused")
    await quiet(telegram, library, "city")
    (fault,) = await library.reported()
    assert (fault.message_id, fault.public_bot_id) == ("bots.token_refused", (await library.bot("city")).id)
    await answers(library, reader, "parks")
    await library.stop()
    await library.start()
    await answers(library, reader, "parks")
    assert len(await library.reported()) == 1


@pytest.mark.parametrize("token", ["no token at all", "77:unknown-to-telegram"])
async def test_what_is_no_token_is_refused_and_the_others_go_on(library: Library, reader: Person, token: str) -> None:
    await library.open("city")
    await library.apply(make_spec("parks"), token)
    await library.start()
    await library.has_fault("parks", "bots.token_refused")
    await answers(library, reader, "city")


async def test_a_bot_whose_token_was_refused_starts_when_it_gets_a_new_one(
    library: Library, telegram: TelegramServer, reader: Person
) -> None:
    await library.open("city")
    await library.start()
    await library.served()
    await telegram.revoke_token(library.token("city"))
    await library.has_fault("city", "bots.token_refused")
    telegram.register_bot(f"{library.telegram_id('city')}:{SECRET}-new", library.telegram_id("city"), "city_bot")
    await library.apply(make_spec("city"), f"{library.telegram_id('city')}:{SECRET}-new")
    library.token = lambda slug: f"{library.telegram_id(slug)}:{SECRET}-new"  # type: ignore[method-assign]
    await answers(library, reader, "city")
    assert (await library.bot("city")).token_fault is None


async def test_a_refusal_of_the_old_token_is_not_held_against_the_new_one(library: Library) -> None:
    await library.open("city")
    bot = await library.bot("city")
    async with library.database.read() as session:
        (old,) = await public_bots.to_serve(session)
    await library.apply(make_spec("city"), library.token("city"))
    async with library.database.write() as session:
        assert not await public_bots.set_token_fault(session, bot.id, "bots.token_refused", old.encrypted)
    assert (await library.bot("city")).token_fault is None


async def test_bots_come_pause_and_return_while_the_process_runs(
    library: Library, telegram: TelegramServer, reader: Person
) -> None:
    await library.start()
    await library.open("city")
    await answers(library, reader, "city")
    await pause(library, "city", True)
    await served_bots(library, 0)
    await quiet(telegram, library, "city")
    await reader.send(library.token("city"), "/help")
    await pause(library, "city", False)
    await telegram.wait_for(lambda: len(library.sent_to(reader)) == 2)
    await library.open("parks")
    await answers(library, reader, "city", "parks")
    async with library.database.write() as session:
        await public_bots.apply(session, replace(make_spec("parks"), token_env=None), None, utc_now())
    await served_bots(library, 1)
    await quiet(telegram, library, "parks")


async def test_a_token_that_is_applied_again_interrupts_nobody(
    library: Library, telegram: TelegramServer, reader: Person, caplog: pytest.LogCaptureFixture
) -> None:
    await library.open("city")
    await library.start()
    await library.served()
    await library.apply(make_spec("city", title="Another title"), library.token("city"))
    await quiet(telegram, library, "city")
    assert "not served any more" not in caplog.text
    assert "Another title" in (await library.ask(reader, "/help")).text
    assert len(telegram.calls_of("getMe")) == 1


async def test_a_bot_that_is_known_starts_at_once_and_new_ones_keep_the_pace(
    library: Library, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_contacts, "PER_MINUTE", 2)
    monkeypatch.setattr(first_contacts, "WINDOW_S", 0.3)
    slugs = [f"new-{number}" for number in range(5)]
    await library.open("known", *slugs)
    bot = await library.bot("known")
    async with library.database.write() as session:
        await public_bots.set_identity(session, bot.id, library.telegram_id("known"), "known_bot")
    await library.start()
    await library.served("known", *slugs)
    met = [call.time for call in telegram.calls_of("getMe")]
    assert len(met) == 5
    assert all(third - first >= 0.29 for first, third in zip(met, met[2:], strict=False))
    first_poll = min(
        call.time for call in telegram.calls_of("getUpdates") if call.bot_id == library.telegram_id("known")
    )
    assert first_poll < met[2]


async def test_telegrams_own_limit_on_new_tokens_is_obeyed(library: Library, telegram: TelegramServer) -> None:
    telegram.limits = Limits(new_tokens_per_minute=20)
    slugs = [f"bot-{number}" for number in range(20)]
    await library.open(*slugs)
    await library.start()
    await library.served(*slugs)
    assert {call.status for call in telegram.calls} <= {200, None}


async def test_a_flood_at_the_first_contact_is_waited_for_by_all_new_ones(
    library: Library, telegram: TelegramServer
) -> None:
    floods = iter([Fault.flood(1)])
    telegram.fault = lambda call: next(floods, None) if call.method == "getMe" else None
    await library.open("city")
    await library.start()
    await library.served()
    assert not telegram.early_calls
    first, second = [call.time for call in telegram.calls_of("getMe")]
    assert second - first >= 1.0


async def test_a_lost_key_stops_all_bots_with_one_word_to_the_operators_and_no_crash_loop(
    library: Library, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bot_pool, "TRY_KEY_EVERY_S", 0.02)
    await library.open("city", "parks")
    library.key = "another key"
    await library.start()
    for slug in ("city", "parks"):
        await library.has_fault(slug, "bots.secret_key_lost")
    await asyncio.sleep(10 * bot_pool.LOOK_EVERY_S)
    (fault,) = await library.reported()
    assert (fault.message_id, fault.public_bot_id) == ("bots.secret_key_lost", None)
    assert not telegram.calls
    assert len([one for one in caplog.records if one.levelname == "ERROR"]) == 2


async def test_bots_start_by_themselves_when_their_key_is_back(
    library: Library, reader: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot_pool, "TRY_KEY_EVERY_S", 0.05)
    await library.open("city")
    library.key = "another key"
    await library.start()
    await library.has_fault("city", "bots.secret_key_lost")
    library.key = "the right key"
    await answers(library, reader, "city")
    assert (await library.bot("city")).token_fault is None


async def test_two_public_bots_cannot_be_the_same_telegram_bot(library: Library, reader: Person) -> None:
    await library.open("city")
    await library.start()
    await library.served()
    await library.apply(make_spec("double"), library.token("city"))
    await library.has_fault("double", "bots.token_twice")
    await answers(library, reader, "city")
    async with library.database.write() as session:
        await public_bots.apply(session, replace(make_spec("city"), token_env=None), None, utc_now())
    await library.apply(make_spec("double"), library.token("city"))
    await library.has_fault("double", None)

    async def telegram_id() -> int:
        return (await library.bot("double")).telegram_id or 0

    await eventually(telegram_id, library.telegram_id("city"))
    assert (await library.ask(reader, "/help", "city")).text.startswith("City news")


async def test_two_public_bots_can_change_places(library: Library, reader: Person) -> None:
    await library.open("city", "parks")
    await library.start()
    await library.served("city", "parks")
    city, parks = library.token("city"), library.token("parks")
    await library.apply(make_spec("city", title="City news"), parks)
    await library.apply(make_spec("parks", title="Parks only"), city)
    async with asyncio.timeout(5):
        while "Parks only" not in (await library.ask(reader, "/help", "city")).text:
            await asyncio.sleep(0.02)
    assert not await library.reported()


async def test_the_newsrooms_own_token_is_refused(library: Library, telegram: TelegramServer) -> None:
    telegram.register_bot(f"{BOT_ID}:{SECRET}", BOT_ID, "digest_bot")
    await library.apply(make_spec("city"), f"{BOT_ID}:{SECRET}")
    await library.start()
    await library.has_fault("city", "bots.token_of_admin")
    assert not telegram.calls
    (fault,) = await library.reported()
    assert fault.message_id == "bots.token_of_admin"


async def test_a_bug_in_one_bot_is_tried_again_and_touches_no_other(
    library: Library, reader: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    serve, failures = public_bot_server.PublicBotServer.serve, 2

    async def fail_at_first(self: public_bot_server.PublicBotServer, token: BotToken) -> None:
        nonlocal failures
        if token.slug == "parks" and failures:
            failures -= 1
            raise RuntimeError("a bug")
        await serve(self, token)

    monkeypatch.setattr(public_bot_server.PublicBotServer, "serve", fail_at_first)
    await library.open("city", "parks")
    await library.start()
    await answers(library, reader, "city", "parks")
    failed = [one for one in caplog.records if one.getMessage() == "The public bot cannot be served; trying again."]
    assert len(failed) == 2
    (fault,) = await library.reported()
    assert (fault.message_id, fault.params) == ("faults.serving_bug", {"id": vars(failed[0])["error_id"]})


async def test_telegram_in_trouble_is_waited_for_without_a_fault(
    library: Library, telegram: TelegramServer, reader: Person, caplog: pytest.LogCaptureFixture
) -> None:
    troubles = iter([Fault.html(502), Fault.drop(), Fault.error(500, "Internal Server Error")])
    telegram.fault = lambda call: next(troubles, None) if call.method == "getMe" else None
    await library.open("city")
    await library.start()
    await answers(library, reader, "city")
    assert not await library.reported()
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


async def test_a_stop_lets_handlers_finish_and_confirms_their_updates(
    library: Library, telegram: TelegramServer, reader: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, gate = asyncio.Event(), asyncio.Event()

    async def slow_stop(*args: object, **kwargs: object) -> bool:
        began.set()
        await gate.wait()
        return True

    monkeypatch.setattr(reading, "stop", slow_stop)
    await library.open("city")
    await library.start()
    await library.served()
    await reader.send(library.token("city"), "/stop")
    await began.wait()
    stopping = asyncio.create_task(library.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    gate.set()
    await stopping
    assert "No more digests" in library.sent_to(reader)[0].text
    assert not telegram.bot(library.token("city")).updates


async def test_the_pace_of_first_contacts_counts_any_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_contacts, "PER_MINUTE", 3)
    monkeypatch.setattr(first_contacts, "WINDOW_S", 0.1)
    pace = first_contacts.FirstContacts()
    loop = asyncio.get_running_loop()
    times: list[float] = []

    async def come() -> None:
        await pace.wait()
        times.append(loop.time())

    await asyncio.gather(*(come() for _ in range(9)))
    assert all(later - earlier >= 0.1 for earlier, later in zip(times, times[3:], strict=False))
    assert times[-1] - times[0] < 1
    pace.pause(0.2)
    told_at = loop.time()
    await come()
    assert times[-1] - told_at >= 0.2
    assert all(later >= earlier for earlier, later in pairwise(times))
