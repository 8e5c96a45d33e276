"""What was dearly got is saved, however long the database is away."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from pipeline.services import saving
from pipeline.services.saving import save_patiently

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
