"""The section of docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.desk.figures import BOT_MB, OFFLINE_WORKER_MB, OPENAI_WORKER_MB, Desk, Waits, Weight
from benchmarks.report import machine_facts, paragraph, table

PACKAGES = ("aiogram", "celery", "SQLAlchemy", "openai")


def section(desk: Desk, latency_s: float) -> str:
    """How long people wait at the desk, what its processes weigh, and how soon they are there."""
    setting = (
        f"`python -m benchmarks.desk` on {machine_facts(PACKAGES)}. The bot and one worker with 32 calls at a time are "
        f"started by their scripts; the servers of Telegram and of the model, which takes {latency_s:g} s for a call, "
        f"Redis and the database run on the same machine. Waits are from the moment a person's command is given to the "
        f"Telegram server until the answer's sendMessage has come there."
    )
    memory = (
        f"Resident memory in MB of 10⁶ bytes. A worker imports aiogram with its first delivery, and not before; the "
        f"quarters are medians of what a process held in each quarter of the time. Wanted: "
        f"at most {BOT_MB} for the bot, {OPENAI_WORKER_MB} for a worker until it delivers, {OFFLINE_WORKER_MB} for one "
        f"with the offline model."
    )
    starts = (
        "From the start of the script until the bot asks Telegram for updates, and until a worker has taken a piece of "
        "work that waits for it. The environment is made; Redis runs, but not where the scripts would start one."
    )
    parts = ["## The desk", paragraph(setting), "### Waiting", waits_table(_waits(desk)), "### Memory"]
    parts += [paragraph(memory), weights_table(_weights(desk)), "### The second start", paragraph(starts)]
    return "\n\n".join([*parts, waits_table(_starts(desk))])


def waits_table(rows: Sequence[tuple[str, Waits]]) -> str:
    head = ("what", "where", "times", "median", "p95", "longest")
    return table(head, [_wait_row(what, waits) for what, waits in rows])


def weights_table(rows: Sequence[tuple[str, Weight]]) -> str:
    head = ("process", "where", "most", "by quarters")
    return table(head, [(what, weight.what, f"{weight.most_mb:.0f}", _quarters(weight)) for what, weight in rows])


def _wait_row(what: str, waits: Waits) -> tuple[object, ...]:
    seconds = [f"{one:.2f} s" for one in (waits.middle, waits.p95, waits.longest)]
    return (what, waits.scene, len(waits.seconds), *seconds)


def _quarters(weight: Weight) -> str:
    return " → ".join(f"{one:.0f}" for one in weight.quarters_mb()) if len(weight.samples) >= 4 else ""


def _waits(desk: Desk) -> list[tuple[str, Waits]]:
    cards = [("first card after `/digest`", one) for one in desk.cards]
    return cards + [("`/status`", one) for one in desk.statuses]


def _weights(desk: Desk) -> list[tuple[str, Weight]]:
    kinds = {
        "bot": desk.bots,
        "worker, openai provider, until it delivers": desk.openai_workers,
        "worker, openai provider, after a delivery": desk.delivering_workers,
        "worker, offline provider": desk.offline_workers,
    }
    return [(name, one) for name, weights in kinds.items() for one in weights]


def _starts(desk: Desk) -> list[tuple[str, Waits]]:
    bots = [("`run_bot.sh`", one) for one in desk.bot_starts]
    return bots + [("`run_worker.sh`", one) for one in desk.worker_starts]
