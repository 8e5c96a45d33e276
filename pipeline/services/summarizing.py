"""`summarize_posts`: headline and summary for every chosen post of a batch; none says what its post does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.ports import Answer
from pipeline.services.batches import process
from pipeline.services.jobs import Checked, Job
from pipeline.stages.belonging import is_of_another
from pipeline.stages.briefs import summarization_brief
from pipeline.stages.extraction import lead_summary
from pipeline.stages.faithfulness import unsupported
from pipeline.stages.instructions import SUMMARIZE
from pipeline.toolbox import Toolbox
from storage import run_posts
from storage.records import Post, PostStatus, Summary, WorkKind


async def summarize(tools: Toolbox, work_id: int) -> None:
    await process(
        tools,
        work_id,
        Job(
            kind=WorkKind.SUMMARIZE,
            waiting=PostStatus.CHOSEN,
            brief=summarization_brief,
            item=Summary,
            call=lambda model, brief, posts: model.summarize(brief, posts),
            check=_check,
            save=run_posts.save_summaries,
        ),
    )


def _check(answer: Answer[Summary], batch: Mapping[str, Post], is_last_try: bool) -> Checked[Summary]:
    """What says more than its post or is about another text is doubtful; at last the post's lead replaces it."""
    good: dict[int, Summary] = {}
    problems: dict[int, str] = {}
    doubtful: dict[int, str] = {}
    for key, post in batch.items():
        summary = answer.items.get(key)
        others = [other for name, other in answer.items.items() if name != key]
        if summary is None:
            problems[post.id] = answer.problems.get(key, "missing in the answer")
        elif doubt := _doubt(summary, post, [other.text for other in batch.values() if other is not post]):
            doubtful[post.id] = doubt
        elif any(summary.headline == other.headline or summary.text == other.text != "" for other in others):
            doubtful[post.id] = "another post got the same summary"
        else:
            good[post.id] = summary
    if is_last_try:
        texts = {post.id: post.text for post in batch.values()}
        leads = {post_id: lead_summary(texts[post_id]) for post_id in doubtful}
        return Checked({**good, **leads}, problems, ours=frozenset(leads))
    return Checked(good, problems, doubtful)


def _doubt(summary: Summary, post: Post, others: Sequence[str]) -> str | None:
    written = f"{summary.headline}\n{summary.text}"
    if invented := unsupported(written, "\n".join((post.text, *post.links))):
        return f"the summary states what the post does not: {', '.join(invented)}"
    if is_of_another(written, post.text, [*others, SUMMARIZE]):
        return "the summary is about another text"
    return None
