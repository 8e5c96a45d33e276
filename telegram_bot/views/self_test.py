"""/selftest: the model was tried through a worker."""

from __future__ import annotations

from storage.records import SelfTest
from telegram_bot.views.view import View, in_words, lines, name
from texts import Texts


def render_asked(*, is_local: bool, texts: Texts) -> View:
    return View.of(texts.get("selftest.asked_here") if is_local else texts.get("selftest.asked"))


def render_self_test(test: SelfTest, *, is_local: bool, texts: Texts) -> View:
    """How one that has ended has ended: by whom, with which model, in how many seconds; or why not, and what to do."""
    who = texts.get("selftest.the_bot") if is_local else name(test.worker or "")
    if test.failure is not None:
        failed = in_words(test.failure.message_id, test.failure.params, texts)
        return View.of(lines([f"❌ {texts.get('selftest.title_failed')}", failed, _by(test, who, texts)]))
    seconds = _seconds(test.duration_ms, texts)
    passed = texts.get("selftest.worked", who=who, model=name(test.model or ""), seconds=seconds)
    whole_s = (test.finished_at - test.asked_at).total_seconds() if test.finished_at else 0.0
    return View.of(lines([f"✅ {passed}", texts.get("selftest.whole", seconds=texts.rate(max(0.0, whole_s)))]))


def _by(test: SelfTest, who: str, texts: Texts) -> str | None:
    """Who tried in vain, where anybody did."""
    if test.duration_ms is None:
        return None
    return texts.get("selftest.tried_by", who=who, seconds=_seconds(test.duration_ms, texts))


def _seconds(duration_ms: int | None, texts: Texts) -> str:
    return texts.rate((duration_ms or 0) / 1000)
