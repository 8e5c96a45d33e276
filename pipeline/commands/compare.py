"""`compare`: a digest of the old program beside ours."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence

from pipeline.services.comparing import compare_with_old
from pipeline.stages.comparing import NOT_IN_PERIOD, NOT_STORED, Comparison, Line, as_object
from pipeline.wiring import open_process
from settings import Settings
from storage.records import PostStatus

WORDS = {
    NOT_STORED: "we do not have it",
    NOT_IN_PERIOD: "not in our period or not of the bot's sources",
    PostStatus.PASSED_OVER: "relevant, but there were better ones",
    PostStatus.IRRELEVANT: "fits no category",
    PostStatus.DUPLICATE: "the text of another post",
    PostStatus.GIVEN_BEFORE: "its readers had it before",
    PostStatus.SET_ASIDE: "the model failed on it",
    PostStatus.DROPPED: "the run ended before its turn",
}


async def run(settings: Settings, options: argparse.Namespace) -> int:
    async with open_process(settings) as process:
        comparison = await compare_with_old(process.tools, options.old, options.new, options.period)
    text = json.dumps(as_object(comparison), ensure_ascii=False, indent=2)
    if options.json is not None:
        options.json.write_text(f"{text}\n", encoding="utf-8")
    sys.stdout.write("\n".join(_lines(comparison)) + "\n")
    return 0


def _lines(comparison: Comparison) -> Iterator[str]:
    yield f"old digest: {comparison.old_size} posts; ours, run {comparison.run_id}: {comparison.new_size} posts"
    yield f"in both: {len(comparison.both)}, {comparison.overlap:.0%} of all that are in either"
    if compared := comparison.same_category + comparison.other_category:
        yield f"same category: {comparison.same_category} of {compared}"
    yield from _block("In both", comparison.both)
    yield from _block("Only in the old digest", comparison.only_old)
    for why, number in comparison.reasons.items():
        yield f"  {number:>4} × {WORDS.get(why, why)}"
    yield from _block("Only in ours", comparison.only_new)


def _block(title: str, lines: Sequence[Line]) -> Iterator[str]:
    if not lines:
        return
    yield f"\n{title}"
    for line in lines:
        categories = " → ".join(dict.fromkeys(one for one in (line.their_category, line.our_category) if one))
        why = WORDS.get(line.why, line.why) if line.why else ""
        importance = f"importance {line.importance}" if line.importance else ""
        yield "  " + " · ".join(part for part in (line.name, categories, why, importance) if part)
