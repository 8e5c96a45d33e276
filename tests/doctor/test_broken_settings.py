"""The doctor on settings that cannot be used, are missing, or can be read by others."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from pipeline.commands import doctor
from pipeline.examination import examination
from pipeline.usable_settings import usable_settings
from tests.doctor.ward import Ward


async def test_a_redis_url_that_cannot_be_used_leads_to_no_other_redis(ward: Ward) -> None:
    ward.variables["REDIS__URL"] = "http://127.0.0.1/"
    report = await ward.doctor()
    assert report.code == 2
    assert report.about("Redis") == "– Redis: not looked at, because redis.url cannot be used."
    assert "redis.url in the environment (DIGEST_REDIS__URL) cannot be used" in report.faults["Settings"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b'DIGEST_LLM__MODEL="x\n', "line 1, cannot be read"),
        ("DIGEST_LLM__MODEL=x\n".encode("utf-16"), "is not UTF-8 text: save it as UTF-8"),
    ],
)
async def test_an_env_file_that_cannot_be_read_leaves_what_the_environment_says(
    ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bytes, said: str
) -> None:
    (tmp_path / ".env").write_bytes(written)
    monkeypatch.setattr(doctor, "usable_settings", partial(usable_settings, tmp_path / ".env"))
    del ward.variables["REDIS__URL"]
    report = await ward.doctor()
    assert report.code == 2
    assert report.faults.keys() == {"Settings"}
    assert said in report.faults["Settings"]
    assert report.about("Redis").startswith("– Redis: not looked at")
    assert report.about("Database").startswith("✓")


async def test_a_missing_key_is_named_before_anybody_is_asked(ward: Ward) -> None:
    ward.variables |= {"LLM__PROVIDER": "openai", "LLM__API_KEY": "", "LLM__BASE_URL": ""}
    ward.variables |= {"LLM__FALLBACK__PROVIDER": "openai"}
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Model", "Second model"}
    assert "there is no key for gpt-4.1-mini: set DIGEST_LLM__API_KEY" in report.faults["Model"]
    assert "set DIGEST_LLM__FALLBACK__API_KEY" in report.faults["Second model"]


@pytest.mark.parametrize(
    ("mode", "written", "warns"),
    [
        (0o644, "CITY_TOKEN=1:x\n", True),
        (0o640, "DIGEST_DATABASE__URL=postgresql://digest:word@127.0.0.1/digest\n", True),
        (0o600, "CITY_TOKEN=1:x\n", False),
        (0o644, "DIGEST_LLM__MODEL=x\nDIGEST_LLM__API_KEY=\n", False),
    ],
)
async def test_secrets_that_others_can_read_are_a_warning(
    ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, written: str, warns: bool
) -> None:
    file = tmp_path / ".env"
    file.write_text(written)
    os.chmod(file, mode)
    monkeypatch.setattr(doctor, "examination", partial(examination, env_file=file))
    report = await ward.doctor()
    assert report.code == 0
    assert (f"! Settings: others on this machine can read the secrets in {file}" in report.about("Settings")) is warns
    assert (f"Run: chmod 600 {file}" in report.about("Settings")) is warns
