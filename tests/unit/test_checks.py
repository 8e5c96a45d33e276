"""Verdicts: what was seen, and what is found wrong with it. Whatever is wrong says what to do, in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.checks import desk, machine, outside
from pipeline.checks.finding import Findings, Mark, Subject, in_words, name_of
from pipeline.checks.seen import (
    AccountSeen,
    AccountState,
    BrokerRefusal,
    BrokerSeen,
    DeskSeen,
    Owed,
    Room,
)
from storage.records import DatabaseLook, Lease, Worker, WorkKind
from texts import Texts

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
GOOD_BROKER = BrokerSeen("Redis", "8.2.3", 1, False, True, False, "noeviction", 0, 0, "ours")
GOOD_DATABASE = DatabaseLook("sqlite:////data/digest.db", "0005", revision="0005")
WORKER = Worker("w@here", "here", 1, ("categorize", "summarize", "deliver", "housekeeping"), 4, NOW, NOW)
HELD = Lease("here/1234:77:abcd", NOW + timedelta(seconds=5))
RUN_OUT = Lease("here/1234:77:abcd", NOW - timedelta(hours=2))
GOOD_DESK = DeskSeen(NOW, "ours", (WORKER,), {"tick": HELD, "bot": HELD}, {}, (), 0, {}, 0, ())
KNOWN = AccountSeen(AccountState.FINE, "city_bot")
REFUSED = AccountSeen(AccountState.REFUSED)
GIB = 1024**3


def shown(findings: Findings) -> list[tuple[str, str]]:
    return [(one.mark.value, one.message_id) for one in findings]


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (GOOD_DATABASE, ("fine", "health.database.fine")),
        (replace(GOOD_DATABASE, unreachable="refused"), ("fault", "health.database.away")),
        (replace(GOOD_DATABASE, exists=False), ("fault", "health.database.not_there")),
        (replace(GOOD_DATABASE, exists=False, unwritable="no"), ("fault", "health.database.cannot_be_made")),
        (replace(GOOD_DATABASE, revision=None), ("fault", "health.database.empty")),
        (replace(GOOD_DATABASE, revision="9", is_known=False), ("fault", "health.database.newer")),
        (replace(GOOD_DATABASE, revision="0003"), ("fault", "health.database.behind")),
        (replace(GOOD_DATABASE, unwritable="read-only"), ("fault", "health.database.not_written")),
    ],
)
def test_databases(look: DatabaseLook, expected: tuple[str, str]) -> None:
    assert shown(machine.of_database(look)) == [expected]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("fine", "health.redis.fine")),
        ({"version": "6.2.14"}, ("fault", "health.redis.old")),
        ({"product": "Valkey", "version": "8.1.0"}, ("fine", "health.redis.fine")),
        ({"is_replica": True}, ("fault", "health.redis.replica")),
        ({"write_error": True}, ("fault", "health.redis.cannot_save")),
        ({"is_append_only": False}, ("fault", "health.redis.forgets")),
        ({"policy": "volatile-lru"}, ("fault", "health.redis.evicts")),
        ({"used_bytes": 95, "most_bytes": 100}, ("warning", "health.redis.nearly_full")),
        ({"used_bytes": 50, "most_bytes": 100}, ("fine", "health.redis.fine")),
        ({"installation": "theirs"}, ("fault", "installation.foreign_redis")),
        ({"installation": None}, ("fine", "health.redis.fine")),
    ],
)
def test_brokers(changes: dict[str, object], expected: tuple[str, str]) -> None:
    assert shown(machine.of_broker(replace(GOOD_BROKER, **changes), "ours")) == [expected]  # type: ignore[arg-type]


def test_everything_that_is_wrong_with_a_broker_is_told_at_once() -> None:
    bad = replace(GOOD_BROKER, is_append_only=False, policy="allkeys-lru")
    assert len(machine.of_broker(bad, None)) == 2


@pytest.mark.parametrize(
    ("free", "mark"), [(GIB * 2, Mark.FINE), (GIB // 2, Mark.WARNING), (GIB // 10, Mark.FAULT), (0, Mark.FAULT)]
)
def test_disks(free: int, mark: Mark) -> None:
    findings = machine.of_rooms([Room("/data", free, GIB * 10), Room("/var", GIB * 5, GIB * 10)])
    assert [(one.mark, one.params["folder"]) for one in findings] == [(mark, "/data")]


@pytest.mark.parametrize(
    ("skew_s", "mark"), [(0, Mark.FINE), (4.9, Mark.FINE), (-4.9, Mark.FINE), (5.1, Mark.FAULT), (-3600, Mark.FAULT)]
)
def test_clocks(skew_s: float, mark: Mark) -> None:
    (found,) = machine.of_clocks({"Redis": timedelta(seconds=skew_s)})
    assert found.mark is mark


def test_a_clock_that_differs_from_one_alone_names_that_one() -> None:
    (found,) = machine.of_clocks({"Redis": timedelta(seconds=60), "Telegram": timedelta(0)})
    assert in_words(found, Texts("en")).startswith("this machine is 1 min ahead of Redis.")


@pytest.mark.parametrize(
    ("changes", "is_local", "expected"),
    [
        ({}, False, [("fine", "health.workers.fine")]),
        ({"workers": ()}, False, [("fault", "health.workers.none")]),
        (
            {"workers": (replace(WORKER, queues=("deliver",)),)},
            False,
            [("fault", "health.workers.unserved")],
        ),
        (
            {"workers": (WORKER, replace(WORKER, name="x", seen_at=NOW - timedelta(hours=1)))},
            False,
            [("warning", "health.workers.silent")],
        ),
        (
            {"workers": (replace(WORKER, seen_at=NOW - timedelta(hours=1)),)},
            False,
            [("fault", "health.workers.none"), ("warning", "health.workers.silent")],
        ),
        ({"workers": ()}, True, [("fault", "health.workers.no_local")]),
        ({"workers": (), "leases": {"local engine": HELD}}, True, [("fine", "health.workers.local")]),
    ],
)
def test_workers(changes: dict[str, object], is_local: bool, expected: list[tuple[str, str]]) -> None:
    seen = replace(GOOD_DESK, **changes)  # type: ignore[arg-type]
    alive = [worker for worker in seen.workers if worker.seen_at == NOW]
    assert shown(desk.of_workers(seen, alive, is_local=is_local)) == expected


@pytest.mark.parametrize(
    ("leases", "tick", "bot"),
    [
        ({"tick": HELD, "bot": HELD}, "fine", "fine"),
        ({}, "fault", "fault"),
        ({"tick": RUN_OUT, "bot": RUN_OUT}, "fault", "fault"),
        ({"tick": HELD}, "fine", "fault"),
    ],
)
def test_roles(leases: dict[str, Lease], tick: str, bot: str) -> None:
    seen = replace(GOOD_DESK, leases=leases)
    assert desk.of_tick(seen)[0].mark == tick
    assert desk.of_bot(seen, has_admin_token=True)[0].mark == bot


def test_a_bot_without_a_token_is_not_missed_twice() -> None:
    assert shown(desk.of_bot(replace(GOOD_DESK, leases={}), has_admin_token=False)) == [
        ("skipped", "health.bot.no_token")
    ]


def test_the_process_that_has_a_role_is_named() -> None:
    assert in_words(desk.of_tick(GOOD_DESK)[0], Texts("en")) == "it is done by process 77 on here."


def test_old_work_is_told_by_queue_with_what_waits_there() -> None:
    old = {WorkKind.PLAN: NOW - timedelta(minutes=6), WorkKind.ASSEMBLE: NOW - timedelta(minutes=9)}
    (found,) = desk.of_queues(replace(GOOD_DESK, oldest_due=old), {"housekeeping": 3})
    assert found.mark is Mark.WARNING
    assert found.params == {"queue": "housekeeping", "since": timedelta(minutes=9), "waiting": 3}
    fresh = {WorkKind.PLAN: NOW - timedelta(minutes=4)}
    assert shown(desk.of_queues(replace(GOOD_DESK, oldest_due=fresh), None)) == [("fine", "health.queues.fine")]


def test_late_digests_are_named_but_not_all_of_many() -> None:
    owed = tuple(Owed(f"bot-{number}", NOW - timedelta(hours=1)) for number in range(9))
    found = desk.of_schedules(replace(GOOD_DESK, owed=owed))
    assert [one.message_id for one in found] == ["health.schedules.late"] * 5 + ["health.schedules.more"]
    assert found[-1].params == {"number": 4}


def test_a_delivery_in_doubt_is_a_warning() -> None:
    assert shown(desk.of_deliveries(replace(GOOD_DESK, in_doubt=2))) == [("warning", "health.deliveries.in_doubt")]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (KNOWN, ("fine", "health.telegram.fine")),
        (REFUSED, ("fault", "health.telegram.refused")),
        (replace(KNOWN, has_webhook=True), ("fault", "health.telegram.webhook")),
        (AccountSeen(AccountState.TOLD_TO_WAIT), ("warning", "health.telegram.told_to_wait")),
        (AccountSeen(AccountState.AWAY, why="HTTP 502"), ("fault", "health.telegram.away")),
    ],
)
def test_the_admin_bot(seen: AccountSeen, expected: tuple[str, str]) -> None:
    assert shown(outside.of_admin_bot(seen)) == [expected]


def test_public_bots_with_a_fault_are_named_but_not_all_of_many() -> None:
    seen = {f"bot-{number}": REFUSED for number in range(12)} | {"well": KNOWN}
    found = outside.of_public_bots(seen, [], 0, 0)
    assert [one.message_id for one in found] == ["health.public_bots.refused"] * 8 + ["health.public_bots.more"]
    assert found[-1].params == {"number": 4}


def test_a_lost_key_is_one_fault_however_many_bots_it_stops() -> None:
    assert shown(outside.of_public_bots({}, ["a", "b", "c"], 0, 0)) == [("fault", "bots.secret_key_lost")]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_what_is_found_is_one_line_in_both_languages(language: str) -> None:
    texts = Texts(language)
    bad_broker = replace(GOOD_BROKER, version="5.0", is_append_only=False, policy="allkeys-lru", write_error=True)
    found = [
        *machine.of_settings(["A sentence."], has_admin_token=False, operators=0),
        *machine.of_broker(bad_broker, "ours"),
        *machine.of_broker_refusal(BrokerRefusal.PASSWORD),
        *machine.of_broker_refusal(BrokerRefusal.LOADING),
        *desk.of_workers(replace(GOOD_DESK, workers=()), [], is_local=False),
        *desk.of_tick(replace(GOOD_DESK, leases={"tick": RUN_OUT})),
    ]
    for one in found:
        said = in_words(one, texts)
        assert "\n" not in said
        assert "health." not in said
    assert len({name_of(subject, texts) for subject in Subject}) == len(Subject)
