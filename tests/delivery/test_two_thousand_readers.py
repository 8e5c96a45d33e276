"""Two thousand readers of three bots, a Telegram server with its documented limits and 5 % of accidents, real workers,
and two `kill -9` in the middle: nobody gets anything twice, and of everybody it is known what became of them."""

from __future__ import annotations

import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.delivery.audience import SECRET, Audience, deliveries_of, make_audiences, seat, store
from tests.processes import Installation
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer, running_redis
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_limits import Limits
from tests.servers.telegram_records import Call
from tests.servers.telegram_server import TelegramServer
from tests.servers.threads import ServerThread

SIZES = (800, 700, 500)
GROUPS = 20
SHARE_OF_FAULTS = 0.05
PERIOD = "2026-11-02..2026-11-03"
DEADLINE_S = 300.0
RETRY_AFTER_S = 5
ON_ITS_WAY_S = 1.0  # on a busy machine: such a call was made before the answer to the other one was read


KINDS = ("lost", "dropped", "bad gateway", "error", "flood", "late", "blocked", "unknown chat")


class Accidents:
    """Faults for one call in twenty, of every kind, always the same ones; and every second group becomes a supergroup
    just before its first message."""

    def __init__(self, telegram: TelegramServer) -> None:
        self._telegram = telegram
        self._random = random.Random(20261124)
        self.happened: Counter[str] = Counter()
        self.former_ids: dict[int, int] = {}

    def __call__(self, call: Call) -> Fault | None:
        if call.method != "sendMessage":
            return None
        self._migrate(int(call.chat_id))
        if self._random.random() >= SHARE_OF_FAULTS:
            return None
        name = self._random.choice(KINDS)
        self.happened[name] += 1
        match name:
            case "lost":
                return Fault.lose_answer()
            case "dropped":
                return Fault.drop()
            case "bad gateway":
                return Fault.html(502)
            case "error":
                return Fault.error(500, "Internal Server Error")
            case "flood":
                return Fault.flood(RETRY_AFTER_S)
            case "late":
                return Fault.delay(1.5)
            case "blocked":
                return Fault.error(403, "Forbidden: bot was blocked by the user")
        return Fault.error(400, "Bad Request: chat not found")

    def _migrate(self, chat_id: int) -> None:
        if chat_id >= 0 or chat_id % 2 or chat_id in self.former_ids:
            return
        old, new_id = self._telegram.chats[chat_id], chat_id - 1_000_000
        if old.migrated_to is None:
            self._telegram.chats[new_id] = replace(old, id=new_id, messages={})
            old.migrated_to = new_id
            self.former_ids[new_id] = chat_id


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    """It answers from a thread of its own, so that its clock is not ours."""
    server = TelegramServer(Limits(30, 1.0, 20))

    async def start() -> None:
        await server.__aenter__()

    async def stop() -> None:
        await server.__aexit__(None, None, None)

    with ServerThread(start, stop):
        yield server


@pytest.fixture
def model() -> Iterator[ModelServer]:
    server = ModelServer()
    with ServerThread(server.start, server.stop):
        yield server


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture(params=["SQLite and one worker", pytest.param("PostgreSQL and two workers", marks=pytest.mark.slow)])
def installation(
    request: pytest.FixtureRequest, tmp_path: Path, telegram: TelegramServer, model: ModelServer, redis: RedisServer
) -> Iterator[Installation]:
    variables = {
        "DIGEST_REDIS__URL": redis.url,
        "DIGEST_LLM__BASE_URL": model.base_url,
        "DIGEST_TELEGRAM__API_URL": telegram.url,
        "DIGEST_SECURITY__SECRET_KEY": SECRET,
    }
    workers = ["one"]
    if "PostgreSQL" in request.param:
        variables["DIGEST_DATABASE__URL"] = request.getfixturevalue("postgres_url")
        workers.append("two")
    made = Installation(tmp_path, **variables)
    for name in workers:
        made.start_worker(name)
    yield made
    made.stop_all()


def wait_until_sent(telegram: TelegramServer, number: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while len(telegram.sent) < number:
        assert time.monotonic() < deadline, f"{len(telegram.sent)} of {number} messages were sent"
        time.sleep(0.05)


def wait_for_the_end(installation: Installation, runs: int) -> list[dict[str, object]]:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        status = json.loads(installation.pipeline("status", "--json").stdout)
        if not status["active"] and len(status["recent"]) >= runs:
            recent: list[dict[str, object]] = status["recent"]
            return recent
        assert time.monotonic() < deadline, status["active"]
        time.sleep(0.5)


def arrived(
    telegram: TelegramServer, audiences: list[Audience], former_ids: Mapping[int, int]
) -> Counter[tuple[str, int, str]]:
    """What lies in the readers' chats: by bot, chat (under its first id) and text."""
    slugs = {audience.telegram_id: audience.slug for audience in audiences}
    return Counter(
        (slugs[message.bot_id or 0], former_ids.get(message.chat.id, message.chat.id), message.text)
        for message in telegram.sent
    )


def test_nothing_twice_and_everybody_accounted_for(installation: Installation, telegram: TelegramServer) -> None:
    audiences = make_audiences(SIZES, groups=GROUPS)
    database_url = installation.environment["DIGEST_DATABASE__URL"]
    store(database_url, audiences)
    seat(telegram, audiences)
    accidents = telegram.fault = Accidents(telegram)
    for audience in audiences:
        installation.pipeline("digest", audience.slug, "--period", PERIOD)

    for number in (400, 1100):
        wait_until_sent(telegram, number)
        installation.kill("one")
    recent = wait_for_the_end(installation, len(audiences))

    assert all(run["state"] == "done" for run in recent[: len(audiences)]), recent
    in_the_chats = arrived(telegram, audiences, accidents.former_ids)
    assert max(in_the_chats.values()) == 1, "somebody got the same part twice"
    assert sum(accidents.happened.values()) >= 60, accidents.happened
    assert accidents.happened.keys() == set(KINDS)
    assert len(accidents.former_ids) == GROUPS // 2

    rows = deliveries_of(database_url)
    by_reader = defaultdict(list)
    for row in rows:
        by_reader[row.slug, accidents.former_ids.get(row.chat_id, row.chat_id)].append(row)
    assert by_reader.keys() == {(one.slug, chat_id) for one in audiences for chat_id in one.readers}
    assert {row.part for row in rows if row.slug == audiences[-1].slug} == {0, 1}
    assert {row.state for row in rows} <= {"sent", "failed", "unknown"}
    assert all(row.reason for row in rows if row.state == "failed")

    delivered = Counter((slug, chat_id) for slug, chat_id, _ in in_the_chats)
    for reader, parts in by_reader.items():
        states = Counter(row.state for row in parts)
        assert states["sent"] <= delivered[reader] <= states["sent"] + states["unknown"], (reader, states)
    unknown = sum(row.state == "unknown" for row in rows)
    doubtful = sum(accidents.happened[name] for name in ("lost", "dropped", "bad gateway", "error"))
    most_on_the_way = 2 * 3 * 4 * 3  # two kills, three bots, four lanes, waves of three
    assert unknown <= doubtful + most_on_the_way

    early = [one for one in telegram.early_calls if one.call.time - one.asked_at > ON_ITS_WAY_S]
    assert not early, [(one.call.time - one.asked_at, one.until - one.asked_at) for one in early]
    assert len(telegram.early_calls) <= accidents.happened["flood"] * 4 * 3  # lanes, waves
    for name in ("one", "two"):
        if (installation.folder / f"{name}.log").exists():
            assert not any(one.token.partition(":")[2] in installation.log(name) for one in audiences)
