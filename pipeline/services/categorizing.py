"""`categorize_posts`: a verdict for every post of a batch."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.ports import Answer, Brief
from pipeline.services.batches import Checked, Job, process
from pipeline.toolbox import Toolbox
from storage import run_posts
from storage.records import Post, PostStatus, PublicBot, Verdict, WorkKind


async def categorize(tools: Toolbox, work_id: int) -> None:
    await process(
        tools,
        work_id,
        Job(
            kind=WorkKind.CATEGORIZE,
            waiting=PostStatus.FRESH,
            brief=_brief,
            call=tools.model.categorize,
            check=_check,
            save=run_posts.save_verdicts,
        ),
    )


def _brief(bot: PublicBot) -> Brief:
    return Brief(bot.spec.language, bot.spec.categorization_prompt, bot.spec.categories)


def _check(answer: Answer[Verdict], batch: Mapping[str, Post], is_last_try: bool) -> Checked[Verdict]:
    return Checked(
        good={post.id: answer.items[key] for key, post in batch.items() if key in answer.items},
        problems={
            post.id: answer.problems.get(key, "missing in the answer")
            for key, post in batch.items()
            if key not in answer.items
        },
    )
