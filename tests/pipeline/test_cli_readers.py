"""The command line and public bots that have readers. The local engine works; the readers' Telegram is a double's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import wiring
from pipeline.cli import main
from pipeline.commands import digest as digest_command
from pipeline.wiring import Process, open_process
from settings import Settings
from storage import public_bots, subscribers
from tests.fakes import FakeCouriers
from tests.pipeline.test_cli import BOTS, POSTS

PERIOD = ["--period", "2026-11-02"]
BOT = BOTS.replace('timezone = "UTC"', 'timezone = "UTC"\ntoken_env = "CITY_TOKEN"')

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def couriers() -> FakeCouriers:
    return FakeCouriers()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, couriers: FakeCouriers) -> None:
    for name, value in {
        "DATABASE__URL": f"sqlite:///{tmp_path}/digest.db",
        "ENGINE__MODE": "local",
        "LLM__PROVIDER": "offline",
        "REDIS__URL": "redis://127.0.0.1:1/0",
        "SECURITY__SECRET_KEY": "a key of the tests",
    }.items():
        monkeypatch.setenv(f"DIGEST_{name}", value)
    monkeypatch.setenv("CITY_TOKEN", "4242:AAE-a-token-of-the-tests-0123456789abcdef")

    @asynccontextmanager
    async def with_couriers(
        settings: Settings, role: str | None, *, with_local_engine: bool = False
    ) -> AsyncIterator[Process]:
        async with open_process(settings, role, with_local_engine=with_local_engine) as process:
            yield replace(process, tools=replace(process.tools, couriers=couriers))

    monkeypatch.setattr(digest_command, "open_process", with_couriers)


@pytest.fixture
def desk(settings: None, tmp_path: Path) -> Callable[[str], None]:
    """Makes a public bot with a token, two posts and three readers; its keys may be added to."""

    def make(more: str = "") -> None:
        (tmp_path / "bots.toml").write_text(BOT.replace('timezone = "UTC"', f'timezone = "UTC"\n{more}'))
        (tmp_path / "posts.json").write_text(json.dumps(POSTS))
        assert main(["import", str(tmp_path / "posts.json"), "--source", "wire"]) == 0
        assert main(["bots", "apply", str(tmp_path / "bots.toml")]) == 0
        add_readers(tmp_path)

    return make


def add_readers(folder: Path) -> None:
    async def add() -> None:
        settings = Settings.model_validate({"database": {"url": f"sqlite:///{folder}/digest.db"}})
        async with open_process(settings) as process, process.tools.database.write() as session:
            bot = await public_bots.by_slug(session, "city")
            assert bot is not None
            for chat_id in (1, 2, 3):
                await subscribers.subscribe(session, bot.id, chat_id, "en", wiring.utc_now())

    asyncio.run(add())


def test_a_digest_that_is_waited_for_goes_to_the_readers(
    desk: Callable[..., None], couriers: FakeCouriers, capsys: Printed
) -> None:
    desk()
    capsys.readouterr()
    assert main(["digest", "city", *PERIOD, "--wait"]) == 0
    printed = capsys.readouterr()
    assert "line 5" in printed.out
    assert "Delivered to 3 readers, failed 0, uncertain 0." in printed.err
    assert sorted(one.chat_id for one in couriers.delivered) == [1, 2, 3]
    assert main(["status"]) == 0
    assert "run 1 of city: done, 3 of 3 readers (delivered 3, failed 0, uncertain 0)" in capsys.readouterr().out
    assert main(["status", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["recent"]
    assert run["delivery"] == {"waiting": 0, "delivered": 3, "failed": 0, "uncertain": 0, "reasons": {}}


def test_a_digest_that_waits_for_approval_is_printed_as_a_draft_and_nobody_waits_for_ever(
    desk: Callable[..., None], couriers: FakeCouriers, capsys: Printed
) -> None:
    desk("approval = true")
    capsys.readouterr()
    assert main(["digest", "city", *PERIOD, "--wait"]) == 0
    printed = capsys.readouterr()
    assert "line 5" in printed.out
    assert "This is a draft: run 1 waits for an operator, who publishes it in Telegram to 3 readers." in printed.err
    assert not couriers.attempts
    assert main(["status"]) == 0
    assert "run 1 of city: awaiting_approval, would go to 3 readers" in capsys.readouterr().out


def test_no_deliver_gives_it_to_nobody_and_asks_nobody(
    desk: Callable[..., None], couriers: FakeCouriers, capsys: Printed
) -> None:
    desk("approval = true")
    capsys.readouterr()
    assert main(["digest", "city", *PERIOD, "--wait", "--no-deliver"]) == 0
    printed = capsys.readouterr()
    assert "line 5" in printed.out
    assert "draft" not in printed.err
    assert not couriers.attempts


@pytest.mark.parametrize(
    ("arguments", "with_token", "said"),
    [
        ([], True, "Its digest goes to the readers of city"),
        (["--no-deliver"], True, "Nobody is given it, so its posts stay free."),
        ([], False, "Nobody is given it without --wait, so its posts stay free."),
    ],
)
def test_a_digest_that_is_not_waited_for_says_who_gets_it(
    desk: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Printed,
    arguments: list[str],
    with_token: bool,
    said: str,
) -> None:
    desk()
    if not with_token:
        (tmp_path / "bots.toml").write_text(BOTS)
        main(["bots", "apply", str(tmp_path / "bots.toml")])
    monkeypatch.setenv("DIGEST_ENGINE__MODE", "celery")
    monkeypatch.setattr("pipeline.commands.digest.ring_for", ring_nobody)
    capsys.readouterr()
    assert main(["digest", "city", *PERIOD, *arguments]) == 0
    assert said in capsys.readouterr().out


async def ring_nobody(*_: object) -> None:
    """There is no broker here."""
