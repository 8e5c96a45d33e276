"""/health: what is wrong first, with what to do about it; then what is right, in one line."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from aiogram.utils.formatting import Bold, Text

from pipeline.checks.finding import Finding, Findings, Mark, Subject, in_words, name_of
from pipeline.stages.display_text import clip
from telegram_bot.views.view import Node, View, lines, paragraphs
from texts import Texts

MAX_FINDINGS = 20
MAX_CHARS = 500
SIGNS: Mapping[Mark, str] = {Mark.FAULT: "❌", Mark.WARNING: "⚠️"}


def render_checking(texts: Texts) -> View:
    return View.of(texts.get("health.checking"))


def render_broken_off(texts: Texts) -> View:
    """The bot was stopped before it knew."""
    return View.of(texts.get("health.broken_off"))


def render_health(found: Mapping[Subject, Findings], pending: Collection[Subject], *, texts: Texts) -> View:
    """What is known by now; `pending` is still being looked at."""
    faults = _of(found, Mark.FAULT)
    warnings = _of(found, Mark.WARNING)
    shown = [_line(subject, finding, texts) for subject, finding in (*faults, *warnings)]
    rest = len(shown) - MAX_FINDINGS
    return View.of(
        paragraphs(
            [
                Bold(_headline(len(faults), len(warnings), is_over=not pending, texts=texts)),
                lines(shown[:MAX_FINDINGS]) if shown else None,
                texts.plural("health.more", rest) if rest > 0 else None,
                _listed("health.fine", "✅", [one for one in found if _worst(found[one]) is Mark.FINE], texts),
                _listed("health.skipped", "➖", [one for one in found if _worst(found[one]) is Mark.SKIPPED], texts),
                _listed("health.pending", "⏳", [*pending], texts),
            ]
        )
    )


def _headline(faults: int, warnings: int, *, is_over: bool, texts: Texts) -> str:
    if not is_over:
        return texts.get("health.checking")
    if faults:
        return texts.plural("health.faults", faults)
    return texts.plural("health.warnings", warnings) if warnings else texts.get("health.all_fine")


def _of(found: Mapping[Subject, Findings], mark: Mark) -> list[tuple[Subject, Finding]]:
    return [(subject, one) for subject, findings in found.items() for one in findings if one.mark is mark]


def _line(subject: Subject, finding: Finding, texts: Texts) -> Node:
    said = clip(in_words(finding, texts), MAX_CHARS)
    return Text(f"{SIGNS[finding.mark]} ", Bold(name_of(subject, texts)), f": {said}")


def _worst(findings: Findings) -> Mark:
    order = [Mark.SKIPPED, Mark.FINE, Mark.WARNING, Mark.FAULT]
    return max((one.mark for one in findings), key=order.index, default=Mark.SKIPPED)


def _listed(message_id: str, sign: str, subjects: Collection[Subject], texts: Texts) -> Node | None:
    if not subjects:
        return None
    return f"{sign} {texts.get(message_id, names=', '.join(name_of(one, texts) for one in subjects))}"
