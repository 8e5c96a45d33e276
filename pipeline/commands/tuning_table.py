"""What `tune` has measured, as a table for people and as an object for scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.services.trying import Trying
from pipeline.services.tuning import Plan
from pipeline.stages.recommendation import MARGIN, MISSING_MARGIN, Recommendation, recommend
from pipeline.stages.tuning import Measure, Trial, alone_of, measured
from texts import Texts

HEAD = (
    "size",
    "category",
    "importance",
    "missing",
    "time",
    "calls",
    "tokens in",
    "tokens out",
    "money per 1,000 posts",
)
UNKNOWN = "–"
ENGLISH = Texts("en")


@dataclass(frozen=True)
class Result:
    """What trying has come to so far."""

    plan: Plan
    trying: Trying
    measures: Sequence[Measure]
    found: Recommendation

    @classmethod
    def of(cls, trying: Trying) -> Result:
        measures = measured(trying.trials)
        return cls(trying.plan, trying, measures, recommend(measures))

    @property
    def alone(self) -> Measure | None:
        return alone_of(self.measures)


def is_free(plan: Plan) -> bool:
    return plan.provider.settings.chosen_provider == "offline"


def has_prices(plan: Plan) -> bool:
    prices = plan.provider.settings
    return not is_free(plan) and bool(prices.input_price_per_million or prices.output_price_per_million)


def table(result: Result) -> Iterator[str]:
    """The lines of the table; nothing where nothing was measured."""
    if not result.measures:
        return
    rows = [HEAD, *(_row(result.plan, measure) for measure in result.measures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))


def _row(plan: Plan, measure: Measure) -> tuple[str, ...]:
    has_tokens, has_money = not is_free(plan), has_prices(plan)
    return (
        str(measure.size),
        as_share(measure.category),
        as_share(measure.importance),
        f"{measure.missing:g} of {measure.posts}",
        f"{measure.seconds:.1f} s",
        f"{measure.calls:g}",
        ENGLISH.number(round(measure.input_tokens)) if has_tokens else UNKNOWN,
        ENGLISH.number(round(measure.output_tokens)) if has_tokens else UNKNOWN,
        ENGLISH.money(measure.cost_per_thousand) if has_money else UNKNOWN,
    )


def as_share(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.0%}"


def as_object(result: Result, reason: str, *, is_stored: bool) -> Mapping[str, object]:
    """All of it for scripts. Money is null where there are no prices, agreement where there is nothing to compare."""
    plan, trying, found = result.plan, result.trying, result.found
    has_money = has_prices(plan)
    return {
        "bot": plan.bot.slug,
        "provider": plan.provider.model.provider,
        "model": plan.provider.model.name,
        "posts_wanted": plan.wanted,
        "posts": len(plan.posts),
        "present_size": plan.present_size,
        "sizes": [_measure_object(measure, trying.trials, has_money=has_money) for measure in result.measures],
        "margin": MARGIN,
        "missing_margin": MISSING_MARGIN,
        "recommended": found.size,
        "passed": list(found.passed),
        "failed": {str(size): list(lacks) for size, lacks in found.failed.items()},
        "why_none": found.why_none,
        "reason": reason,
        "stored": is_stored,
        "spent": {
            "calls": trying.spent.calls,
            "input_tokens": trying.spent.input_tokens,
            "output_tokens": trying.spent.output_tokens,
            "cost": trying.cost if has_money else None,
        },
    }


def _measure_object(measure: Measure, trials: Sequence[Trial], *, has_money: bool) -> Mapping[str, object]:
    its_own = [trial for trial in trials if trial.size == measure.size]
    reasons = Counter(why for trial in its_own for why in trial.problems.values())
    return {
        "size": measure.size,
        "asked_times": len(its_own),
        "largest_batch": measure.largest,
        "category_agreement": _rounded(measure.category),
        "importance_agreement": _rounded(measure.importance),
        "missing": measure.missing,
        "missing_share": _rounded(measure.missing_share),
        "missing_because": dict(reasons.most_common()),
        "seconds": _rounded(measure.seconds),
        "calls": measure.calls,
        "input_tokens": measure.input_tokens,
        "output_tokens": measure.output_tokens,
        "cost": measure.cost if has_money else None,
        "cost_per_1000_posts": measure.cost_per_thousand if has_money else None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
