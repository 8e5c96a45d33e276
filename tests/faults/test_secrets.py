"""No token, key or password is in anything that a full run writes, whatever goes wrong meanwhile."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from redis import Redis

from settings import HOME
from tests.faults.leaks import ADMIN, API_KEY, CITY, FLOWER, PARKS, PASSWORD, SECRET_KEY, SECRETS, Secret, leaks
from tests.faults.witness import Witness, files_in, output
from tests.monitoring.flower import Flower
from tests.processes import DEADLINE_S, Installation, until
from tests.servers.model_answers import Question
from tests.servers.model_faults import Override, error, error_inside
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_records import Call
from tests.servers.telegram_server import TelegramServer

ANNA, RITA, MALLORY = 7, 501, 666
PARKS_ID = 7022222222
POSTS = 4
PERIOD = "2026-11-02..2026-11-03"
BOTS = """
[[public_bots]]
slug = "{slug}"
title = "{title}"
token_env = "{variable}"
language = "en"
sources = ["wire"]
max_posts_per_digest = 5
timezone = "UTC"
categorization_prompt = "For readers of {title}."
categories = [{{name = "City", description = "life in the city"}}, {{name = "Science", description = "research"}}]
"""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that wants a password, which nobody wrote on its command line."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    with Redis.from_url(server.url) as client:
        client.config_set("requirepass", PASSWORD.value)
    yield server
    server.stop()


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        server.register_bot(ADMIN.value, 4242424242, "digest_desk_bot")
        server.register_bot(CITY.value, 7011111111, "city_bot")
        server.register_bot(PARKS.value, PARKS_ID, "parks_bot")
        yield server


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    async with ModelServer(latency_s=0.02) as server:
        yield server


@pytest.fixture
def installation(
    tmp_path: Path, redis: RedisServer, telegram: TelegramServer, model: ModelServer
) -> Iterator[Installation]:
    folder = tmp_path / "installation"
    folder.mkdir()
    made = Installation(
        folder,
        DIGEST_REDIS__URL=f"redis://:{quote(PASSWORD.value, safe='')}@127.0.0.1:{redis.port}/0",
        DIGEST_TELEGRAM__ADMIN_TOKEN=ADMIN.value,
        DIGEST_TELEGRAM__API_URL=telegram.url,
        DIGEST_TELEGRAM__OPERATOR_IDS=str(ANNA),
        DIGEST_LLM__BASE_URL=model.base_url,
        DIGEST_LLM__API_KEY=API_KEY.value,
        DIGEST_SECURITY__SECRET_KEY=SECRET_KEY.value,
        DIGEST_LOGGING__LEVEL="DEBUG",
        DIGEST_FLOWER_DIR=str(folder / "flower"),
        DIGEST_FLOWER_PASSWORD=FLOWER.value,
        CITY_TOKEN=CITY.value,
        PARKS_TOKEN=PARKS.value,
    )
    yield made
    made.stop_all()


@pytest.fixture
def flower(installation: Installation) -> Iterator[Flower]:
    flower = Flower(installation)
    yield flower
    flower.stop()


@pytest.fixture
def witness(installation: Installation, redis: RedisServer) -> Iterator[Witness]:
    witness = Witness(installation.environment["DIGEST_REDIS__URL"], redis.port, PASSWORD.value)
    witness.start()
    yield witness
    witness.stop()


class Talkative:
    """A model server that tells whoever asks what they sent, the key above all."""

    def __init__(self) -> None:
        said = f"Incorrect API key provided: {API_KEY.value}. Authorization: Bearer {API_KEY.value}"
        self.refusal = error(401, said, code="invalid_api_key")
        self.first = [error(500, said), error_inside(message=said, code=502)]
        self.refuses = False
        self.refused = 0

    def __call__(self, question: Question) -> Override | None:
        if self.refuses:
            self.refused += 1
            return self.refusal
        return self.first.pop() if self.first else None


class Accidents:
    """What Telegram does to the bots' calls, each once: connections that break, proxies that repeat the address."""

    def __init__(self) -> None:
        self._of_edits = [Fault.drop(), Fault.html()]

    def __call__(self, call: Call) -> Fault | None:
        if call.method == "editMessageText" and self._of_edits:
            return self._of_edits.pop()
        if call.bot_id == PARKS_ID:
            return Fault.error(404, f"Not Found: the requested URL /bot{PARKS.value}/{call.method}")
        return None


