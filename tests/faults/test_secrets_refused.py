"""Settings, tokens and files that cannot be used are refused in words that do not repeat a secret."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.faults.leaks import ADMIN, API_KEY, CITY, PASSWORD, SECRET_KEY, SECRETS, leaks
from tests.faults.test_secrets import BOTS
from tests.faults.witness import files_in, output
from tests.processes import Installation
from tests.servers.telegram_server import TelegramServer


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        server.register_bot(ADMIN.value, 4242424242, "digest_desk_bot")
        yield server


@pytest.mark.parametrize(
    "variables",
    [
        {"DIGEST_TELEGRAM__ADMIN_TOKN": ADMIN.value},
        pytest.param({"DIGEST_TELEGRAM__OPERATOR_IDS": ADMIN.value}, marks=pytest.mark.slow),
        pytest.param({"DIGEST_TELEGRAM": ADMIN.value}, marks=pytest.mark.slow),
        pytest.param({"DIGEST_LLM__APIKEY": API_KEY.value}, marks=pytest.mark.slow),
        pytest.param({"DIGEST_LLM__MAX_CONCURRENCY": API_KEY.value}, marks=pytest.mark.slow),
        {"DIGEST_LLM__FALLBACK": API_KEY.value},
        pytest.param(
            {"DIGEST_REDIS__URL": f"http://:{quote(PASSWORD.value, safe='')}@127.0.0.1/0"}, marks=pytest.mark.slow
        ),
        pytest.param({"DIGEST_REDIS__URL": PASSWORD.value}, marks=pytest.mark.slow),
        pytest.param(
            {"DIGEST_DATABASE__URL": f"mysql://me:{quote(PASSWORD.value, safe='')}@127.0.0.1/name"},
            marks=pytest.mark.slow,
        ),
        {"DIGEST_DATABASE__URL": f"postgresql://me:{quote(PASSWORD.value, safe='')}@127.0.0.1:1/name"},
        pytest.param(
            {"DIGEST_DATABASE__URL": f"postgresql://127.0.0.1:1/name?password={quote(PASSWORD.value, safe='')}"},
            marks=pytest.mark.slow,
        ),
        pytest.param({"DIGEST_DATABASE__URL": PASSWORD.value}, marks=pytest.mark.slow),
        pytest.param({"DIGEST_SECURITY__SECRET_KEYS": SECRET_KEY.value}, marks=pytest.mark.slow),
    ],
    ids=lambda variables: next(iter(variables)),
)
async def test_settings_that_cannot_be_used_are_refused_without_their_value(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    printed = await output(Installation(tmp_path, **variables), "status")
    (said,) = printed.values()
    assert said.strip()
    assert b"Traceback" not in said
    assert leaks(SECRETS, printed) == []


@pytest.mark.parametrize(
    "key",
    ["token_env", *(pytest.param(key, marks=pytest.mark.slow) for key in ("token", "timezone", "schedule", "slug"))],
)
async def test_a_bots_file_that_holds_a_token_is_refused_without_it(tmp_path: Path, key: str) -> None:
    file = tmp_path / "bots.toml"
    good = BOTS.format(slug="city", title="City", variable="CITY_TOKEN").splitlines()
    others = [line for line in good if not line.startswith(f"{key} =")]
    others.insert(others.index("[[public_bots]]") + 1, f'{key} = "{CITY.value}"')
    file.write_text("\n".join(others))
    printed = await output(Installation(tmp_path), "bots", "apply", str(file))
    assert f"public_bots[0].{key}".encode() in printed["the output of bots apply"]
    assert leaks(SECRETS, printed) == []


@pytest.mark.parametrize("token", [f"x{ADMIN.value}", ADMIN.value], ids=["none", "revoked"])
async def test_an_admin_token_that_telegram_refuses_is_not_repeated(
    tmp_path: Path, telegram: TelegramServer, token: str
) -> None:
    await telegram.revoke_token(ADMIN.value)
    variables = {"DIGEST_TELEGRAM__API_URL": telegram.url, "DIGEST_ENGINE__MODE": "local"}
    made = Installation(tmp_path, DIGEST_TELEGRAM__ADMIN_TOKEN=token, DIGEST_LOGGING__LEVEL="DEBUG", **variables)
    bot = made.start("bot", sys.executable, "-m", "telegram_bot")
    assert await asyncio.to_thread(bot.wait, 60) == 2
    assert "telegram.admin_token" in made.log("bot")
    assert leaks(SECRETS, files_in(tmp_path)) == []
