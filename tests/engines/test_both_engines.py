"""Runs of every size, by a real Celery worker on a real Redis and by the local engine.

Every post is accounted for, and the same posts give the same digest."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from settings import HOME
from storage.database import Database, database_url
from storage.schema import migrate
from tests.processes import Installation
from tests.support import make_posts, make_spec, open_desk

PERIOD = "2026-11-02..2026-11-03"


@pytest.fixture(scope="module", autouse=True)
def worker(installation: Installation) -> None:
    installation.start_worker("worker", "--concurrency", "16")


def store_posts(installation: Installation, number: int) -> str:
    """A public bot with so many posts; its slug."""
    slug = f"city-{number}"

    async def store() -> None:
        url = database_url(installation.database_url, HOME)
        await migrate(url)
        database = Database(url)
        posts = [*make_posts(number - number // 3), *make_posts(number // 3, word="Parks", start=1000)]
        await open_desk(database, posts, make_spec(slug, sources=(slug,)))
        await database.close()

    asyncio.run(store())
    return slug


def forget_answers(installation: Installation) -> None:
    """The model is asked anew: its answers to the same posts were kept."""
    with closing(sqlite3.connect(installation.folder / "digest.db")) as connection, connection:
        connection.execute("DELETE FROM model_answers")


def make_digest(installation: Installation, slug: str, engine: str) -> dict[str, Any]:
    installation.environment["DIGEST_ENGINE__MODE"] = engine
    arguments = ("digest", slug, "--period", PERIOD, "--wait", "--no-deliver", "--format", "json")
    digest: dict[str, Any] = json.loads(installation.pipeline(*arguments).stdout)
    return digest


def last_run(installation: Installation) -> dict[str, Any]:
    recent: list[dict[str, Any]] = json.loads(installation.pipeline("status", "--json").stdout)["recent"]
    return recent[0]


@pytest.mark.parametrize("number", [1, 5, 10, 50, 500])
def test_both_engines_account_for_every_post_and_give_the_same_digest(installation: Installation, number: int) -> None:
    slug = store_posts(installation, number)
    digests = {}
    for engine in ("celery", "local"):
        forget_answers(installation)
        digest = make_digest(installation, slug, engine)
        run = last_run(installation)
        assert (run["id"], run["engine"], run["state"]) == (digest.pop("run_id"), engine, "done")
        assert sum(run["posts"].values()) == number
        assert run["model_calls"] > 0
        assert set(run["posts"]) <= {"summarized", "passed_over", "irrelevant", "duplicate"}
        digests[engine] = digest
    assert digests["celery"] == digests["local"]
    assert sum(len(section["items"]) for section in digests["celery"]["sections"]) >= 1