async def test_no_secret_is_in_anything_that_a_full_run_writes(
    installation: Installation,
    telegram: TelegramServer,
    model: ModelServer,
    redis: RedisServer,
    witness: Witness,
    flower: Flower,
) -> None:
    model.behaviour = talkative = Talkative()
    telegram.fault = Accidents()
    printed = await prepare(installation)
    start_everything(installation)
    printed["the output of start_monitoring.sh"] = (await asyncio.to_thread(flower.start))[1].encode()
    await live_through_a_day(installation, telegram, talkative)
    await asyncio.to_thread(witness.look)
    printed |= await asyncio.to_thread(flower.all_pages, FLOWER.value)
    for arguments in (("status", "--json"), ("bots", "export"), ("monitor",)):
        printed |= await output(installation, *arguments)
    evidence = {f"{name}, while it runs": content for name, content in files_in(installation.folder).items()}
    ended = [await asyncio.to_thread(installation.terminate, name) for name in ("worker", "bot")]
    printed["the output of stop_monitoring.sh"] = (await asyncio.to_thread(flower.stop))[1].encode()
    witness.stop()
    evidence |= printed | files_in(installation.folder) | files_in(redis.folder) | heard_by(telegram)
    evidence |= witness.evidence()

    assert ended == [0, 0]
    assert_worth_a_look(evidence, witness)
    assert leaks(SECRETS, evidence) == []
    assert len(witness.task_arguments()) > 3
    assert all(len(one) == 1 and type(one[0]) is int for one in witness.task_arguments()), witness.task_arguments()


async def live_through_a_day(installation: Installation, telegram: TelegramServer, model: Talkative) -> None:
    """Readers, a stranger, bugs, a digest that comes through, a model that refuses the key, a token that is gone; then
    Telegram is gone, too."""
    anna, rita, mallory = telegram.user(ANNA, "Anna"), telegram.user(RITA, "Rita"), telegram.user(MALLORY, "Mallory")
    await rita.send(CITY.value, "/start")
    await said_to(telegram, RITA)
    await mallory.send(ADMIN.value, "/start")
    await said_to(telegram, MALLORY, str(MALLORY))
    with refused(installation, "INSERT ON actions"):
        await anna.send(ADMIN.value, f"/digest city {PERIOD}")
        await said_to(telegram, ANNA, "Something went wrong here")
    with refused(installation, "UPDATE ON work"):
        await anna.send(ADMIN.value, f"/digest city {PERIOD}")
        await until(lambda: "Traceback" in installation.log("worker"), "a task that fails")
    await said_to(telegram, RITA, "•")
    model.refuses = True
    await anna.send(ADMIN.value, f"/digest parks {PERIOD}")
    await said_to(telegram, ANNA, "refused the key")
    await telegram.revoke_token(CITY.value)
    await until(lambda: "public bot is not served" in installation.log("bot"), "the end of the bot without a token")
    for command in ("/status", "/bots", "/sources", "/errors"):
        await anna.send(ADMIN.value, command)
    await said_to(telegram, ANNA, "went wrong lately", "City", "Parks", "does not accept")
    await telegram.__aexit__(None, None, None)
    await until(lambda: "does not answer" in installation.log("bot"), "the first refused connection")


