"""A run's stage in words, and how far it has got as a bar."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from pipeline.stages.pace import stage_counts
from storage.records import RunProgress, RunState
from texts import Texts

STAGES: Mapping[RunState, str] = MappingProxyType(
    {
        RunState.QUEUED: "card.stage.queued",
        RunState.COLLECTING: "card.stage.collecting",
        RunState.CATEGORIZING: "card.stage.categorizing",
        RunState.SELECTING: "card.stage.selecting",
        RunState.SUMMARIZING: "card.stage.summarizing",
        RunState.ASSEMBLING: "card.stage.assembling",
        RunState.AWAITING_APPROVAL: "card.stage.awaiting_approval",
        RunState.DELIVERING: "card.stage.delivering",
        RunState.DONE: "card.stage.done",
        RunState.FAILED: "card.stage.failed",
        RunState.CANCELLED: "card.stage.cancelled",
    }
)
BAR_LENGTH = 10


def stage_in_words(progress: RunProgress, texts: Texts) -> str:
    """The run's stage, with how far it has got where that can be counted."""
    stage = texts.get(STAGES[progress.run.state])
    if progress.run.state is RunState.AWAITING_APPROVAL:
        return f"{stage} ({texts.plural('count.readers', progress.readers)})"
    if progress.run.state is RunState.DELIVERING and progress.run.is_paused:
        stage = texts.get("card.stage.paused")
    counts = stage_counts(progress)
    return f"{stage} ({counted(*counts, texts)})" if counts else stage


def bar(done: int, total: int) -> str:
    """Ten cells; full only when all is done, and not empty once something is."""
    cells = math.floor(BAR_LENGTH * done / total) if total else BAR_LENGTH
    cells = max(cells, 1) if done else cells
    return "▰" * cells + "▱" * (BAR_LENGTH - cells)


def counted(done: int, total: int, texts: Texts) -> str:
    return texts.get("card.counted", done=texts.number(done), total=texts.number(total))
