"""The statements about a claim, made once: making one costs as much as a query."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, exists, literal_column, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from storage.claimable import CLAIMABLE, IS_INNOCENT, WAITS, free
from storage.models import WorkRow
from storage.models.base import table_of
from storage.records import WorkState

WORK = table_of(WorkRow)
_OF_CLAIM = and_(
    WORK.c.id == bindparam("work"), WORK.c.fence == bindparam("of_fence"), WORK.c.state == WorkState.CLAIMED
)
_BOT_SLUG: ColumnElement[str] = literal_column(  # in words: SQLAlchemy names no tables inside SQLite's RETURNING
    "(SELECT public_bots.slug FROM public_bots JOIN runs ON runs.public_bot_id = public_bots.id"
    " WHERE runs.id = work.run_id)",
    String(),
)
WORK_COLUMNS = (*WORK.c, _BOT_SLUG.label("bot_slug"))


def _claim_where(condition: ColumnElement[bool]) -> ReturningUpdate[Any]:
    """Parameters: new_owner, until, those of `claimable.at`, and those of the condition."""
    return (
        update(WORK)
        .where(condition)
        .values(
            state=WorkState.CLAIMED,
            owner=bindparam("new_owner"),
            lease_until=bindparam("until"),
            fence=WORK.c.fence + 1,
        )
        .returning(*WORK_COLUMNS)
    )


_IS_ONE = WORK.c.id == bindparam("work")
CLAIM = _claim_where(and_(_IS_ONE, CLAIMABLE))
"""Parameters: work, and those of all claims."""
CLAIM_INNOCENT = _claim_where(and_(_IS_ONE, WAITS, IS_INNOCENT))
"""Parameters: work, and those of all claims."""
CLAIM_INNOCENTS = _claim_where(free(and_(WORK.c.id.in_(bindparam("works", expanding=True)), WAITS, IS_INNOCENT)))
"""Parameters: works, and those of all claims. Those that somebody else has locked are passed over: two who want the
same pieces would wait for each other."""
STILL_MINE = select(WORK.c.id).where(_OF_CLAIM)
"""Parameters: work, of_fence."""
END_CLAIM = update(WORK).where(_OF_CLAIM).values(owner=None, lease_until=None)
"""Parameters: work, of_fence; what else is to be changed is still to be said."""
FINISH = END_CLAIM.values(state=WorkState.DONE, last_error=None)
IS_ANY_OPEN = select(
    exists().where(
        WORK.c.run_id == bindparam("run"),
        WORK.c.kind == bindparam("kind"),
        or_(WORK.c.state == WorkState.PENDING, WORK.c.state == WorkState.CLAIMED),
    )
)
