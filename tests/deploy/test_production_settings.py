"""deploy/settings.production.toml: complete, usable, in step with settings.toml, and without a secret."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from settings import HOME, Settings, load_settings

FILE = HOME / "deploy" / "settings.production.toml"
TEXT = FILE.read_text()


def keys(file: Path) -> dict[str, list[str]]:
    """The tables of a settings file with the keys in their order."""
    return {table: list(values) for table, values in tomllib.loads(file.read_text()).items()}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(FILE, tmp_path / "none")


def test_it_has_the_keys_of_the_projects_file_in_the_same_order() -> None:
    assert keys(FILE) == keys(HOME / "settings.toml")


def test_every_key_without_a_default_is_named_too() -> None:
    for table in Settings.model_fields:
        part = re.split(rf"^\[{table}\]$", TEXT, flags=re.M)[1].split("\n[")[0]
        for key in type(getattr(Settings(), table)).model_fields:
            assert re.search(rf"^{key} = |^# {key}:|^# \[{table}\.{key}\]", part, flags=re.M), f"{table}.{key}"


def test_it_is_for_people_who_rely_on_it(settings: Settings) -> None:
    assert settings.engine.mode == "celery"
    assert settings.digest.approval
    assert settings.logging.format == "json"
    assert settings.metrics.port
    assert settings.metrics.host == "127.0.0.1", "no other machine reads the metrics unless it is said so"
    assert settings.llm.provider == "openai", "a key that is missing must not go unnoticed"


def test_nothing_in_it_is_secret(settings: Settings) -> None:
    assert settings.telegram.admin_token is None
    assert settings.llm.api_key is None
    assert settings.security.secret_key is None
    for url in (settings.redis.url, settings.database.url):
        assert "@" not in url
