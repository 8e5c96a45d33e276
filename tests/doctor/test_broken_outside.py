"""The doctor on a model that is away or refuses, and on tokens that Telegram does not take."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.adapters.token_box import TokenBox
from storage import public_bots
from tests.doctor.ward import Ward, utc_now
from tests.faults.leaks import ADMIN, CITY, PARKS, SECRET_KEY
from tests.servers.model_faults import Override, error, refusal
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_limits import Limits
from tests.support import make_spec

MODEL_FAULTS: dict[str, tuple[Callable[[], Override], str]] = {
    "key": (lambda: error(401), "refused the key for the model gpt-4.1-mini (status 401). Put a valid key into"),
    "quota": (lambda: error(429, code="insufficient_quota"), "quota for the model gpt-4.1-mini is used up"),
    "name": (
        lambda: error(404, "The model `gpt-4.1-mini` does not exist", code="model_not_found"),
        "does not know the model gpt-4.1-mini. Correct llm.model",
    ),
    "away": (lambda: Override(reset=True), "gpt-4.1-mini does not answer (no connection"),
    "broken": (lambda: error(503), "gpt-4.1-mini does not answer (HTTP 503). See whether its server works"),
    "hanging": (lambda: Override(hang=True), "gpt-4.1-mini does not answer (no answer within 1 s)"),
}


@pytest.mark.parametrize("what", MODEL_FAULTS)
async def test_what_is_wrong_with_the_model_is_named(ward: Ward, what: str) -> None:
    override, said = MODEL_FAULTS[what]
    ward.variables["LLM__TIMEOUT_S"] = "1"
    ward.model.behaviour = lambda question: override()
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Model"}
    assert said in report.faults["Model"]


async def test_a_model_that_answers_something_else_works(ward: Ward) -> None:
    ward.model.behaviour = lambda question: refusal()
    assert (await ward.doctor()).code == 0


async def test_the_second_model_is_asked_too(ward: Ward) -> None:
    ward.variables |= {"LLM__FALLBACK__BASE_URL": "http://127.0.0.1:1/v1", "LLM__FALLBACK__MODEL": "spare-model"}
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Second model"}
    assert "spare-model does not answer" in report.faults["Second model"]


async def test_the_admin_bots_token_is_refused(ward: Ward) -> None:
    await ward.telegram.revoke_token(ADMIN.value)
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Telegram"}
    assert "does not accept the admin bot's token. Get a new one from @BotFather" in report.faults["Telegram"]


async def test_a_public_bots_token_is_refused_and_the_bot_is_named(ward: Ward) -> None:
    await ward.telegram.revoke_token(PARKS.value)
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Public bots"}
    assert "the token of parks. Get a new one" in report.faults["Public bots"]
    assert "city" not in report.faults["Public bots"]


async def test_a_webhook_takes_the_updates_away(ward: Ward) -> None:
    ward.telegram.bot(ADMIN.value).webhook = "https://example.org/hook"
    ward.telegram.bot(CITY.value).webhook = "https://example.org/hook"
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Telegram", "Public bots"}
    assert "the updates of @digest_desk_bot go to a webhook" in report.faults["Telegram"]
    assert "the updates of city go to a webhook" in report.faults["Public bots"]
    assert "deleteWebhook" in report.faults["Public bots"]


async def test_a_paused_bot_is_not_asked_about(ward: Ward) -> None:
    await ward.telegram.revoke_token(PARKS.value)
    async with ward.write() as session:
        parks = await public_bots.by_slug(session, "parks")
        assert parks is not None
        await public_bots.set_paused(session, parks.id, utc_now(), is_paused=True)
    report = await ward.doctor()
    assert report.code == 0
    assert "1 (paused: 1)" in report.about("Public bots")


async def test_telegram_is_away(ward: Ward) -> None:
    ward.telegram.fault = lambda call: Fault.html(502)
    report = await ward.doctor()
    assert report.code == 1
    assert "it cannot be reached (HTTP 502). Check the network and telegram.api_url." in report.faults["Telegram"]
    assert "! Public bots: not asked about: 2" in report.about("Public bots")


async def test_a_server_that_admits_few_new_tokens_is_not_pressed(ward: Ward) -> None:
    """Thirty bots that it has never seen: it may be shown twenty a minute, by all of us together."""
    ward.telegram.limits = Limits(new_tokens_per_minute=20)
    async with ward.write() as session:
        for number in range(30):
            token = f"{8_000_000_000 + number}:AAD-W4cCityToken9b2f_of-the-city-012"
            ward.telegram.register_bot(token, 8_000_000_000 + number, f"more_{number}_bot")
            spec = make_spec(f"more-{number}", token_env="SOME_TOKEN")
            await public_bots.apply(session, spec, TokenBox(SECRET_KEY.value).encrypt(token), utc_now())
    report = await ward.doctor()
    assert report.code == 0
    assert "! Public bots: not asked about: 22" in report.about("Public bots")
    assert len({call.bot_id for call in ward.telegram.calls_of("getMe")}) == 11


async def test_the_secret_key_is_lost(ward: Ward) -> None:
    ward.variables["SECURITY__SECRET_KEY"] = "quite another key"
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Public bots"}
    assert "Restore the earlier DIGEST_SECURITY__SECRET_KEY or var/secret.key" in report.faults["Public bots"]
