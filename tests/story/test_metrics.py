"""Prometheus' view of a real day: bot and two workers as processes, one endpoint, and counts that the rows confirm."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pipeline.adapters.metrics.catalogue import CATALOGUE
from tests.monitoring.watching import unanswered
from tests.processes import Installation, until
from tests.scraping import Scrape, fetch, free_port
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_server import TelegramServer
from tests.story.conftest import OPERATOR, TOKEN
from tests.story.test_readers import DEADLINE_S, PERIODS, PUBLIC_TOKEN, prepare

READERS = tuple(range(501, 507))
DEAF, LOST = READERS[0], READERS[1]  # one has blocked the bot, one is cut off from Telegram's answer
SERVED = "Metrics of this host are served"


class Rows:
    """What the database says."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "digest.db"

    def counts(self, query: str) -> dict[str, float]:
        """Rows of two columns, a name and a number."""
        with sqlite3.connect(self._path) as connection:
            return dict(connection.execute(query).fetchall())

    def number(self, query: str) -> float:
        with sqlite3.connect(self._path) as connection:
            (number,) = connection.execute(query).fetchone()
            return float(number)


async def make_a_day(installation: Installation, telegram: TelegramServer, folder: Path) -> Rows:
    """Readers come, an operator asks for a digest, and it goes out; two of the readers are not simply reached."""
    public = telegram.register_bot(PUBLIC_TOKEN, 4343, "city_news_bot")
    prepare(installation, folder)
    for name in ("first", "second"):
        installation.start_worker(name)
    installation.start_bot()
    for chat in READERS:
        await telegram.user(chat, "Rita").send(PUBLIC_TOKEN, "/start")
        await telegram.wait_for(lambda chat=chat: telegram.messages(chat, public.id), timeout=DEADLINE_S)  # type: ignore[misc]

    faults = {DEAF: Fault.error(403, "Forbidden: bot was blocked by the user"), LOST: Fault.lose_answer()}
    telegram.fault = lambda call: faults.get(call.chat_id)
    await telegram.user(OPERATOR, "Anna").send(TOKEN, f"/digest city {PERIODS[0]}")
    rows = Rows(folder)
    await until(lambda: rows.number("SELECT count(*) FROM runs WHERE state = 'done'") == 1, "the end of the run")
    return rows


async def test_the_endpoint_says_what_the_rows_say_whoever_serves_it(
    installation: Installation, telegram: TelegramServer, tmp_path: Path
) -> None:
    port = free_port()
    installation.environment["DIGEST_METRICS__PORT"] = str(port)
    installation.environment["DIGEST_METRICS_DIR"] = str(tmp_path / "metrics")
    rows = await make_a_day(installation, telegram, tmp_path)

    async def scraped() -> bool:
        return (await fetch(port)).value("digest_runs_ended_total") == 1

    await until(scraped, "the count of the run")
    seen = await fetch(port)
    assert seen.names >= set(CATALOGUE), "every metric that there is"
    check(seen, rows)
    assert unanswered(seen) == [], "what the dashboard and the alerts ask for"
    texts = [sample for name in seen.names for labels in seen.labels(name) for sample in labels.values()]
    assert not [text for text in texts if any(str(chat) in text for chat in READERS) or "AAH" in text]

    (server,) = [name for name in ("first", "second", "bot") if SERVED in installation.log(name)]
    served_before = {name: installation.log(name).count(SERVED) for name in ("first", "second", "bot")}
    installation.kill_all(server)

    async def served_by_another() -> bool:
        try:
            found = await fetch(port)
        except OSError:
            return False
        return len(found.labels("digest_process_start_time_seconds")) == 2

    await until(served_by_another, "another process at the endpoint, and the end of the dead one's gauges", 20)
    others = {"first", "second", "bot"} - {server}
    assert any(installation.log(name).count(SERVED) > served_before[name] for name in others)
    check(await fetch(port), rows)


def check(seen: Scrape, rows: Rows) -> None:
    ended = "SELECT state, count(*) FROM runs WHERE state IN ('done', 'failed', 'cancelled') GROUP BY 1"
    assert seen.by("state", "digest_runs_ended_total", public_bot="city") == rows.counts(ended)
    assert seen.value("digest_run_duration_seconds_count", state="done") == 1
    posts = "SELECT status, count(*) FROM run_posts GROUP BY 1"
    assert seen.by("outcome", "digest_posts_total", public_bot="city") == rows.counts(posts)
    assert seen.by("model", "digest_model_calls_total", outcome="ok") == rows.counts(
        "SELECT model, count(*) FROM model_calls WHERE outcome = 'ok' GROUP BY 1"
    )
    for kind in ("input", "cached", "output"):
        tokens = rows.number(f"SELECT sum({kind}_tokens) FROM model_calls")
        assert seen.value("digest_model_tokens_total", public_bot="city", kind=kind) == tokens
    assert seen.value("digest_model_tokens_total", kind="input") > 0
    cost = rows.number("SELECT sum(cost) FROM model_calls")
    assert abs(seen.value("digest_model_cost_total", public_bot="city") - cost) < 1e-9 < cost
    fates = {"sent": "sent", "uncertain": "unknown", "unreachable": "failed"}
    for fate, state in fates.items():
        number = rows.number(f"SELECT count(*) FROM deliveries WHERE state = '{state}'")
        assert seen.value("digest_deliveries_total", public_bot="city", outcome=fate) == number > 0, fate
    assert seen.value("digest_deliveries_in_doubt") == seen.value("digest_deliveries_total", outcome="uncertain")
    done = seen.by("task", "digest_tasks_total", outcome="done")
    work = rows.counts("SELECT kind, count(*) FROM work WHERE state = 'done' GROUP BY 1")
    assert set(done) == set(work)
    assert all(done[kind] >= work[kind] for kind in work), "a lane may take more than one task"
    assert seen.value("digest_ticks_total") > 0
    assert seen.value("digest_card_edits_total", outcome="shown") > 0
    assert seen.value("digest_database_up") == seen.value("digest_broker_up") == seen.value("digest_tick_held") == 1
