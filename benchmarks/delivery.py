"""How much of the permitted rate a delivery reaches, and how much memory it takes: python -m benchmarks.delivery

Ten thousand readers of four bots, a Telegram server on localhost that takes 60 ms for a call, one real worker with its
Redis, and SQLite or PostgreSQL. The permitted rate is delivery.messages_per_second for each bot; the time counts from
the first message to the last one, all bots side by side. Writes its section of docs/performance.md; with --quick, few
readers and SQLite alone, to the screen.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.report import machine_facts, paragraph, publish, table
from pipeline.adapters.limiter import BURST
from tests.delivery.audience import SECRET, make_audiences, seat, store
from tests.processes import Installation
from tests.servers.model_server import ModelServer
from tests.servers.postgres_server import PostgresServer
from tests.servers.redis_server import RedisServer
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_limits import Limits
from tests.servers.telegram_records import Call
from tests.servers.telegram_server import TelegramServer
from tests.servers.threads import ServerThread

PERIOD = "2026-11-02..2026-11-03"
MEBIBYTE = 1024 * 1024


@dataclass
class Memory:
    """The resident memory of a process, looked at twice a second, in bytes."""

    process: psutil.Process
    seen: list[int] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self._stop.wait(0.5):
            self.seen.append(self.process.memory_info().rss)

    def stop(self) -> None:
        self._stop.set()

    def middle(self, begin: float, end: float) -> float:
        """The mean between two shares of the time."""
        part = self.seen[int(len(self.seen) * begin) : int(len(self.seen) * end)]
        return sum(part) / len(part) if part else 0.0


@contextmanager
def telegram_server(latency_s: float) -> Iterator[TelegramServer]:
    server = TelegramServer(Limits(30, 1.0, 20))

    def slow(call: Call) -> Fault | None:
        return Fault.delay(latency_s) if call.method == "sendMessage" else None

    async def start() -> None:
        await server.__aenter__()

    async def stop() -> None:
        await server.__aexit__(None, None, None)

    server.fault = slow
    with ServerThread(start, stop):
        yield server


def wait_for_the_end(telegram: TelegramServer, readers: int, deadline_s: float) -> None:
    deadline = time.monotonic() + deadline_s
    while len(telegram.sent) < readers:
        if time.monotonic() > deadline:
            raise SystemExit(f"Only {len(telegram.sent)} of {readers} messages were sent.")
        time.sleep(0.1)


@dataclass(frozen=True)
class Plan:
    """`per_second` messages of each bot are permitted."""

    readers: int
    bots: int
    latency_s: float
    per_second: int


def measure(plan: Plan, database: str, database_url: str | None) -> tuple[object, ...]:
    """A row of the table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = RedisServer(folder / "redis")
        redis.start()
        stack.callback(redis.stop)
        telegram = stack.enter_context(telegram_server(plan.latency_s))
        model = ModelServer()
        stack.enter_context(ServerThread(model.start, model.stop))
        variables = {
            "DIGEST_REDIS__URL": redis.url,
            "DIGEST_LLM__BASE_URL": model.base_url,
            "DIGEST_TELEGRAM__API_URL": telegram.url,
            "DIGEST_SECURITY__SECRET_KEY": SECRET,
            "DIGEST_DELIVERY__MESSAGES_PER_SECOND": str(plan.per_second),
        }
        if database_url is not None:
            variables["DIGEST_DATABASE__URL"] = database_url
        installation = Installation(folder, **variables)
        stack.callback(installation.stop_all)
        audiences = make_audiences([plan.readers // plan.bots] * plan.bots, long_one=False)
        store(installation.environment["DIGEST_DATABASE__URL"], audiences)
        seat(telegram, audiences)
        installation.start_worker()
        for audience in audiences:
            installation.pipeline("digest", audience.slug, "--period", PERIOD)
        while not telegram.sent:
            time.sleep(0.01)
        process = installation.python_of("worker")
        memory = Memory(process)
        threading.Thread(target=memory.watch, daemon=True).start()
        cpu_before = sum(process.cpu_times()[:2])
        wait_for_the_end(telegram, plan.readers, 60 + 3 * plan.readers / plan.bots / plan.per_second)
        cpu = sum(process.cpu_times()[:2]) - cpu_before
        memory.stop()
        return row(database, telegram, plan, cpu, memory)


def row(database: str, telegram: TelegramServer, plan: Plan, cpu_s: float, memory: Memory) -> tuple[object, ...]:
    shares = []
    for bot_id in {message.bot_id for message in telegram.sent}:
        times = [message.sent_at for message in telegram.sent if message.bot_id == bot_id]
        shares.append((len(times) - BURST) / (max(times) - min(times)) / plan.per_second)
    doubled = [key for key, n in Counter((m.bot_id, m.chat.id) for m in telegram.sent).items() if n > 1]
    refused = sum(call.status == 429 for call in telegram.calls_of("sendMessage"))
    return (
        database,
        f"{sum(shares) / len(shares):.1%} (least {min(shares):.1%})",
        f"{len(doubled)} / {refused}",
        f"{1000 * cpu_s / plan.readers:.1f} ms",
        f"{memory.middle(0.1, 0.3) / MEBIBYTE:.0f} → {memory.middle(0.8, 1.0) / MEBIBYTE:.0f} MiB",
    )


def section(plan: Plan, rows: Sequence[Sequence[object]]) -> str:
    """The section of docs/performance.md."""
    setting = (
        f"`python -m benchmarks.delivery` on {machine_facts(('celery', 'SQLAlchemy', 'aiogram'))}. {plan.readers:,} "
        f"readers of {plan.bots} bots, {plan.per_second} messages a second permitted to each, a Telegram that takes "
        f"{1000 * plan.latency_s:.0f} ms for a call, and one worker. The rate counts from the first message to the "
        f"last."
    )
    head = (
        "database",
        "of the permitted rate",
        "sent twice / refused with 429",
        "CPU a message",
        "memory, begin → end",
    )
    return "\n\n".join(["## Delivery", paragraph(setting), table(head, rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=10_000)
    parser.add_argument("--bots", type=int, default=4)
    parser.add_argument("--latency", type=float, default=0.06, metavar="SECONDS")
    parser.add_argument("--per-second", type=int, default=25, metavar="N")
    parser.add_argument("--quick", action="store_true", help="500 readers on SQLite, written nowhere")
    options = parser.parse_args()
    readers = 500 if options.quick else options.readers
    plan = Plan(readers, options.bots, options.latency, options.per_second)
    rows = [measure(plan, "SQLite", None)]
    print(rows[-1], flush=True)
    if not options.quick:
        with ExitStack() as stack:
            server = PostgresServer()
            stack.callback(server.stop)
            rows.append(measure(plan, "PostgreSQL", server.create_database()))
    text = section(plan, rows)
    print(text)
    if not options.quick:
        publish("delivery", text, [])


if __name__ == "__main__":
    main()