def assert_worth_a_look(evidence: dict[str, bytes], witness: Witness) -> None:
    """What is scanned is really what was written, with the traces of what went wrong."""
    assert witness.has_seen_event("task-succeeded")
    assert b"--name worker" in evidence["the list of processes"]
    assert b"Traceback" in evidence["the file worker.log"]
    assert b"traceback" in evidence["the file bot.log"]
    assert b"IntegrityError" in evidence["the file bot.log"]
    assert b"process_bot_digest" in evidence["the events that Flower shows"]
    assert b"process_bot_digest" in evidence["what workers tell Flower"]
    assert b"pipeline flower" in evidence["the list of processes"]
    assert b"Flower is at" in evidence["the output of start_monitoring.sh"]
    assert b"process_bot_digest" in evidence["Flower's /api/tasks"]
    kept = (content for source, content in evidence.items() if source.startswith("the file flower.db"))
    assert any(b"process_bot_digest" in content for content in kept)
    assert any(b"broker_url" in content for source, content in evidence.items() if "/worker/" in source)
    assert b"PUBLISH" in evidence["the commands to Redis"]
    assert b"CITY_TOKEN" in evidence["the output of bots export"]
    assert b"refused the key" in evidence["the messages in Telegram"]
    assert b"SQLite format 3" in evidence["the file digest.db"]


@pytest.mark.parametrize("way", ["as it is", "in a URL", "in JSON", "by repr", "in base64"])
@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret.name)
def test_a_secret_that_leaks_would_be_found(secret: Secret, way: str) -> None:
    forms = {
        "as it is": secret.value.encode(),
        "in a URL": quote(secret.value, safe="").encode(),
        "in JSON": json.dumps({"a": [secret.value]}).encode(),
        "by repr": repr({"a": secret.value}).encode(),
        "in base64": base64.b64encode(f"Authorization: Bearer {secret.value}".encode()),
    }
    assert len(leaks(SECRETS, {"a log": b"2026 INFO " + forms[way] + b" is the key"})) == 1


async def prepare(installation: Installation) -> dict[str, bytes]:
    """Posts, and two public bots with their tokens; what was printed."""
    file = installation.folder.parent / "bots.toml"
    file.write_text(
        BOTS.format(slug="city", title="City", variable="CITY_TOKEN")
        + BOTS.format(slug="parks", title="Parks", variable="PARKS_TOKEN")
    )
    posts = installation.folder.parent / "posts.jsonl"
    first = (HOME / "samples" / "posts_en.jsonl").read_text().splitlines(keepends=True)[:POSTS]
    posts.write_text("".join(first))
    return {
        **await output(installation, "import", str(posts), "--source", "wire"),
        **await output(installation, "bots", "apply", str(file)),
    }


def start_everything(installation: Installation) -> None:
    """A worker that logs text, and a bot that logs JSON."""
    installation.start_worker("worker", "--concurrency", "4")
    installation.environment["DIGEST_LOGGING__FORMAT"] = "json"
    installation.start_bot()


@contextmanager
def refused(installation: Installation, statement: str) -> Iterator[None]:
    """A database that refuses such statements for a reason that nobody expects."""
    file = installation.folder / "digest.db"
    change(file, f"CREATE TRIGGER broken BEFORE {statement} BEGIN SELECT RAISE(ABORT, 'it is broken'); END")
    yield
    change(file, "DROP TRIGGER broken")


def change(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file, timeout=20)) as connection:
        connection.execute(statement)
        connection.commit()


async def said_to(telegram: TelegramServer, chat_id: int, *words: str) -> None:
    """Wait until a message in this chat has said all these words."""

    def found() -> bool:
        texts = (text for message in telegram.sent if message.chat.id == chat_id for text in message.texts)
        return any(all(word in text for word in words) for text in texts)

    await telegram.wait_for(found, timeout=DEADLINE_S)


def heard_by(telegram: TelegramServer) -> dict[str, bytes]:
    """Everything that the bots said to Telegram, and what people saw of it."""
    versions = [version for message in telegram.sent for version in message.history]
    calls = [(call.method, call.params, call.files) for call in telegram.calls]
    return {"the messages in Telegram": repr(versions).encode(), "the calls to Telegram": repr(calls).encode()}
