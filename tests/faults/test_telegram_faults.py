"""Telegram refuses, stumbles, and loses connections: it is known what became of every reader and every message."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from settings import HOME
from storage import public_bots, subscribers
from storage.database import Database, database_url
from storage.records import ChatKind
from tests.faults.desk import ADMIN_ID, OPERATOR, Desk
from tests.faults.ledger import wait_for
from tests.faults.scene import FIRST_READER, PERIOD, Scene
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_records import Call
from tests.support import NOON

PAUSE_S = 2
ON_ITS_WAY_S = 1.0
GROUP, NEW_GROUP = -1_000_000_000_001, -1_000_000_000_002
BLOCKED = Fault.error(403, "Forbidden: bot was blocked by the user")
DEACTIVATED = Fault.error(403, "Forbidden: user is deactivated")
UNKNOWN_CHAT = Fault.error(400, "Bad Request: chat not found")
MIGRATED = Fault.error(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=NEW_GROUP)
FAULTS: Sequence[tuple[Fault, str, int]] = (  # what happens, what is known then, how many messages are there
    (Fault.flood(PAUSE_S), "sent", 1),
    (BLOCKED, "failed: blocked", 0),
    (DEACTIVATED, "failed: deactivated", 0),
    (UNKNOWN_CHAT, "failed: not_found", 0),
    (Fault.error(500, "Internal Server Error"), "unknown", 0),
    (Fault.html(502), "unknown", 0),
    (Fault.drop(), "unknown", 0),
    (Fault.lose_answer(), "unknown", 1),
    (Fault.delay(3.0), "sent", 1),
)


def test_every_kind_in_one_delivery(any_scene: Scene) -> None:
    scene = any_scene
    slug = scene.open_bot(posts=4, readers=30)
    add_group(scene, slug)
    first = {FIRST_READER + 3 * number: fault for number, (fault, _, _) in enumerate(FAULTS)} | {GROUP: MIGRATED}
    expected = {FIRST_READER + 3 * number: (known, there) for number, (_, known, there) in enumerate(FAULTS)}

    def suffer(call: Call) -> Fault | None:
        return first.pop(int(call.chat_id), None) if call.method == "sendMessage" else None

    scene.telegram.fault = suffer
    scene.start_bare_worker("one")
    scene.start_run(slug)
    (run,) = scene.ledger.wait_for_the_end(1)
    assert run.state == "done"
    scene.check(posts=4)
    query = "SELECT chat_id, state, reason FROM deliveries"
    fates = {chat: f"{state}: {reason}" if reason else state for chat, state, reason in scene.ledger.rows(query)}
    arrived = Counter(message.chat.id for message in scene.telegram.sent)
    assert {chat: (fates[chat], arrived[chat]) for chat in expected} == expected
    assert (fates[NEW_GROUP], arrived[NEW_GROUP], GROUP in fates) == ("sent", 1, False)
    others = fates.keys() - expected.keys() - {NEW_GROUP}
    assert len(others) == 30 - len(FAULTS)
    assert {(fates[chat], arrived[chat]) for chat in others} == {("sent", 1)}
    assert not [one for one in scene.telegram.early_calls if one.call.time - one.asked_at > ON_ITS_WAY_S]
    in_doubt = {chat for chat, fate in fates.items() if fate == "unknown"}
    assert in_doubt == {chat for chat, (known, _) in expected.items() if known == "unknown"}


@pytest.mark.slow
def test_the_admin_bot(desk: Desk) -> None:
    """Its cards come to their end and its digests come once, or the operator is told that one may be missing."""
    scene = desk.scene
    scene.model.latency_s = 0.7
    of_edits = iter([Fault.html(502), Fault.flood(PAUSE_S), Fault.drop(), Fault.lose_answer(), Fault.error(500, "oh")])
    of_digests = iter([Fault.flood(PAUSE_S), None, Fault.lose_answer()])
    ordered: defaultdict[str, Iterator[Fault | None]] = defaultdict(lambda: iter(()))
    ordered |= {"editMessageText": of_edits, "digest": of_digests}

    def suffer(call: Call) -> Fault | None:
        if call.bot_id != ADMIN_ID or call.chat_id != OPERATOR:
            return None
        is_digest = call.method == "sendMessage" and "text_link" in str(call.params.get("entities"))
        return next(ordered["digest" if is_digest else call.method], None)

    scene.telegram.fault = suffer
    scene.start_bare_worker("one", "--concurrency", "1")
    desk.start_bot()
    for number in (1, 2):
        desk.say(f"/digest {scene.open_bot(posts=15)} {PERIOD}")
        scene.ledger.wait_for_the_end(number)
        wait_for(lambda: not scene.ledger.rows("SELECT 1 FROM cards WHERE announced_at IS NULL"), "the end of the card")
    desk.message("may not have arrived")
    cards = [one for one in desk.messages if "ready" in one.text]
    assert len(cards) == 2
    assert len(desk.digests()) == 2
    assert len(desk.messages) == 5, "two cards, two digests, one of which is in doubt"
    assert not scene.telegram.early_calls
    assert not list(of_digests)
    assert not list(of_edits), "everything has happened"
    scene.check(posts=15)


def add_group(scene: Scene, slug: str) -> None:
    """A group that reads the public bot, and will be another chat tomorrow."""
    bot = scene.telegram.bots[701]
    for chat_id in (GROUP, NEW_GROUP):
        group = scene.telegram.group(chat_id, "A group", scene.telegram.user(900_000 - chat_id % 1000))
        group.chat.members[bot.id] = replace(next(iter(group.chat.members.values())), status="member")

    async def subscribe() -> None:
        database = Database(database_url(scene.database_setting, HOME))
        async with database.write() as session:
            found = await public_bots.by_slug(session, slug)
            assert found is not None
            await subscribers.subscribe(session, found.id, GROUP, "en", NOON, kind=ChatKind.SUPERGROUP)
        await database.close()

    asyncio.run(subscribe())
