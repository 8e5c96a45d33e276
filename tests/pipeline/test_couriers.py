"""Public bots' couriers against a Telegram server: what each answer means, and that a new token is taken up."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pipeline.adapters.couriers import PublicCouriers
from pipeline.adapters.token_box import TokenBox
from pipeline.errors import (
    ForPeople,
    MessageRefused,
    Migrated,
    Retryable,
    TokenRefused,
    Uncertain,
    Unreachable,
)
from storage.records import Unreached
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_server import TelegramServer

TOKEN, NEW_TOKEN = "101:AAF-public-bot-token-of-the-tests-01234567", "101:AAG-a-newer-token-of-the-tests-0123456789"
BOX = TokenBox("a secret of the tests")


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        server.register_bot(TOKEN, 101, "city_bot")
        server.user(7, "Anna").open_chat(TOKEN)
        yield server


@pytest.fixture
async def couriers(telegram: TelegramServer) -> AsyncIterator[PublicCouriers]:
    made = PublicCouriers(telegram.url, lambda: BOX)
    yield made
    await made.close()


async def test_a_message_arrives(couriers: PublicCouriers, telegram: TelegramServer) -> None:
    courier = await couriers.of(1, BOX.encrypt(TOKEN))
    message_id = await courier.send(7, text="Good morning")
    assert [(message.message_id, message.text) for message in telegram.messages(7)] == [(message_id, "Good morning")]


async def test_the_courier_stays_until_the_token_changes(couriers: PublicCouriers, telegram: TelegramServer) -> None:
    sealed = BOX.encrypt(TOKEN)
    first = await couriers.of(1, sealed)
    assert await couriers.of(1, sealed) is first
    telegram.register_bot(NEW_TOKEN, 101, "city_bot")
    with pytest.raises(TokenRefused):
        await first.send(7, text="too late")
    newer = await couriers.of(1, BOX.encrypt(NEW_TOKEN))
    await newer.send(7, text="Good morning")


@pytest.mark.parametrize(
    ("status", "said", "why"),
    [
        (403, "Forbidden: bot was blocked by the user", Unreached.BLOCKED),
        (403, "Forbidden: user is deactivated", Unreached.DEACTIVATED),
        (403, "Forbidden: bot was kicked from the supergroup chat", Unreached.REMOVED),
        (403, "Forbidden: bot is not a member of the channel chat", Unreached.REMOVED),
        (403, "Forbidden: bot can't initiate conversation with a user", Unreached.NEVER_STARTED),
        (403, "Forbidden: the group chat was deleted", Unreached.NOT_FOUND),
        (400, "Bad Request: chat not found", Unreached.NOT_FOUND),
        (400, "Bad Request: not enough rights to send text messages to the chat", Unreached.NO_RIGHTS),
        (400, "Bad Request: need administrator rights in the channel chat", Unreached.NO_RIGHTS),
        (400, "Bad Request: TOPIC_CLOSED", Unreached.REFUSED),
    ],
)
async def test_refusals_of_a_chat(
    couriers: PublicCouriers, telegram: TelegramServer, status: int, said: str, why: Unreached
) -> None:
    telegram.fault = lambda call: Fault.error(status, said)
    courier = await couriers.of(1, BOX.encrypt(TOKEN))
    with pytest.raises(Unreachable) as caught:
        await courier.send(7, text="Good morning")
    assert caught.value.why is why


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.error(400, "Bad Request: can't parse entities: unexpected end"), MessageRefused),
        (Fault.error(400, "Bad Request: message is too long"), MessageRefused),
        (Fault.error(400, "Bad Request: message text is empty"), MessageRefused),
        (Fault.error(401, "Unauthorized"), TokenRefused),
        (Fault.error(404, "Not Found"), TokenRefused),
        (Fault.error(500, "Internal Server Error"), Uncertain),
        (Fault.html(502), Uncertain),
        (Fault.drop(), Uncertain),
        (Fault.lose_answer(), Uncertain),
    ],
    ids=str,
)
async def test_other_answers(
    couriers: PublicCouriers, telegram: TelegramServer, fault: Fault, expected: type[Exception]
) -> None:
    telegram.fault = lambda call: fault
    courier = await couriers.of(1, BOX.encrypt(TOKEN))
    with pytest.raises(expected):
        await courier.send(7, text="Good morning")


async def test_flood_control_and_migration_carry_their_numbers(
    couriers: PublicCouriers, telegram: TelegramServer
) -> None:
    courier = await couriers.of(1, BOX.encrypt(TOKEN))
    telegram.fault = lambda call: Fault.flood(7)
    with pytest.raises(Retryable) as later:
        await courier.send(7, text="Good morning")
    assert later.value.after_s == 7
    telegram.limits = telegram.limits
    reason = "Bad Request: group chat was upgraded to a supergroup chat"
    telegram.fault = lambda call: Fault.error(400, reason, migrate_to_chat_id=-1009)
    with pytest.raises(Migrated) as moved:
        await courier.send(7, text="Good morning")
    assert moved.value.chat_id == -1009


async def test_a_server_that_is_not_there_was_certainly_not_reached() -> None:
    couriers = PublicCouriers("http://127.0.0.1:1", lambda: BOX)
    courier = await couriers.of(1, BOX.encrypt(TOKEN))
    with pytest.raises(Retryable):
        await courier.send(7, text="Good morning")
    await couriers.close()


async def test_a_token_of_another_key_and_one_that_is_none(couriers: PublicCouriers) -> None:
    with pytest.raises(ForPeople, match="secret_key_lost"):
        await couriers.of(1, TokenBox("another secret").encrypt(TOKEN))
    with pytest.raises(ForPeople, match="token_refused") as caught:
        await couriers.of(1, BOX.encrypt("no token"))
    assert "no token" not in str(caught.value)
