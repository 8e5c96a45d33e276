"""Logs: as the settings ask for them, and no secret in any line."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from pipeline.log_marks import about, found_by, new_error_id
from pipeline.logs import configure_logging, name_process, say
from settings import (
    HOME,
    DatabaseSettings,
    LlmSettings,
    LoggingSettings,
    ProviderSettings,
    RedisSettings,
    SecuritySettings,
    Settings,
    TelegramSettings,
)

ADMIN_TOKEN = "123456:short-admin-token"
OTHER_TOKEN = "987654321:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw_-"
API_KEY = 'sk-"quoted"\\and-Ключ'
FALLBACK_KEY = "sk-fallback-000"
SECRET_KEY = "sk-fallback-000-and-more"
PASSWORD = "p:a55w0rd"
REDIS_PASSWORD = "redis/pass&word"
DATABASE_PASSWORD = "database password"
SECRETS = (
    *(ADMIN_TOKEN, OTHER_TOKEN, API_KEY, FALLBACK_KEY, SECRET_KEY, PASSWORD, REDIS_PASSWORD, DATABASE_PASSWORD),
    *("and-more", "a55w0rd", "AAHdqTcv", "pass%26word", "database%20password"),
)

Lines = Callable[[], list[str]]


def settings(**logs: str) -> Settings:
    return Settings.model_construct(
        telegram=TelegramSettings(admin_token=SecretStr(ADMIN_TOKEN)),
        llm=LlmSettings(api_key=SecretStr(API_KEY), fallback=ProviderSettings(api_key=SecretStr(FALLBACK_KEY))),
        security=SecuritySettings(secret_key=SecretStr(SECRET_KEY)),
        redis=RedisSettings(url=f"redis://:{quote(REDIS_PASSWORD, safe='')}@127.0.0.1/0"),
        database=DatabaseSettings(url=f"postgresql://host/name?password={quote(DATABASE_PASSWORD)}"),
        logging=LoggingSettings.model_validate(logs),
    )


@pytest.fixture(autouse=True)
def _logging_is_put_back() -> Iterator[None]:
    root, named = logging.getLogger(), logging.Logger.manager.loggerDict
    handlers, level = root.handlers[:], root.level
    # Else basicConfig(force=True) closes pytest's own handlers.
    root.handlers[:] = []
    levels = {name: one.level for name, one in named.items() if isinstance(one, logging.Logger)}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, one in named.items():
        if isinstance(one, logging.Logger):
            one.setLevel(levels.get(name, logging.NOTSET))


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    return lambda: capsys.readouterr().err.splitlines()


def fail_with(text: str) -> None:
    try:
        try:
            raise ConnectionError(f"cause {text}")
        except ConnectionError as error:
            raise RuntimeError(f"failure {text}") from error
    except RuntimeError:
        logging.getLogger("test").exception("It failed with %s", text)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    "text",
    [
        f"token {ADMIN_TOKEN}",
        f"https://api.telegram.org/bot{OTHER_TOKEN}/getMe",
        f"Bearer {API_KEY}!",
        f"{FALLBACK_KEY}, {SECRET_KEY}",
        f"postgresql+asyncpg://me:{PASSWORD}@host:5432/name",
        f"redis://:{PASSWORD}@127.0.0.1/0",
        f"redis://:p@{PASSWORD}@127.0.0.1/0",
        f"https://api.telegram.org/bot{quote(OTHER_TOKEN)}/getMe",
        f"AUTH {REDIS_PASSWORD}",
        f"AUTH default {quote(REDIS_PASSWORD, safe='')}",
        f"postgresql://host/name?user=me&password={quote(DATABASE_PASSWORD)}",
        f"password authentication failed: {DATABASE_PASSWORD}",
    ],
)
def test_no_secret_in_a_line_or_a_traceback(lines: Lines, form: str, text: str) -> None:
    configure_logging(settings(format=form))

    fail_with(text)

    written = "\n".join(lines())
    assert "It failed with" in written
    assert "failure" in written
    assert "cause" in written
    assert "•••" in written
    read = [json.loads(line) for line in written.splitlines()] if form == "json" else []
    for secret in SECRETS:
        assert secret not in written
        assert all(secret not in str(value) for line in read for value in line.values())


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_shown_by_repr_is_hidden_too(lines: Lines, form: str) -> None:
    configure_logging(settings(format=form))
    logging.getLogger("test").warning("headers %r", {"authorization": API_KEY})
    assert "quoted" not in "".join(lines())


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_error_that_ends_the_program_or_a_thread_shows_no_secret(form: str) -> None:
    program = (
        "import threading\n"
        "from pipeline.logs import configure_logging, log_unhandled_errors\n"
        "from settings import load_settings\n"
        "configure_logging(load_settings())\n"
        "log_unhandled_errors()\n"
        "def fail(): raise ConnectionError('first ' + load_settings().telegram.admin_token.get_secret_value())\n"
        "thread = threading.Thread(target=fail)\n"
        "thread.start()\n"
        "thread.join()\n"
        "fail()\n"
    )
    variables = {"DIGEST_TELEGRAM__ADMIN_TOKEN": ADMIN_TOKEN, "DIGEST_LOGGING__FORMAT": form}
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=HOME, env={**os.environ, **variables}, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr.count("ConnectionError: first •••") == 2
    assert ADMIN_TOKEN not in ended.stdout + ended.stderr


def test_what_is_no_secret_is_not_hidden(lines: Lines) -> None:
    configure_logging(settings())
    text = "Run 12345:67 of https://example.org:8443/a?b=c@d at 10:30:00 by sk-other"
    logging.getLogger("test").info(text)
    assert [line.partition("test: ")[2] for line in lines()] == [text]


def test_a_json_line_says_when_how_bad_who_and_what(lines: Lines) -> None:
    configure_logging(settings(format="json"))
    logging.getLogger("pipeline.x").warning("Первая\nвторая %d", 2)
    [line] = lines()
    read = json.loads(line)
    assert read.pop("time").endswith("+00:00")
    assert read.pop("process") == multiprocessing.current_process().name
    assert read == {"level": "WARNING", "logger": "pipeline.x", "message": "Первая\nвторая 2"}


def test_the_level_is_the_settings_and_quiet_means_warnings(lines: Lines) -> None:
    log = logging.getLogger("test")
    configure_logging(settings(level="DEBUG"))
    log.debug("one")
    logging.getLogger("aiosqlite").info("chatter")
    configure_logging(settings())
    log.debug("two")
    log.info("three")
    configure_logging(settings(), quiet=True)
    log.info("four")
    log.warning("five")
    assert [line.rpartition(" ")[2] for line in lines()] == ["one", "three", "five"]


def test_what_a_line_is_about_is_said_in_tasks_and_threads_that_were_started_there(lines: Lines) -> None:
    configure_logging(settings(format="json"))
    log = logging.getLogger("test")

    async def work(run: int, slug: str) -> None:
        with about(run=run, bot=slug):
            with about(work=run * 10):
                log.info("claimed by %s", slug)
                await asyncio.gather(asyncio.create_task(step(slug)), asyncio.to_thread(log.info, "thread of %s", slug))
            log.info("advanced %s", slug)

    async def step(slug: str) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            log.info("step of %s", slug)

    async def all_of_them() -> None:
        await asyncio.gather(*(work(run, f"city-{run}") for run in range(1, 33)))

    asyncio.run(all_of_them())
    log.info("nobody")
    read = [json.loads(line) for line in lines()]
    assert not {"run", "bot", "work", "error_id"} & read.pop().keys()
    assert len(read) == 32 * 6
    for line in read:
        assert line["message"].endswith(f" city-{line['run']}")
        assert line["bot"] == f"city-{line['run']}"
        assert line.get("work") == (None if line["message"].startswith("advanced") else line["run"] * 10)


def test_a_text_line_says_in_brackets_what_it_is_about(lines: Lines) -> None:
    configure_logging(settings())
    log = logging.getLogger("test")
    with about(run=12, bot="city"):
        log.info("First")
        with about(work=33):
            log.info("Second")
    with about(bot="city"):
        log.error("Third", extra=found_by("a1b2c3"))
    said = [line.partition("test: ")[2] for line in lines()]
    assert said == ["[run 12 city] First", "[run 12 city work 33] Second", "[city] [error a1b2c3] Third"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_id_that_people_are_told_finds_one_line_and_its_traceback(lines: Lines, form: str) -> None:
    configure_logging(settings(format=form))
    ids = [new_error_id() for _ in range(20)]
    for error_id in ids:
        try:
            raise RuntimeError("of this one")
        except RuntimeError:
            logging.getLogger("test").exception("It failed", extra=found_by(error_id))
    written = lines()
    for error_id in ids:
        [found] = [number for number, line in enumerate(written) if error_id in line]
        following = "\n".join(written[found : found + 6])
        assert "Traceback" in following
        assert "of this one" in following


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_in_what_a_line_is_about(lines: Lines, form: str) -> None:
    configure_logging(settings(format=form))
    name_process(API_KEY)
    with about(run=1, bot=f"city {OTHER_TOKEN} {API_KEY}"):
        logging.getLogger("test").warning("Something", extra=found_by(SECRET_KEY))
    written = "".join(lines())
    assert "•••" in written
    assert not [secret for secret in SECRETS if secret in written]


def test_the_last_words_of_a_service_are_json_where_its_lines_are(lines: Lines) -> None:
    configure_logging(settings(format="json"))
    say("The database is away.")
    configure_logging(settings(format="json"), quiet=True)
    say("There is no such bot.")
    configure_logging(settings())
    say("The database is away.")
    first, *others = lines()
    assert json.loads(first)["message"] == "The database is away."
    assert others == ["There is no such bot.", "The database is away."]
