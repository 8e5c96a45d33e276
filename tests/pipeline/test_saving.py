"""What was dearly got is saved, however long the database is away."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from pipeline.services import saving
from pipeline.services.receiving import ChannelMessage, add_channel, receive
from pipeline.services.saving import save_patiently
from storage import posts, sources
from storage.database import Database
from storage.records import COMMAND_LINE
from tests.support import NOON, make_tools

LOCKED = OperationalError("an update", {}, sqlite3.OperationalError("database is locked"))


class Saving:
    """Fails as it is told to, then works."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.is_saved = False

    async def __call__(self) -> None:
        if self._failures:
            raise self._failures.pop(0)
        self.is_saved = True


async def test_it_is_tried_until_it_works(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(saving, "LONGEST_WAIT_S", 0.0)
    save = Saving(*[LOCKED] * 8)
    await save_patiently("The answer", save)
    assert save.is_saved
    assert "an update" not in caplog.text


async def test_it_is_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "PATIENCE_S", 0.0)
    with pytest.raises(OperationalError):
        await save_patiently("The answer", Saving(LOCKED))


async def test_what_is_no_trouble_of_the_database_goes_through_at_once() -> None:
    bug = IntegrityError("an insert", {}, sqlite3.IntegrityError("a constraint"))
    with pytest.raises(IntegrityError):
        await save_patiently("The answer", Saving(bug))


async def test_a_post_of_a_channel_is_stored_once_the_database_is_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram gives it only once."""
    monkeypatch.setattr(saving, "LONGEST_WAIT_S", 0.0)
    tools = make_tools(database)
    await add_channel(tools, chat_id=-100123, title="The Wire", username="wire", actor=COMMAND_LINE)
    store, failures = posts.store, [LOCKED, LOCKED]

    async def store_at_last(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return await store(*arguments)

    monkeypatch.setattr("storage.posts.store", store_at_last)
    assert await receive(tools, ChannelMessage(-100123, 5, NOON, "A lime was planted."))
    async with database.read() as session:
        assert (await sources.count(session))[1] == 1
