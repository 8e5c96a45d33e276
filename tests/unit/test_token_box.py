"""Public bots' tokens at rest: readable with the right key only, and one key however many processes start at once."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pydantic import SecretStr

from pipeline.adapters.token_box import TokenBox, open_token_box
from pipeline.errors import ForPeople
from settings import SecuritySettings

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
NO_KEY = SecuritySettings()


def test_a_token_comes_back_and_cannot_be_read_meanwhile() -> None:
    box = TokenBox("a key")
    encrypted = box.encrypt(TOKEN)
    assert TOKEN not in encrypted
    assert box.encrypt(TOKEN) != encrypted, "equal tokens do not look equal"
    assert TokenBox("a key").decrypt(encrypted) == TOKEN


@pytest.mark.parametrize("encrypted", [TokenBox("a key").encrypt(TOKEN), "", "nonsense", "чужое", TOKEN])
def test_another_key_says_what_happened(encrypted: str) -> None:
    with pytest.raises(ForPeople) as refused:
        TokenBox("another key").decrypt(encrypted)
    assert refused.value.message_id == "bots.secret_key_lost"
    assert refused.value.__suppress_context__


def test_the_settings_key_is_used_and_no_file_is_made(tmp_path: Path) -> None:
    box = open_token_box(SecuritySettings(secret_key=SecretStr("a key")), tmp_path / "secret.key")
    assert TokenBox("a key").decrypt(box.encrypt(TOKEN)) == TOKEN
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("security", [NO_KEY, SecuritySettings(secret_key=SecretStr(""))])
def test_without_one_a_key_is_made_once_for_its_owner_only(tmp_path: Path, security: SecuritySettings) -> None:
    key_file = tmp_path / "var" / "secret.key"

    encrypted = open_token_box(security, key_file).encrypt(TOKEN)

    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert open_token_box(security, key_file).decrypt(encrypted) == TOKEN
    assert list(key_file.parent.iterdir()) == [key_file]


def test_an_empty_key_file_is_no_key_that_anybody_could_guess(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("\n")
    with pytest.raises(ForPeople) as refused:
        open_token_box(NO_KEY, tmp_path / "secret.key")
    assert refused.value.message_id == "bots.secret_key_lost"


def test_eight_at_once_get_one_key(tmp_path: Path) -> None:
    for attempt in range(20):
        key_file = tmp_path / str(attempt) / "secret.key"
        barrier = Barrier(8)

        def open_box(_: int, barrier: Barrier = barrier, key_file: Path = key_file) -> TokenBox:
            barrier.wait(timeout=10)
            return open_token_box(NO_KEY, key_file)

        with ThreadPoolExecutor(8) as threads:
            boxes = list(threads.map(open_box, range(8)))

        encrypted = boxes[0].encrypt(TOKEN)
        assert {box.decrypt(encrypted) for box in [*boxes, open_token_box(NO_KEY, key_file)]} == {TOKEN}
        assert list(key_file.parent.iterdir()) == [key_file]
