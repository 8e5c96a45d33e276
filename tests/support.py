"""What many tests need: a desk with a public bot, posts and tools, and ways to do a run's work in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipeline.adapters.local_model_gate import LocalModelGate
from pipeline.ports import Couriers, Doorbell, Limiter, Limits, Model, ModelGate
from pipeline.pulse import owner_name
from pipeline.services.following import load_progress
from pipeline.services.working import perform
from pipeline.toolbox import Provider, Toolbox
from settings import Settings
from storage import posts, public_bots, ringing, sources, subscribers
from storage.database import Database
from storage.records import Category, ChatKind, Engine, IncomingPost, PublicBotSpec, Ring, RunProgress
from tests.fakes import FakeCouriers, FakeModel, fast_limiter

NO_REDIS = "redis://127.0.0.1:1/0"
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


class FakeDoorbell:
    """Remembers who rang; `unreachable` makes it behave like a broker that is away."""

    def __init__(self) -> None:
        self.rings: list[Ring] = []
        self.self_tests: list[int] = []
        self.queue_depths: Mapping[str, int] = {}
        self.unreachable: Exception | None = None

    async def ring(self, rings: Sequence[Ring]) -> None:
        if self.unreachable:
            raise self.unreachable
        self.rings.extend(rings)

    async def ring_self_test(self, self_test_id: int) -> None:
        if self.unreachable:
            raise self.unreachable
        self.self_tests.append(self_test_id)

    async def depths(self) -> Mapping[str, int]:
        if self.unreachable:
            raise self.unreachable
        return self.queue_depths

    async def close(self) -> None:
        """Nothing to close."""


def make_settings(**tables: Mapping[str, object]) -> Settings:
    """Settings from nothing but these tables and the defaults; no Redis is there, whatever runs on this machine."""
    return Settings.model_validate({"redis": {"url": NO_REDIS}, **tables})


def make_provider(
    model: Model, gate: ModelGate | None = None, *, is_fallback: bool = False, settings: Settings | None = None
) -> Provider:
    """A model with a gate that lets everybody in, or with another one."""
    llm = (settings or make_settings()).llm
    return Provider(model.name, model, gate or LocalModelGate(Limits()), llm, is_fallback)


def make_tools(
    database: Database,
    model: FakeModel | None = None,
    *,
    settings: Settings | None = None,
    doorbell: Doorbell | None = None,
    now: Callable[[], datetime] = lambda: NOON,
    owner: str | None = None,
    has_local_engine: bool = False,
    couriers: Couriers | None = None,
    limiter: Limiter | None = None,
    providers: tuple[Provider, ...] = (),
) -> Toolbox:
    return Toolbox(
        settings=settings or make_settings(),
        database=database,
        providers=providers or (make_provider(model or FakeModel(), settings=settings),),
        doorbell=doorbell or FakeDoorbell(),
        couriers=couriers or FakeCouriers(),
        limiter=limiter or fast_limiter(),
        now=now,
        owner=owner or owner_name(),
        has_local_engine=has_local_engine,
    )


def make_spec(slug: str = "city", **changes: object) -> PublicBotSpec:
    values: dict[str, object] = {
        "slug": slug,
        "title": "City news",
        "language": "en",
        "sources": ("wire",),
        "categories": (Category("Transport", ("trams, buses",)), Category("Parks", ("trees, lawns",))),
        "categorization_prompt": "For people who live here.",
        "summarization_prompt": "Plain words.",
        "max_posts_per_digest": 10,
        "timezone": "UTC",
    }
    return PublicBotSpec(**{**values, **changes})  # type: ignore[arg-type]


def make_posts(number: int, *, word: str = "Transport", start: int = 1) -> list[IncomingPost]:
    """Posts of the last hours before NOON, each with a text of its own that begins with its category."""
    return [
        IncomingPost(
            external_id=str(index),
            published_at=NOON - timedelta(minutes=index % 600 + 1),
            text=f"{word} story {index}: a tram on line {index} was repaired.",
            url=f"https://example.org/{index}",
        )
        for index in range(start, start + number)
    ]


async def open_desk(database: Database, incoming: Sequence[IncomingPost], spec: PublicBotSpec | None = None) -> None:
    """A source with posts, and a public bot that reads it."""
    spec = spec or make_spec()
    async with database.write() as session:
        source = await sources.ensure_file_source(session, spec.sources[0], title="The Wire", now=NOON)
        await posts.store(session, source.id, incoming, NOON)
        await public_bots.apply(session, spec, None, NOON)


async def open_bot(
    database: Database,
    incoming: Sequence[IncomingPost],
    readers: Sequence[int] = (),
    spec: PublicBotSpec | None = None,
) -> int:
    """The same with a token, and with chats that read it; the public bot's id. Ids below 0 are groups."""
    spec = spec or make_spec()
    await open_desk(database, incoming, spec)
    async with database.write() as session:
        await public_bots.apply(session, replace(spec, token_env="CITY_TOKEN"), "sealed", NOON)
        bot = await public_bots.by_slug(session, spec.slug)
        assert bot is not None
        for chat_id in readers:
            kind = ChatKind.PRIVATE if chat_id > 0 else ChatKind.SUPERGROUP
            await subscribers.subscribe(session, bot.id, chat_id, "en", NOON, kind=kind)
    return bot.id


async def do_all_work(tools: Toolbox, run_id: int, *, times: int = 1) -> RunProgress:
    """Do whatever is due, one piece after another, each `times` times, until nothing is."""
    while True:
        async with tools.database.read() as session:
            due = [*await ringing.due(session, Engine.CELERY, tools.now(), 100)]
            due += await ringing.due(session, Engine.LOCAL, tools.now(), 100)
        if not due:
            return await load_progress(tools, run_id)
        for ring in due:
            for _ in range(times):
                await perform(tools, ring.kind, ring.work_id)
