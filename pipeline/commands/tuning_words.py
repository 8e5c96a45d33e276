"""What `tune` says before it asks a model, around its table, and in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pipeline.commands.tuning_table import ENGLISH, Result, as_share, has_prices, is_free
from pipeline.services.trying import Trying
from pipeline.services.tuning import Pass, Plan
from pipeline.stages.recommendation import LEAST_POSTS, MARGIN, Hindrance, Shortfall
from pipeline.stages.tuning import ONE_BY_ONE, Effort

REASONS_SHOWN = 3
SHAKY = 0.8  # of a model that agrees with itself less than this not much can be learned

LACKS: Mapping[Shortfall, str] = {
    Shortfall.CATEGORY: "other categories",
    Shortfall.IMPORTANCE: "other importances",
    Shortfall.MISSING: "posts without an answer",
    Shortfall.NEVER_FULL: "no call with so many posts",
    Shortfall.TOO_LARGE: "more posts than a batch may have",
}
NO_SIZE: Mapping[Hindrance, str] = {
    Hindrance.TOO_FEW_POSTS: "{posts} posts are too few, {least} are needed",
    Hindrance.TOO_FEW_ANSWERS: "one by one, {answered} of {posts} posts were answered, {least} are needed",
    Hindrance.NOTHING_TO_COMPARE: "there is nothing to compare",
}


def before(plan: Plan) -> Iterator[str]:
    """What is going to be done, and about what it costs."""
    few = "" if len(plan.posts) >= plan.wanted else f" ({plan.wanted} were asked for, there are no more)"
    sizes = ", ".join(str(one.size) + (" twice" if one.is_again else "") for one in _named_once(plan))
    yield f"{plan.bot.slug}: the newest {len(plan.posts)} distinct posts with a text{few}, in batches of {sizes}."
    if len(plan.posts) < LEAST_POSTS:
        yield f"That is too few for a recommendation: {LEAST_POSTS} posts are needed."
    effort, settings = plan.effort, plan.provider.settings
    yield f"The model {plan.provider.model.name} is asked {ENGLISH.number(effort.calls)} times{_cost(plan, effort)}."
    minutes = effort.least_minutes(settings.requests_per_minute, settings.tokens_per_minute)
    if minutes >= 1:
        yield f"With the limits in [llm] that takes {minutes:.0f} minutes or more, the longer while workers ask too."


def _named_once(plan: Plan) -> Sequence[Pass]:
    return list({one.size: one for one in plan.passes}.values())


def _cost(plan: Plan, effort: Effort) -> str:
    if is_free(plan):
        return " on this machine, which costs nothing"
    tokens = f"{ENGLISH.number(effort.input_tokens)} tokens in and {ENGLISH.number(effort.output_tokens)} out"
    if not has_prices(plan):
        return f", with {tokens} at most, by a safe estimate; set the prices in [llm] to see the money"
    prices = plan.provider.settings
    money = (
        effort.input_tokens * prices.input_price_per_million + effort.output_tokens * prices.output_price_per_million
    )
    return f", with {tokens} at most, by a safe estimate: {ENGLISH.money(money / 1_000_000)} in money"


def spent(trying: Trying) -> str:
    """What it has cost so far."""
    done = trying.spent
    line = f"Spent: {ENGLISH.number(done.calls)} calls"
    if not is_free(trying.plan):
        line += f", {ENGLISH.number(done.input_tokens)} tokens in, {ENGLISH.number(done.output_tokens)} out"
    if has_prices(trying.plan):
        line += f", {ENGLISH.money(trying.cost)} in money"
    if trying.broken_off:
        line += f"; calls that were broken off, and may be billed as well: {ENGLISH.number(trying.broken_off)}"
    return f"{line}."


def notes(result: Result) -> Iterator[str]:
    """What the figures mean, and why posts are missing."""
    yield "category: the same as one by one; importance: the same or one step away; of the posts that both answered."
    alone = result.alone
    if alone is not None and alone.category is not None:
        yield "Size 1 was asked twice and shows how often the model agrees with itself: no size can do better."
        if alone.category < SHAKY:
            yield (
                f"That is little: asked again, this model gives {as_share(1 - alone.category)} of the posts another "
                "category, so the sizes can hardly be told apart. Clearer categories help, or another model."
            )
    for trial in result.trying.trials:
        for reason, number in Counter(trial.problems.values()).most_common(REASONS_SHOWN):
            yield f"missing at size {trial.size}: {number} × {reason}"
    for measure in result.measures:
        if measure.largest < measure.size:
            yield (
                f"size {measure.size}: no call held more than {measure.largest} posts, because of "
                "digest.max_batch_tokens, of what the model's server reads, or of too few posts."
            )


def verdict(result: Result) -> str:
    """The recommendation with its reason."""
    alone, found = result.alone, result.found
    if found.size is None or alone is None:
        why = NO_SIZE[found.why_none or Hindrance.NOTHING_TO_COMPARE]
        answered, posts = (alone.answered, alone.posts) if alone else (0, 0)
        return f"No size is recommended: {why.format(posts=posts, answered=answered, least=LEAST_POSTS)}."
    failed = ", ".join(f"{size} has {_listed(lacks)}" for size, lacks in found.failed.items())
    if found.size == ONE_BY_ONE:
        return f"Recommended: 1, because no larger size is as good: {failed}."
    larger = [size for size in found.passed if size != ONE_BY_ONE]
    are = f"{_and(larger)} are" if len(larger) > 1 else f"{larger[0]} is"
    fewest = ", and the largest of them needs the fewest calls" if len(larger) > 1 else ""
    floor = "" if alone.category is not None else ", as if that always agreed with itself"
    others = f"; {failed}" if failed else ""
    chance = " That a smaller size is not as good is chance: more --posts would tell." if found.is_by_chance else ""
    return (
        f"Recommended: {found.size}, because {are} as good as one by one, within {MARGIN:.0%} of the posts"
        f"{floor}{fewest}{others}.{chance}"
    )


def _listed(lacks: Sequence[Shortfall]) -> str:
    return " and ".join(LACKS[one] for one in lacks)


def _and(sizes: Sequence[int]) -> str:
    *first, last = map(str, sizes)
    return f"{', '.join(first)} and {last}"
