"""What is right and wrong with whoever does the work: workers, the tick, the bot, and what waits for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from pipeline.checks.finding import Finding, Findings, fault, fine, skipped, warning
from pipeline.checks.seen import DeskSeen
from pipeline.queues import ALL_QUEUES, QUEUES
from storage.records import Lease, Worker

WAITS_LONG = timedelta(minutes=5)
MOST_NAMED = 5
TICK, BOT, LOCAL_ENGINE = "tick", "bot", "local engine"


def of_workers(desk: DeskSeen, alive: Collection[Worker], *, is_local: bool) -> Findings:
    """`alive` are those whose last sign of life is fresh."""
    if is_local:
        return _of_local_engine(desk)
    silent = [worker for worker in desk.workers if worker not in alive]
    found: list[Finding] = []
    unserved = [queue for queue in ALL_QUEUES if not any(queue in worker.queues for worker in alive)]
    if not alive:
        found.append(fault("health.workers.none"))
    elif unserved:
        found.append(fault("health.workers.unserved", queues=", ".join(unserved), argument=",".join(unserved)))
    found += [
        warning("health.workers.silent", name=worker.name, since=desk.now - worker.seen_at)
        for worker in silent[:MOST_NAMED]
    ]
    if not found:
        names = _listed([worker.name for worker in alive])
        return [fine("health.workers.fine", names=names, tasks=sum(worker.concurrency for worker in alive))]
    return found


def _of_local_engine(desk: DeskSeen) -> Findings:
    if _is_held(desk.leases.get(LOCAL_ENGINE), desk.now):
        return [fine("health.workers.local")]
    return [fault("health.workers.no_local")]


def of_queues(desk: DeskSeen, depths: Mapping[str, int] | None) -> Findings:
    """`depths` are the waiting messages by queue, None: the broker cannot be asked, or there is none."""
    found: list[Finding] = []
    oldest: dict[str, datetime] = {}
    for kind, since in desk.oldest_due.items():
        queue = QUEUES[kind]
        oldest[queue] = min(since, oldest.get(queue, since))
    for queue, since in oldest.items():
        if desk.now - since > WAITS_LONG:
            waiting = (depths or {}).get(queue, 0)
            found.append(warning("health.queues.slow", queue=queue, since=desk.now - since, waiting=waiting))
    if found:
        return found
    return [fine("health.queues.fine", waiting=sum((depths or {}).values()))]


def of_tick(desk: DeskSeen) -> Findings:
    lease = desk.leases.get(TICK)
    if lease is not None and _is_held(lease, desk.now):
        return [fine("health.tick.fine", **_process(lease))]
    if lease is None:
        return [fault("health.tick.nobody")]
    return [fault("health.tick.stale", since=desk.now - lease.until)]


def of_bot(desk: DeskSeen, *, has_admin_token: bool) -> Findings:
    lease = desk.leases.get(BOT)
    if lease is not None and _is_held(lease, desk.now):
        return [fine("health.bot.fine", **_process(lease))]
    if not has_admin_token:
        return [skipped("health.bot.no_token")]
    if lease is None:
        return [fault("health.bot.nobody")]
    return [fault("health.bot.stale", since=desk.now - lease.until)]


def of_schedules(desk: DeskSeen) -> Findings:
    found = [
        fault("health.schedules.late", slug=one.slug, since=desk.now - one.due_at) for one in desk.owed[:MOST_NAMED]
    ]
    if len(desk.owed) > MOST_NAMED:
        found.append(fault("health.schedules.more", number=len(desk.owed) - MOST_NAMED))
    return found or [fine("health.schedules.fine")]


def of_deliveries(desk: DeskSeen) -> Findings:
    if desk.in_doubt:
        return [warning("health.deliveries.in_doubt", number=desk.in_doubt)]
    return [fine("health.deliveries.fine")]


def _is_held(lease: Lease | None, now: datetime) -> bool:
    return lease is not None and lease.until >= now


def _process(lease: Lease) -> Mapping[str, str]:
    """The host and the number of the process, out of an owner's name (host/machine:pid:random)."""
    place, _, number = lease.owner.rpartition(":")[0].rpartition(":")
    return {"host": place.partition("/")[0], "pid": number}


def _listed(names: Collection[str]) -> str:
    shown = [*names][:MOST_NAMED]
    return ", ".join(shown) + (", …" if len(names) > len(shown) else "")
