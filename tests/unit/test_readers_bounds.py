"""How much of a reader is heard, which parts of a digest they get, and which chats a bot may write to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from aiogram.types import ChatMemberRestricted, ChatMemberUpdated

from pipeline.stages.topics import without
from storage.records import ChatKind, Digest, DigestItem, DigestSection, Period
from telegram_bot import throttle
from telegram_bot.readers.chats import may_write
from telegram_bot.throttle import Throttle
from tests.servers.telegram_records import Account, Membership

DAY = Period(datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_so_many_events_are_admitted_in_any_so_many_seconds() -> None:
    clock = Clock()
    bounded = Throttle(3, 60.0, clock)
    admitted = []
    for second in (0, 10, 20, 30, 59, 60, 61, 70, 120):
        clock.now = second
        admitted.append(bounded.admits("rita"))
    assert admitted == [True, True, True, False, False, True, False, True, True]


def test_one_key_does_not_count_for_another() -> None:
    bounded = Throttle(1, 60.0, Clock())
    assert [bounded.admits(key) for key in ("rita", "rita", "ruslan")] == [True, False, True]


def test_keys_of_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST_KEYS", 100)
    clock = Clock()
    bounded = Throttle(1, 10.0, clock)
    for number in range(1000):
        clock.now = float(number)
        assert bounded.admits(number)
    assert len(bounded._times) <= 100
    assert not bounded.admits(999), "who wrote just now is not forgotten"


def test_a_crowd_that_writes_at_once_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST_KEYS", 100)
    bounded = Throttle(1, 10.0, Clock())
    for number in range(1000):
        assert bounded.admits(number)
    assert len(bounded._times) <= 100
    assert not bounded.admits(999)


def digest(*categories: str) -> Digest:
    item = DigestItem(1, "Headline", "Text", None, "Source")
    sections = tuple(DigestSection(category, (item,)) for category in categories)
    return Digest(1, "city", "City", "en", "UTC", DAY, sections)


@pytest.mark.parametrize(
    ("left_out", "left"),
    [
        ((), ["Transport", "Parks", "Sport"]),
        (("Parks",), ["Transport", "Sport"]),
        ({"Sport", "Transport", "Gone since"}, ["Parks"]),
        (("Transport", "Parks", "Sport"), []),
    ],
)
def test_left_out_topics_are_not_in_the_digest_and_the_rest_keeps_its_order(
    left_out: tuple[str, ...] | set[str], left: list[str]
) -> None:
    whole = digest("Transport", "Parks", "Sport")
    assert [section.category for section in without(whole, left_out).sections] == left
    assert without(whole, ()) == whole


def member(membership: Membership, kind: ChatKind) -> ChatMemberUpdated:
    account = Account(42, "City bot", is_bot=True)
    json = membership.json(account, kind.value)
    chat = {"id": -1, "type": kind.value, "title": "T"}
    return ChatMemberUpdated.model_validate(
        {"chat": chat, "from": account.json(), "date": 1, "old_chat_member": json, "new_chat_member": json}
    )


@pytest.mark.parametrize(
    ("membership", "in_groups", "in_channels"),
    [
        (Membership("administrator"), True, True),
        (Membership("administrator", can_post=False), True, False),
        (Membership("member"), True, False),
        (Membership("left"), False, False),
        (Membership("kicked"), False, False),
    ],
)
def test_a_bot_writes_in_groups_as_a_member_and_in_channels_as_an_administrator(
    membership: Membership, in_groups: bool, in_channels: bool
) -> None:
    for kind in (ChatKind.GROUP, ChatKind.SUPERGROUP):
        assert may_write(member(membership, kind).new_chat_member, kind) == in_groups
    assert may_write(member(membership, ChatKind.CHANNEL).new_chat_member, ChatKind.CHANNEL) == in_channels


@pytest.mark.parametrize(("is_member", "may"), [(True, True), (True, False), (False, True)])
def test_a_restricted_bot_writes_where_it_is_let(is_member: bool, may: bool) -> None:
    rights = [name for name in ChatMemberRestricted.model_fields if name.startswith("can_")]
    account = Account(42, "City bot", is_bot=True).json()
    restricted = {"status": "restricted", "user": account, "until_date": 0, **dict.fromkeys(rights, False)}
    restricted |= {"is_member": is_member, "can_send_messages": may}
    event = {"chat": {"id": -1, "type": "supergroup", "title": "T"}, "from": account, "date": 1}
    update = ChatMemberUpdated.model_validate({**event, "old_chat_member": restricted, "new_chat_member": restricted})
    assert may_write(update.new_chat_member, ChatKind.SUPERGROUP) == (is_member and may)
