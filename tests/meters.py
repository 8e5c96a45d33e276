"""A meter that remembers, and a desk whose runs are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pipeline.meter import CallOutcome, CardEdit, Fate, Limited, TaskOutcome, TickAction
from pipeline.services.counting import RunCounter
from pipeline.toolbox import Toolbox
from storage.records import ModelCall, PostStatus, RunState


@dataclass
class RecordingMeter:
    """What was counted, by name and labels."""

    runs: Counter[tuple[str, RunState]] = field(default_factory=Counter)
    run_seconds: list[float] = field(default_factory=list)
    posts: Counter[tuple[str, PostStatus]] = field(default_factory=Counter)
    calls: list[tuple[str, ModelCall, CallOutcome]] = field(default_factory=list)
    waits: list[tuple[Limited, float]] = field(default_factory=list)
    fates: Counter[tuple[str, Fate]] = field(default_factory=Counter)
    ticks: int = 0
    actions: Counter[TickAction] = field(default_factory=Counter)
    cards: Counter[CardEdit] = field(default_factory=Counter)
    tasks: Counter[tuple[str, TaskOutcome]] = field(default_factory=Counter)

    def run_ended(self, public_bot: str, state: RunState, seconds: float, posts: Mapping[PostStatus, int]) -> None:
        self.runs[public_bot, state] += 1
        self.run_seconds.append(seconds)
        for status, number in posts.items():
            self.posts[public_bot, status] += number

    def model_called(self, public_bot: str, call: ModelCall, outcome: CallOutcome) -> None:
        self.calls.append((public_bot, call, outcome))

    def waited(self, limited: Limited, seconds: float) -> None:
        self.waits.append((limited, seconds))

    def sent(self, public_bot: str, fates: Mapping[Fate, int]) -> None:
        for fate, number in fates.items():
            self.fates[public_bot, fate] += number

    def ticked(self) -> None:
        self.ticks += 1

    def tick_did(self, action: TickAction, times: int) -> None:
        self.actions[action] += times

    def card_edited(self, outcome: CardEdit) -> None:
        self.cards[outcome] += 1

    def task_ended(self, task: str, outcome: TaskOutcome, seconds: float) -> None:
        self.tasks[task, outcome] += 1

    @property
    def outcomes(self) -> Counter[CallOutcome]:
        """Model calls by what came of them."""
        return Counter(outcome for _, _, outcome in self.calls)


def counted(tools: Toolbox, meter: RecordingMeter) -> Toolbox:
    """The same tools, with a meter, as a process has them whose metrics are on."""
    tools = replace(tools, meter=meter)
    tools.database.when_runs_end(RunCounter(tools).count)
    return tools
