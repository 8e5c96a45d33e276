"""What must be true after any fault: read from the database, the model server and the Telegram server alike."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from sqlalchemy import create_engine, text

from pipeline.queues import ALL_QUEUES
from settings import HOME
from storage.database import database_url
from storage.records import PostStatus
from tests.servers.model_server import Call, ModelServer
from tests.servers.telegram_server import TelegramServer

DEADLINE_S = 120.0
ENDED = {"done", "failed", "cancelled"}
UNFINISHED = {PostStatus.FRESH, PostStatus.CATEGORIZED, PostStatus.CHOSEN}
log = logging.getLogger(__name__)
Asked = tuple[str, str]  # the kind of a question and the text of a post


def wait_for(condition: Callable[[], bool], what: str | Callable[[], str], timeout_s: float = DEADLINE_S) -> float:
    """Wait for a condition; how many seconds it took."""
    started = time.monotonic()
    while not condition():
        waited_for = what if isinstance(what, str) else what()
        assert time.monotonic() - started < timeout_s, f"{waited_for} did not come about within {timeout_s:.0f} s"
        time.sleep(0.05)
    return time.monotonic() - started


def measured(what: str, seconds: float) -> None:
    """For docs/reliability.md: seen with `-o log_cli=true -o log_cli_level=INFO`."""
    log.info("MEASURED %s: %.1f s", what, seconds)


@dataclass(frozen=True)
class RunState:
    """A run as it stands in the database; `why` is what it says when it has not come to a good end."""

    id: int
    slug: str
    state: str
    why: str

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def says_why_it_waits(self) -> bool:
        return self.state == "awaiting_approval" or bool(self.why)


class Ledger:
    """The accounts of one installation.

    Every look remembers which answers are saved, so that in the end no later call may have asked for one of them.
    """

    def __init__(self, setting: str, model: ModelServer, telegram: TelegramServer, redis_url: str) -> None:
        url = database_url(setting, HOME)
        self._engine = create_engine(url.set(drivername=url.drivername.replace("+aiosqlite", "")))
        self._model = model
        self._telegram = telegram
        self._redis_url = redis_url
        self._saved_at: dict[Asked, float] = {}

    def close(self) -> None:
        self._engine.dispose()

    def rows(self, query: str, **values: object) -> Sequence[Any]:
        """What a query finds."""
        with self._engine.connect() as connection:
            return connection.execute(text(query), values).all()

    def runs(self) -> list[RunState]:
        query = (
            "SELECT runs.id, slug, state, runs.is_paused, notice, failure FROM runs "
            "JOIN public_bots ON public_bots.id = public_bot_id ORDER BY runs.id"
        )
        return [
            RunState(id_, slug, state, str(failure or notice or ("paused" if is_paused else "")))
            for id_, slug, state, is_paused, notice, failure in self.rows(query)
        ]

    def look(self) -> list[RunState]:
        """Remember what is saved by now; the runs."""
        query = (
            "SELECT posts.text, run_posts.category IS NOT NULL OR status IN "
            "('categorized', 'chosen', 'summarized', 'passed_over', 'irrelevant'), status = 'summarized' "
            "FROM run_posts JOIN posts ON posts.id = post_id"
        )
        saved = self.rows(query)
        now = time.time()
        for post, is_judged, is_summarized in saved:
            for kind, is_saved in (("categorization", is_judged), ("summarization", is_summarized)):
                if is_saved:
                    self._saved_at.setdefault((kind, post), now)
        return self.runs()

    def wait_for_the_end(self, number: int, timeout_s: float = DEADLINE_S) -> list[RunState]:
        """Wait until so many runs have ended and none goes on or waits without a reason."""

        def all_ended() -> bool:
            runs = self.look()
            settled = [run for run in runs if run.has_ended or run.says_why_it_waits]
            return len(settled) == len(runs) >= number

        wait_for(all_ended, lambda: f"the end of {self.runs()}, {self.open_work()}", timeout_s)
        return self.runs()

    def open_work(self) -> list[tuple[Any, ...]]:
        """Work that is claimed or waits, with what it waits for."""
        query = (
            "SELECT id, kind, state, crashes, retries, last_error, post_ids FROM work "
            "WHERE state IN ('pending', 'claimed') ORDER BY id"
        )
        return [tuple(row) for row in self.rows(query)]

    def statuses(self, run_id: int) -> Counter[str]:
        """The posts of a run by where they have got to."""
        query = "SELECT status, count(*) FROM run_posts WHERE run_id = :run_id GROUP BY status"
        return Counter(dict(tuple(row) for row in self.rows(query, run_id=run_id)))

    def set_aside(self) -> dict[str, str]:
        """The posts that were set aside, with the reason."""
        query = "SELECT text, reason FROM run_posts JOIN posts ON posts.id = post_id WHERE status = 'set_aside'"
        return {row[0]: row[1] or "" for row in self.rows(query)}

    def deliveries(self) -> list[tuple[str, int, int, str]]:
        """Every delivery: public bot, chat, part, state."""
        query = (
            "SELECT slug, chat_id, part, deliveries.state FROM deliveries "
            "JOIN digests ON digests.id = digest_id JOIN public_bots ON public_bots.id = digests.public_bot_id"
        )
        return [tuple(row) for row in self.rows(query)]

    def queued(self) -> int:
        """Messages that wait in the queues."""
        with Redis.from_url(self._redis_url) as client:
            return sum(int(client.llen(queue)) for queue in ALL_QUEUES)

    def asked_for_what_was_saved(self) -> list[tuple[Asked, Call]]:
        """Calls of the model that ask for an answer which had been saved before they began."""
        return [
            ((kind, post), call)
            for (kind, post), saved_at in self._saved_at.items()
            for call in self._model.calls
            if call.kind == kind and call.started_at > saved_at and any(post in asked for asked in call.posts.values())
        ]

    def check(self, posts: int | None = None) -> None:
        """Every run ended or says why it waits; every post accounted for; no saved answer asked for again; nothing
        twice in a chat, and every doubt written down; nothing held or left over.

        Args:
            posts: how many there are in the run, where there is one run.
        """
        self._check_runs(posts)
        again = self.asked_for_what_was_saved()
        assert not again, f"{len(again)} saved answers were asked for again: {again[0]}"
        self._check_deliveries()
        self._check_nothing_is_left()

    def _check_runs(self, posts: int | None) -> None:
        for run in self.look():
            assert run.has_ended or run.says_why_it_waits, run
            assert run.state != "failed" or run.why, run
            counts = self.statuses(run.id)
            if run.has_ended:
                assert not UNFINISHED & counts.keys(), (run, counts)
            if posts is not None:
                assert counts.total() == posts, (run, counts)
        assert all(self.set_aside().values()), "a post was set aside without a reason"

    def _check_deliveries(self) -> None:
        readers = {row[0] for row in self.rows("SELECT DISTINCT chat_id FROM deliveries")}
        arrived = Counter(
            (message.bot_id, message.chat.id, message.text)
            for message in list(self._telegram.sent)
            if message.chat.id in readers
        )
        assert max(arrived.values(), default=0) <= 1, f"twice: {arrived.most_common(1)}"
        states = Counter((chat_id, state) for _, chat_id, _, state in self.deliveries())
        ended = all(run.has_ended for run in self.runs())
        assert not ended or {state for _, state in states} <= {"sent", "failed", "unknown"}, states
        for chat_id in readers:
            there = sum(number for (_, chat, _), number in arrived.items() if chat == chat_id)
            sent, unknown = states[chat_id, "sent"], states[chat_id, "unknown"]
            assert sent <= there <= sent + unknown, f"chat {chat_id}: {there} arrived, {sent} sent, {unknown} in doubt"

    def _check_nothing_is_left(self) -> None:
        ended = "SELECT id FROM runs WHERE state IN ('done', 'failed', 'cancelled')"
        left = f"SELECT count(*) FROM work WHERE state IN ('pending', 'claimed') AND run_id IN ({ended})"
        assert self.rows(left)[0][0] == 0, self.open_work()
        claims = "SELECT count(*) FROM work WHERE state != 'claimed' AND (owner IS NOT NULL OR lease_until IS NOT NULL)"
        assert self.rows(claims)[0][0] == 0, "a lease is left over"
        wait_for(lambda: self.queued() == 0, "an empty queue", 30)
