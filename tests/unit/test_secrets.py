"""Secrets: in no log line, and encrypted at rest."""

from __future__ import annotations

import io
import json
import logging
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.adapters.token_box import TokenBox, open_token_box
from pipeline.errors import ForPeople
from pipeline.logs import configure_logging
from settings import SecuritySettings
from tests.support import make_settings

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"
KEY = "sk-test-key-that-nobody-may-see"


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:], logger.level = handlers, level


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_shows_a_secret(root: logging.Logger, form: str) -> None:
    settings = make_settings(llm={"api_key": KEY}, telegram={"admin_token": TOKEN}, logging={"format": form})
    configure_logging(settings)
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.stream = io.StringIO()
    log = logging.getLogger("test")
    log.warning("POST https://api.telegram.org/bot%s/getMe with %s", TOKEN, KEY)
    log.warning("redis://:hunter2secret@localhost:6379 and postgresql://desk:hunter2secret@db/digest")
    try:
        raise ValueError(f"bad key {KEY}, of another bot 987654321:{TOKEN[10:]}")
    except ValueError:
        log.exception("it failed")
    written = handler.stream.getvalue()
    for secret in (TOKEN, KEY, TOKEN[10:], "hunter2secret"):
        assert secret not in written
    assert "it failed" in written
    assert "desk" in written
    if form == "json":
        assert [json.loads(line)["level"] for line in written.splitlines()] == ["WARNING", "WARNING", "ERROR"]


def test_a_token_is_read_back_with_its_key_only() -> None:
    sealed = TokenBox("one").encrypt(TOKEN)
    assert TOKEN not in sealed
    assert TokenBox("one").decrypt(sealed) == TOKEN
    with pytest.raises(ForPeople) as raised:
        TokenBox("two").decrypt(sealed)
    assert raised.value.message_id == "bots.secret_key_lost"


def test_a_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    key_file = tmp_path / "var" / "secret.key"
    with ThreadPoolExecutor(8) as threads:
        boxes = list(threads.map(lambda _: open_token_box(SecuritySettings(), key_file), range(8)))
    sealed = boxes[0].encrypt(TOKEN)
    assert {box.decrypt(sealed) for box in boxes} == {TOKEN}
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert [path.name for path in key_file.parent.iterdir()] == ["secret.key"]
