"""What stands in the database and at the servers when a soak is over, read once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis import Redis

from benchmarks.soak.site import Site
from pipeline.stages.rendering import render_digest
from settings import HOME
from storage import digests
from storage.database import Database, database_url
from tests.servers.telegram_records import Call, Message
from texts import Texts

Parcel = tuple[int, int, int]  # digest, chat, part


@dataclass(frozen=True)
class Delivery:
    """A delivery as it stands in the database; times are Unix time."""

    parcel: Parcel
    state: str
    started_at: float | None


@dataclass(frozen=True)
class Books:
    """`arrived` counts what lies in the readers' chats, and `calls` are those that were to bring it there."""

    runs: Sequence[tuple[int, str, str, str]]
    statuses: Mapping[str, Counter[str]]
    posts_stored: int
    posts_never_seen: int
    digests: int
    deliveries: Sequence[Delivery]
    arrived: Counter[Parcel]
    arrived_at_operators: Counter[tuple[int, int]]
    calls: Mapping[Parcel, Sequence[Call]]
    open_work: Sequence[tuple[Any, ...]]
    owned_idle_work: int
    open_cards: int
    queued: Mapping[str, int]

    def count(self, state: str) -> int:
        return sum(run[2] == state for run in self.runs)

    def deliveries_in(self, state: str) -> list[Delivery]:
        return [one for one in self.deliveries if one.state == state]


async def read_books(site: Site) -> Books:
    parts = await _parts(site)
    rows = site.ledger.rows
    statuses: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for state, status, number in rows(
        "SELECT state, status, count(*) FROM run_posts JOIN runs ON runs.id = run_id GROUP BY state, status"
    ):
        statuses[state][status] = number
    return Books(
        runs=[(run.id, run.slug, run.state, run.why) for run in site.ledger.runs()],
        statuses=statuses,
        posts_stored=rows("SELECT count(*) FROM posts")[0][0],
        posts_never_seen=rows("SELECT count(*) FROM posts WHERE id NOT IN (SELECT post_id FROM run_posts)")[0][0],
        digests=rows("SELECT count(*) FROM digests")[0][0],
        deliveries=[
            Delivery((digest, chat, part), state, moment(started_at))
            for digest, chat, part, state, started_at in rows(
                "SELECT digest_id, chat_id, part, state, started_at FROM deliveries"
            )
        ],
        arrived=_arrived(site.telegram.sent, parts),
        arrived_at_operators=_arrived_at_operators(site, parts),
        calls=_calls(site.telegram.calls_of("sendMessage"), parts),
        open_work=site.ledger.open_work(),
        owned_idle_work=rows(
            "SELECT count(*) FROM work WHERE state != 'claimed' AND (owner IS NOT NULL OR lease_until IS NOT NULL)"
        )[0][0],
        open_cards=rows("SELECT count(*) FROM cards WHERE announced_at IS NULL AND is_gone = false")[0][0],
        queued=queued(site),
    )


def moment(value: Any) -> float | None:
    """A time of the database as Unix time: SQLite gives text without a zone, which is UTC."""
    if value is None:
        return None
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return float((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def queued(site: Site) -> dict[str, int]:
    """Every list and every open acknowledgement in Redis that is not empty."""
    lengths: dict[str, int] = {}
    with Redis.from_url(site.redis.url, decode_responses=True) as client:
        for key in client.scan_iter():
            kind = client.type(key)
            if kind == "list":
                lengths[key] = int(client.llen(key))
            elif key.startswith("unacked") and kind == "hash":
                lengths[key] = int(client.hlen(key))
    return lengths


async def _parts(site: Site) -> dict[tuple[int, str], tuple[int, int]]:
    """(public bot's Telegram id, text) → (digest, part)."""
    telegram_ids = {audience.slug: audience.telegram_id for audience in site.audiences}
    database = Database(database_url(site.database_setting, HOME))
    parts = {}
    async with database.read() as session:
        for (run_id,) in site.ledger.rows("SELECT run_id FROM digests"):
            digest = await digests.of_run(session, run_id)
            assert digest is not None
            for number, message in enumerate(render_digest(digest, Texts(digest.language))):
                parts[telegram_ids[digest.bot_slug], message.text] = (digest.id, number)
    await database.close()
    return parts


def _arrived(sent: Sequence[Message], parts: Mapping[tuple[int, str], tuple[int, int]]) -> Counter[Parcel]:
    found: Counter[Parcel] = Counter()
    for message in sent:
        if part := parts.get((message.bot_id or 0, message.text)):
            found[part[0], message.chat.id, part[1]] += 1
    return found


def _arrived_at_operators(site: Site, parts: Mapping[tuple[int, str], tuple[int, int]]) -> Counter[tuple[int, int]]:
    of_text = {text: part for (_, text), part in parts.items()}
    mine = (message.text for message in site.telegram.sent if message.chat.id == site.anna.id)
    return Counter(of_text[text] for text in mine if text in of_text)


def _calls(calls: Sequence[Call], parts: Mapping[tuple[int, str], tuple[int, int]]) -> dict[Parcel, list[Call]]:
    found: defaultdict[Parcel, list[Call]] = defaultdict(list)
    for call in calls:
        if part := parts.get((call.bot_id or 0, str(call.params.get("text")))):
            found[part[0], int(call.chat_id), part[1]].append(call)
    return found
