"""What a check finds: a mark, and a sentence of texts/ that says what was found and, of a fault, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from texts import Texts

Parameter = str | int | timedelta


class Subject(StrEnum):
    """What is checked, in the order in which it is told."""

    SETTINGS = "settings"
    DATABASE = "database"
    DISK = "disk"
    REDIS = "redis"
    WORKERS = "workers"
    QUEUES = "queues"
    TICK = "tick"
    BOT = "bot"
    MODEL = "model"
    FALLBACK = "fallback"
    TELEGRAM = "telegram"
    PUBLIC_BOTS = "public bots"
    SCHEDULES = "schedules"
    DELIVERIES = "deliveries"
    CLOCK = "clock"


class Mark(StrEnum):
    FINE = "fine"
    SKIPPED = "skipped"  # it could not be looked at, for a reason that another check names, or needs no look
    WARNING = "warning"
    FAULT = "fault"


SIGNS: Mapping[Mark, str] = {Mark.FINE: "✓", Mark.SKIPPED: "–", Mark.WARNING: "!", Mark.FAULT: "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    mark: Mark
    message_id: str
    params: Mapping[str, Parameter]


Findings = Sequence[Finding]


def fine(message_id: str, **params: Parameter) -> Finding:
    return Finding(Mark.FINE, message_id, params)


def skipped(message_id: str, **params: Parameter) -> Finding:
    return Finding(Mark.SKIPPED, message_id, params)


def warning(message_id: str, **params: Parameter) -> Finding:
    return Finding(Mark.WARNING, message_id, params)


def fault(message_id: str, **params: Parameter) -> Finding:
    return Finding(Mark.FAULT, message_id, params)


def is_faulty(findings: Iterable[Finding]) -> bool:
    return any(finding.mark is Mark.FAULT for finding in findings)


def in_words(finding: Finding, texts: Texts) -> str:
    """The finding's sentence, with durations as the reader's language writes them."""
    shown = {key: texts.duration(value.total_seconds()) if isinstance(value, timedelta) else value
             for key, value in finding.params.items()}  # fmt: skip
    return texts.say(finding.message_id, shown)


def name_of(subject: Subject, texts: Texts) -> str:
    return texts.get(NAMES[subject])


NAMES: Mapping[Subject, str] = {
    Subject.SETTINGS: "health.of.settings",
    Subject.DATABASE: "health.of.database",
    Subject.DISK: "health.of.disk",
    Subject.REDIS: "health.of.redis",
    Subject.WORKERS: "health.of.workers",
    Subject.QUEUES: "health.of.queues",
    Subject.TICK: "health.of.tick",
    Subject.BOT: "health.of.bot",
    Subject.MODEL: "health.of.model",
    Subject.FALLBACK: "health.of.fallback",
    Subject.TELEGRAM: "health.of.telegram",
    Subject.PUBLIC_BOTS: "health.of.public_bots",
    Subject.SCHEDULES: "health.of.schedules",
    Subject.DELIVERIES: "health.of.deliveries",
    Subject.CLOCK: "health.of.clock",
}
