"""People who read a public bot in private: they come, stop, return, and look at the last digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text

from pipeline.errors import BrokerUnavailable
from pipeline.services import reading
from storage import invitations, public_bots, subscribers
from storage.records import Invitation, RunState, SubscriberState, Unreached
from tests.bot.desk import eventually, utc_now
from tests.bot.library import Library
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_people import Person
from tests.servers.telegram_server import TelegramServer

RITA, RUSLAN = 501, 502
LONG = " It was a long day for everybody who waited at the stop in the rain." * 12


@pytest.fixture
def rita(telegram: TelegramServer) -> Person:
    return telegram.user(RITA, "Rita", "en")


@pytest.fixture
def ruslan(telegram: TelegramServer) -> Person:
    return telegram.user(RUSLAN, "Ruslan", "ru")


@pytest.fixture
async def city(library: Library) -> Library:
    """One public bot that is being served."""
    await library.open("city", timezone="Europe/Berlin")
    await library.start()
    return library


async def state(library: Library, person: Person) -> str | None:
    reader = await library.subscriber(person.id)
    return f"{reader.state} {reader.reason or ''}".strip() if reader else None


async def becomes(library: Library, person: Person, expected: str) -> None:
    async def is_so() -> int:
        return await state(library, person) == expected

    await eventually(is_so, True)


async def invite(library: Library, origin: str, slug: str = "city") -> str:
    bot = await library.bot(slug)
    async with library.database.write() as session:
        invitation, _ = await invitations.invite(session, bot.id, origin, 7, utc_now())
    return invitation.code


async def invited(library: Library) -> list[Invitation]:
    bot = await library.bot()
    async with library.database.read() as session:
        return [*await invitations.of_bot(session, bot.id)]


async def test_start_brings_the_digests_and_says_what_comes_and_the_ways_out(city: Library, rita: Person) -> None:
    answer = await city.ask(rita, "/start")
    assert answer.text.startswith("City news\n\nWelcome! My digests come to you here from now on. They come whenever")
    assert all(command in answer.text for command in ("/latest", "/topics", "/language", "/stop", "/forget"))
    reader = await city.subscriber(RITA)
    assert reader is not None
    assert (reader.state, reader.language, reader.left_out) == (SubscriberState.ACTIVE, "en", ())


async def test_start_names_the_next_time_of_the_schedule(library: Library, ruslan: Person) -> None:
    await library.open("city", schedule="0 9 * * *", timezone="Europe/Berlin", language="ru")
    await library.start()
    answer = (await library.ask(ruslan, "/start")).text
    assert "Следующий — в 09:00" in answer
    assert "(Europe/Berlin)" in answer


async def test_a_reader_is_spoken_to_in_telegrams_language_else_in_the_bots(
    library: Library, telegram: TelegramServer, rita: Person
) -> None:
    await library.open("city", language="ru")
    await library.start()
    assert "Welcome!" in (await library.ask(rita, "/start")).text
    assert "Добро пожаловать!" in (await library.ask(telegram.user(503, "Greta", "de"), "/start")).text


async def test_pressing_start_twice_does_no_harm_and_says_so(city: Library, rita: Person) -> None:
    await city.ask(rita, "/start")
    assert "You get my digests here already." in (await city.ask(rita, "/start")).text
    assert await state(city, rita) == "active"


async def test_an_invitation_counts_where_its_readers_came_from(
    city: Library, telegram: TelegramServer, rita: Person, ruslan: Person
) -> None:
    await city.open("parks")
    paper, foreign = await invite(city, "paper"), await invite(city, "paper", "parks")
    await city.ask(rita, f"/start {paper}")
    await city.ask(ruslan, f"/start {paper}")
    await city.ask(rita, "/stop")
    others = (foreign, "no-such-code", "x" * 65, "'; --", "")
    for number, code in enumerate(others):
        await city.ask(telegram.user(600 + number, "Guest"), f"/start {code}")
    (counted,) = await invited(city)
    assert (counted.origin, counted.came, counted.reading) == ("paper", 2, 1)
    assert [await city.subscriber(600 + number) is not None for number in range(len(others))] == [True] * len(others)


async def test_a_reader_counts_for_the_invitation_they_first_came_with(city: Library, rita: Person) -> None:
    first, second = await invite(city, "first"), await invite(city, "second")
    await city.ask(rita, f"/start {first}")
    await city.ask(rita, "/stop")
    await city.ask(rita, f"/start {second}")
    assert [(one.origin, one.came, one.reading) for one in await invited(city)] == [("first", 1, 1), ("second", 0, 0)]


async def test_stop_ends_it_at_once_and_start_brings_it_back(city: Library, rita: Person) -> None:
    await city.ask(rita, "/start")
    answer = await city.ask(rita, "/stop")
    assert await state(city, rita) == "stopped"
    assert "/start brings them back" in answer.text
    assert "/forget" in answer.text
    assert "You get no digests from me" in (await city.ask(rita, "/stop")).text
    assert "Welcome!" in (await city.ask(rita, "/start")).text
    assert await state(city, rita) == "active"


async def test_whoever_blocks_the_bot_is_retired_and_reads_again_when_they_return(
    city: Library, telegram: TelegramServer, rita: Person
) -> None:
    await city.ask(rita, "/start")
    await rita.block(city.token("city"))
    await becomes(city, rita, "retired blocked")
    await rita.unblock(city.token("city"))
    await becomes(city, rita, "active")


async def test_a_return_does_not_undo_a_stop(city: Library, rita: Person) -> None:
    await city.ask(rita, "/start")
    await city.ask(rita, "/stop")
    await rita.block(city.token("city"))
    await rita.unblock(city.token("city"))
    await city.is_done()
    assert await state(city, rita) == "stopped"


async def test_start_revives_whoever_could_not_be_reached(city: Library, rita: Person) -> None:
    await city.ask(rita, "/start")
    async with city.database.write() as session:
        await subscribers.retire(session, (await city.bot()).id, RITA, Unreached.NOT_FOUND, utc_now())
    assert "Welcome!" in (await city.ask(rita, "/start")).text
    assert await state(city, rita) == "active"


async def test_latest_shows_the_last_digest_to_anybody_who_asks(city: Library, rita: Person) -> None:
    await city.publish(("Transport", "Line 7 runs again."), ("Parks", "The lime trees bloom."))
    await city.publish(("Transport", "Line 8 stands still."))
    answer = await city.ask(rita, "/latest")
    assert "Line 8 stands still." in answer.text
    assert "Line 7" not in answer.text
    assert answer.links == ["https://example.org/0", "https://example.org/0"]


async def test_latest_says_where_there_was_no_digest_yet(city: Library, rita: Person) -> None:
    assert "no digest yet" in (await city.ask(rita, "/latest")).text


@pytest.mark.parametrize(
    "hidden",
    [
        {"deliver": False},
        {"state": RunState.AWAITING_APPROVAL},
        {"state": RunState.CANCELLED},
        {"state": RunState.DELIVERING, "publish_at": utc_now() + timedelta(hours=1)},
    ],
)
async def test_latest_never_shows_what_readers_were_not_given(
    city: Library, rita: Person, hidden: dict[str, Any]
) -> None:
    await city.publish(("Transport", "Line 7 runs again."))
    await city.publish(("Transport", "A draft about line 8."), **hidden)
    assert "Line 7 runs again." in (await city.ask(rita, "/latest")).text


async def test_latest_shows_what_is_being_delivered_and_passes_over_a_quiet_day(city: Library, rita: Person) -> None:
    await city.publish()
    await city.publish(("Transport", "Line 7 runs again."), state=RunState.DELIVERING)
    assert "Line 7 runs again." in (await city.ask(rita, "/latest")).text


async def test_latest_leaves_out_what_the_reader_does(city: Library, rita: Person) -> None:
    await city.publish(("Transport", "Line 7 runs again."), ("Parks", "The lime trees bloom."))
    await city.ask(rita, "/start")
    await city.press(rita, await city.ask(rita, "/topics"), "✅ Parks")
    answer = (await city.ask(rita, "/latest")).text
    assert "Line 7" in answer
    assert "lime trees" not in answer


async def test_latest_says_where_nothing_is_left_of_it(city: Library, rita: Person) -> None:
    await city.publish(("Parks", "The lime trees bloom."))
    await city.ask(rita, "/start")
    await city.press(rita, await city.ask(rita, "/topics"), "✅ Parks")
    assert "nothing of your topics" in (await city.ask(rita, "/latest")).text


async def test_the_parts_of_a_long_digest_come_in_order_at_the_chats_pace(
    city: Library, telegram: TelegramServer, rita: Person
) -> None:
    settings = city.tools.settings.model_copy(
        update={"delivery": city.tools.settings.delivery.model_copy(update={"per_chat_interval_s": 0.15})}
    )
    city.tools = replace(city.tools, settings=settings)
    await city.stop()
    await city.start()
    await city.publish(*[("Transport", f"Story {number}.{LONG}") for number in range(10)])
    await city.tell(rita, "/latest")
    parts = await telegram.wait_for(lambda: city.sent_to(rita) if len(city.sent_to(rita)) >= 3 else None)
    assert parts is not None
    assert [part.text.rsplit("\n\n", 1)[1] for part in parts] == ["1/3", "2/3", "3/3"]
    assert all(later.sent_at - earlier.sent_at >= 0.14 for earlier, later in pairwise(parts))


async def test_latest_asked_again_within_seconds_is_answered_with_one_line(city: Library, rita: Person) -> None:
    await city.publish(("Transport", "Line 7 runs again."))
    assert "Line 7" in (await city.ask(rita, "/latest")).text
    assert "You have just asked" in (await city.ask(rita, "/latest")).text
    assert await city.tell(rita, "/latest") == []


async def test_help_lists_the_commands(city: Library, ruslan: Person) -> None:
    answer = (await city.ask(ruslan, "/help")).text
    assert answer.startswith("City news\n\n/latest — последний дайджест ещё раз\n/topics — ")


async def test_anything_else_is_answered_with_one_short_line_and_then_with_none(city: Library, rita: Person) -> None:
    assert (await city.ask(rita, "How are you?")).text == "I only understand commands. /help shows them."
    assert await city.tell(rita, "/digest city 24h") == []


async def test_commands_are_understood_however_they_are_written(city: Library, rita: Person) -> None:
    assert "Welcome!" in (await city.ask(rita, "/START@city_bot")).text


async def test_a_flood_of_messages_is_not_heard_after_the_twentieth(
    city: Library, rita: Person, ruslan: Person
) -> None:
    for _ in range(20):
        await city.ask(rita, "/help")
    assert await city.tell(rita, "/help") == []
    assert await city.tell(ruslan, "/help")


async def test_in_groups_the_bot_hears_no_command(city: Library, telegram: TelegramServer, rita: Person) -> None:
    group = telegram.group(-1001, "Neighbours", rita)
    await group.add_bot(city.token("city"), rita)
    for words in ("/start@city_bot", "/latest@city_bot", "/stop@city_bot"):
        await rita.send(city.token("city"), words, group)
    await city.is_done()
    assert not telegram.sent
    assert await city.subscriber(RITA) is None


async def test_other_bots_are_not_heard(city: Library, telegram: TelegramServer, rita: Person) -> None:
    robot = {"id": 900, "is_bot": True, "first_name": "Robot"}
    chat = {"id": 900, "type": "private", "first_name": "Robot"}
    message = {"message_id": 1, "date": 1, "chat": chat, "from": robot, "text": "/start"}
    await telegram.inject(city.token("city"), {"message": message})
    await city.ask(rita, "/start")
    assert await city.subscriber(900) is None


async def test_nothing_is_kept_of_a_person_but_their_chat_and_choices(city: Library, telegram: TelegramServer) -> None:
    person = telegram.user(RITA, "Margarita Unforgettable", "en")
    person.account.username = "margarita_unforgettable"
    await city.ask(person, f"/start {await invite(city, 'paper')}")
    async with city.database.read() as session:
        names = (await session.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))).scalars()
        everything = str([(await session.execute(text(f'SELECT * FROM "{name}"'))).all() for name in [*names]])
    assert "nforgettable" not in everything


async def test_while_telegram_wants_silence_nothing_is_answered_but_all_is_done(
    city: Library, telegram: TelegramServer, rita: Person, caplog: pytest.LogCaptureFixture
) -> None:
    await city.tools.limiter.pause((await city.bot()).id, 60)
    assert await city.tell(rita, "/start") == []
    assert await state(city, rita) == "active"
    assert not telegram.calls_of("sendMessage")
    assert "was not answered: TelegramRetryAfter" in caplog.text


async def test_a_silence_that_the_limiter_has_forgotten_is_kept_all_the_same(
    city: Library, telegram: TelegramServer, rita: Person
) -> None:
    async with city.database.write() as session:
        await public_bots.park(session, (await city.bot()).id, utc_now() + timedelta(minutes=1))
    assert await city.tell(rita, "/start") == []
    assert await city.tools.limiter.pause_left_s((await city.bot()).id) > 50


async def test_telegrams_no_to_an_answer_is_obeyed_by_all_answers_and_told_to_the_delivery(
    city: Library, telegram: TelegramServer, rita: Person, ruslan: Person
) -> None:
    floods = iter([Fault.flood(30)])
    telegram.fault = lambda call: next(floods, None) if call.method == "sendMessage" else None
    assert await city.tell(rita, "/help") == []
    assert await city.tell(ruslan, "/help") == []
    assert len(telegram.calls_of("sendMessage")) == 1
    assert not telegram.early_calls
    assert await city.tools.limiter.pause_left_s((await city.bot()).id) > 25


class NoLimiter:
    """Redis is away."""

    async def reserve(self, public_bot_id: int, messages: int) -> float:
        raise BrokerUnavailable("away")

    async def pause(self, public_bot_id: int, seconds: float) -> None:
        raise BrokerUnavailable("away")

    async def pause_left_s(self, public_bot_id: int) -> float:
        raise BrokerUnavailable("away")

    async def close(self) -> None:
        """Nothing to close."""


async def test_answers_do_not_need_the_limiter(library: Library, rita: Person) -> None:
    library.tools = replace(library.tools, limiter=NoLimiter())
    await library.open("city")
    await library.start()
    assert "Welcome!" in (await library.ask(rita, "/start")).text


async def test_a_bug_is_a_polite_sentence_for_the_reader_and_a_fault_for_operators(
    city: Library, ruslan: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*args: object) -> bool:
        raise RuntimeError("a bug")

    monkeypatch.setattr(reading, "stop", fail)
    assert (await city.ask(ruslan, "/stop")).text.startswith("Простите, не получилось.")
    (line,) = [record for record in caplog.records if record.exc_info]
    (fault,) = await city.reported()
    assert (fault.message_id, fault.params) == ("faults.reader_bug", {"id": vars(line)["error_id"]})
