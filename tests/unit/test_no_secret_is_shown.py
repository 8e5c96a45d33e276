"""Whatever is put into a sentence, a log line or an error shows no secret of it."""

from __future__ import annotations

import traceback
from dataclasses import fields
from pathlib import Path

import pytest

from pipeline.adapters.courier import BotCourier
from pipeline.adapters.couriers import PublicCouriers
from pipeline.adapters.doorbell import CeleryDoorbell
from pipeline.adapters.limiter import RedisLimiter
from pipeline.adapters.openai_errors import failure_of
from pipeline.adapters.openai_reply import read_reply
from pipeline.adapters.token_box import TokenBox
from pipeline.celery_app import make_producer_app, make_worker_app
from pipeline.errors import BatchRefused, BrokerUnavailable, ForPeople, Retryable
from pipeline.wiring import open_process
from settings import HOME, DatabaseSettings, Settings
from storage.database import Database, database_url
from storage.records import BotToken, Engine, Ring, WorkKind
from telegram_bot.app import make_bot, make_pool
from telegram_bot.progress import Board
from tests.faults.leaks import Secret, leaks
from tests.support import make_settings

ADMIN = Secret("admin token", "4242424242:AAE-Q7xAdminToken5e0c_of-the-desk-01", "Q7xAdminToken5e0c")
CITY = Secret("public token", "7011111111:AAD-W4cCityToken9b2f_of-the-city-012", "W4cCityToken9b2f")
KEY = Secret("model's key", "sk-Z8mModelKey71aa", "Z8mModelKey71aa")
FALLBACK = Secret("second key", "sk-Z8mSecondKey55bb", "Z8mSecondKey55bb")
BOX = Secret("secret key", "V9sSecretKey66d1", "V9sSecretKey66d1")
REDIS = Secret("password of Redis", "K2rRedisPassword4f", "K2rRedisPassword4f")
DATABASE = Secret("password of the database", "N5pDatabasePassword8c", "N5pDatabasePassword8c")
SECRETS = (ADMIN, CITY, KEY, FALLBACK, BOX, REDIS, DATABASE)

REDIS_URL = f"redis://:{REDIS.value}@127.0.0.1:1/0"
DATABASE_URL = f"postgresql://me:{DATABASE.value}@127.0.0.1:1/name"


def full_settings() -> Settings:
    return make_settings(
        telegram={"admin_token": ADMIN.value, "operator_ids": [7]},
        database={"url": DATABASE_URL},
        redis={"url": REDIS_URL},
        llm={"api_key": KEY.value, "fallback": {"api_key": FALLBACK.value}},
        security={"secret_key": BOX.value},
    )


def shown(*things: object) -> list[str]:
    """The leaks in all that these things show of themselves, alone and inside others."""
    texts = [text for one in things for text in (repr(one), str(one), f"{one}", repr([one]), f"{(one,)!s}")]
    return leaks(SECRETS, {f"{text[:40]}…": text.encode() for text in texts})


def test_settings_in_every_form() -> None:
    settings = full_settings()
    tables = [getattr(settings, name) for name in Settings.model_fields]
    dumped = (settings.model_dump(), settings.model_dump_json(), settings.model_dump(mode="json"))
    assert shown(settings, *tables, *dumped, settings.model_copy(), settings.llm.fallback) == []
    assert settings.redis.url == REDIS_URL, "whoever needs it has it"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://host/name?user=me&password={DATABASE.value}",
        f"postgresql://me:{DATABASE.value}@host/name?password={DATABASE.value}&sslmode=require",
    ],
)
def test_passwords_that_stand_in_other_places_of_a_url(url: str) -> None:
    settings = make_settings(database={"url": url})
    assert shown(settings, settings.model_dump_json()) == []


