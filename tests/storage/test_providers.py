"""What is remembered of model providers, and answers that are kept."""

from __future__ import annotations

from datetime import timedelta

from storage import model_answers, providers
from storage.database import Database
from storage.model_answers import KEPT_FOR
from storage.records import Failure
from tests.support import NOON

NO_KEY = Failure("model.key_refused", {"status": 401, "model": "m-1"})
NO_QUOTA = Failure("model.quota", {"status": 429, "model": "m-1"})


async def test_a_model_is_blocked_until_it_answers_whoever_provides_it_then(any_database: Database) -> None:
    async with any_database.write() as session:
        await providers.block(session, "old-key", "m-1", NO_KEY, NOON)
        await providers.block(session, "old-key", "m-1", NO_QUOTA, NOON + timedelta(minutes=1))
        await providers.block(session, "other", "m-2", NO_KEY, NOON)
    async with any_database.read() as session:
        assert await providers.blocked(session, ["m-1", "m-3"]) == {"m-1": NO_QUOTA}
    async with any_database.write() as session:
        assert await providers.works(session, "m-1")
        assert not await providers.works(session, "m-1"), "said once"
    async with any_database.read() as session:
        assert await providers.blocked(session, ["m-1", "m-2"]) == {"m-2": NO_KEY}


async def test_the_shortest_prompt_that_was_cut_counts(any_database: Database) -> None:
    async with any_database.write() as session:
        assert await providers.note_cut(session, "one", "m-1", 4000)
        assert await providers.note_cut(session, "one", "m-1", 2000)
        assert not await providers.note_cut(session, "one", "m-1", 3000), "less was known"
        assert await providers.note_cut(session, "two", "m-2", 8000)
    async with any_database.read() as session:
        assert (await providers.known(session, ["one", "two"], [])).most_prompt_tokens == 2000
        assert (await providers.known(session, ["two", "three"], [])).most_prompt_tokens == 8000
        assert (await providers.known(session, ["three"], [])).most_prompt_tokens is None


async def test_what_a_provider_reads_and_why_it_fails_are_remembered_side_by_side(any_database: Database) -> None:
    async with any_database.write() as session:
        await providers.block(session, "one", "m-1", NO_KEY, NOON)
        await providers.note_cut(session, "one", "m-1", 2000)
        await providers.works(session, "m-1")
    async with any_database.read() as session:
        assert (await providers.known(session, ["one"], [])).most_prompt_tokens == 2000


async def test_answers_are_kept_replaced_and_forgotten(any_database: Database) -> None:
    async with any_database.write() as session:
        await model_answers.keep(session, {"a": {"category": "Parks"}, "b": {"category": None}}, NOON)
        await model_answers.keep(session, {"a": {"category": "Transport"}}, NOON + timedelta(days=1))
        await model_answers.keep(session, {}, NOON)
    async with any_database.write() as session:
        assert await model_answers.find(session, ["a", "b", "c"]) == {
            "a": {"category": "Transport"},
            "b": {"category": None},
        }
        await model_answers.forget_old(session, NOON + KEPT_FOR + timedelta(hours=1))
        assert await model_answers.find(session, ["a", "b"]) == {"a": {"category": "Transport"}}
