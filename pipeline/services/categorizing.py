"""`categorize_posts`: a verdict for every post of a batch."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.ports import Answer
from pipeline.services.batches import process
from pipeline.services.jobs import Checked, Job
from pipeline.stages.briefs import categorization_brief
from pipeline.toolbox import Toolbox
from storage import run_posts
from storage.records import Post, PostStatus, Verdict, WorkKind


async def categorize(tools: Toolbox, work_id: int) -> None:
    await process(
        tools,
        work_id,
        Job(
            kind=WorkKind.CATEGORIZE,
            waiting=PostStatus.FRESH,
            brief=categorization_brief,
            item=Verdict,
            call=lambda model, brief, posts: model.categorize(brief, posts),
            check=_check,
            save=run_posts.save_verdicts,
        ),
    )


def _check(answer: Answer[Verdict], batch: Mapping[str, Post], is_last_try: bool) -> Checked[Verdict]:
    return Checked(
        good={post.id: answer.items[key] for key, post in batch.items() if key in answer.items},
        problems={
            post.id: answer.problems.get(key, "missing in the answer")
            for key, post in batch.items()
            if key not in answer.items
        },
    )