async def test_everything_that_is_put_together_from_the_settings(tmp_path: Path) -> None:
    file = DatabaseSettings(url=f"sqlite:///{tmp_path}/digest.db")
    settings = full_settings().model_copy(update={"database": file})
    bot = make_bot(settings)
    async with open_process(settings) as process:
        tools = process.tools
        courier = await tools.couriers.of(1, TokenBox(BOX.value).encrypt(CITY.value))
        pool, board = make_pool(tools, bot.id), Board(tools, BotCourier(bot))
        parts = [getattr(tools, field.name) for field in fields(tools)]
        places = [vars(one) for one in (pool, board, courier, tools.couriers, *(one.model for one in tools.providers))]
        assert len(tools.providers) == 2
        assert shown(process, tools, *parts, bot, bot.session, courier, pool, board, *places) == []
    await bot.session.close()


async def test_what_knows_the_password_of_redis_or_of_the_database() -> None:
    database = Database(database_url(DATABASE_URL, HOME))
    apps = (make_worker_app(REDIS_URL), make_producer_app(REDIS_URL))
    assert shown(database, database.url, database._writer, vars(database), *apps, TokenBox(BOX.value)) == []
    await database.close()


def test_a_stored_token() -> None:
    assert shown(BotToken(1, "city", "en", CITY.value)) == []


def text_of(error: BaseException) -> str:
    """An error as a traceback shows it, with all that it came from."""
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "told",
    [
        {"message": f"Incorrect API key provided: {KEY.value}", "code": "invalid_api_key"},
        {"message": "no", "code": KEY.value, "type": KEY.value, "param": KEY.value},
        f"<html>Authorization: Bearer {KEY.value}</html>",
        None,
    ],
)
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 422, 429, 500, 503])
def test_what_a_model_server_repeats_gets_into_no_error(status: int, told: object) -> None:
    failure = failure_of(status, told, "gpt", None)
    assert isinstance(failure, Retryable | BatchRefused | ForPeople)
    assert shown(failure, vars(failure), failure.args) == []


@pytest.mark.parametrize(
    "body",
    [
        f'{{"error": {{"message": "{KEY.value}", "code": 401}}}}',
        f'{{"error": "{KEY.value}"}}',
        f"Bearer {KEY.value}",
        f'{{"choices": [{{"message": {{"refusal": "{KEY.value}"}}}}]}}',
        f'{{"choices": [{{"error": "{KEY.value}", "message": {{}}}}]}}',
    ],
)
def test_nor_what_is_inside_an_answer(body: str) -> None:
    with pytest.raises((Retryable, BatchRefused, ForPeople)) as raised:
        read_reply(body.encode(), 10, "gpt")
    assert shown(raised.value, vars(raised.value), text_of(raised.value)) == []


@pytest.mark.parametrize("api_url", ["http://127.0.0.1:1", "no address", "http://", "http://127.0.0.1:x"])
async def test_a_telegram_that_cannot_be_reached(api_url: str) -> None:
    """Even where the address itself, which holds the token, is what is wrong."""
    settings = full_settings()
    couriers = PublicCouriers(api_url, lambda: TokenBox(BOX.value))
    try:
        with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is not the matter here
            await (await couriers.of(1, TokenBox(BOX.value).encrypt(CITY.value))).send(5, text="hello")
        assert shown(raised.value, text_of(raised.value)) == []
    finally:
        await couriers.close()
    assert settings.telegram.admin_token is not None


async def test_a_broker_that_cannot_be_reached() -> None:
    doorbell, limiter = CeleryDoorbell(REDIS_URL, lambda: None), RedisLimiter(REDIS_URL, 25)
    for call in (
        lambda: doorbell.ring([Ring(1, 1, WorkKind.CATEGORIZE, Engine.CELERY)]),
        doorbell.depths,
        lambda: limiter.reserve(1, 1),
    ):
        with pytest.raises(BrokerUnavailable) as raised:
            await call()
        assert shown(raised.value, text_of(raised.value)) == []
    await doorbell.close()
    await limiter.close()
