"""A model that mixes up the posts of a batch is asked about each of them alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.ports import Answer, Brief, PostText
from pipeline.services.following import load_digest
from pipeline.services.starting import Order, start_run
from storage.database import Database
from storage.records import IncomingPost, Summary
from tests.fakes import FakeModel
from tests.support import NOON, do_all_work, make_tools, open_desk

TEXTS = (
    "Transport news the northern line gets ten modern trams in spring, says the council.",
    "Transport news a ferry collided with the wooden pier, nobody was injured.",
    "Parks news gardeners planted forty young maples beside the fountain.",
)


class MixedUp(FakeModel):
    """In a batch, every post gets the summary of the next one; or all get the first one's."""

    repeats_the_first = False

    async def summarize(self, brief: Brief, posts: Sequence[PostText]) -> Answer[Summary]:
        answer = await super().summarize(brief, posts)
        items = list(answer.items.values())
        mixed = items[:1] * len(items) if self.repeats_the_first else [*items[1:], *items[:1]]
        return replace(answer, items=dict(zip(answer.items, mixed, strict=True)))


@pytest.mark.parametrize("repeats_the_first", [False, True])
async def test_every_item_is_about_its_own_post(database: Database, repeats_the_first: bool) -> None:
    incoming = [
        IncomingPost(str(number), NOON - timedelta(minutes=number), text, f"https://example.org/{number}")
        for number, text in enumerate(TEXTS, 1)
    ]
    await open_desk(database, incoming)
    model = MixedUp()
    model.repeats_the_first = repeats_the_first
    tools = make_tools(database, model)
    started = await start_run(tools, Order("city"))
    await do_all_work(tools, started.run.id)
    digest = await load_digest(tools, started.run.id)
    assert digest is not None
    assert {item.url: item.headline for item in digest.items} == {
        f"https://example.org/{number}": text[:60].strip() for number, text in enumerate(TEXTS, 1)
    }
    sizes = sorted(len(texts) for kind, texts in model.calls if kind == "summarize")
    assert sizes == [1, 1, 1, 3]
