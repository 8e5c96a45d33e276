"""Which work can be claimed at a moment: conditions that claiming and ringing share."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased

from storage.models import RunRow, WorkRow
from storage.records import ENDED, WorkState

LONGEST_REST = timedelta(minutes=10)  # then it is looked at again; only a digest that has a time waits longer for it
CLOCKS_DIFFER = timedelta(seconds=30)  # at most; what lies further ahead was written before a clock was set back
# Made once: making one costs as much as a query.
_RUN, _OTHER, _ITS_RUN = aliased(RunRow), aliased(WorkRow), aliased(RunRow)


def claimable(now: datetime) -> ColumnElement[bool]:
    """Waiting, due, of a run that goes on and is not held. What has killed a process before is tried one at a time, and
    first what has done so least often: most of it was only in bad company."""
    run_goes_on = exists().where(_RUN.id == WorkRow.run_id, _RUN.state.not_in(sorted(ENDED)), _RUN.is_paused.is_(False))
    another_suspect = exists().where(_OTHER.state == WorkState.CLAIMED, _OTHER.crashes > 0)
    less_suspect = exists().where(
        _OTHER.state == WorkState.PENDING,
        _OTHER.kind == WorkRow.kind,
        _OTHER.crashes.between(1, WorkRow.crashes - 1),
        _OTHER.due_at <= now,
        exists().where(
            _ITS_RUN.id == _OTHER.run_id, _ITS_RUN.state.not_in(sorted(ENDED)), _ITS_RUN.is_paused.is_(False)
        ),
    )
    return and_(
        WorkRow.state == WorkState.PENDING,
        is_due(now),
        run_goes_on,
        or_(WorkRow.crashes == 0, and_(~another_suspect, ~less_suspect)),
    )


def is_due(now: datetime) -> ColumnElement[bool]:
    """Its time has come, or lies further ahead than work ever waits: then a clock was set back."""
    has_a_time = exists().where(_RUN.id == WorkRow.run_id, _RUN.publish_at >= WorkRow.due_at)
    return or_(WorkRow.due_at <= now, and_(WorkRow.due_at > now + LONGEST_REST + CLOCKS_DIFFER, ~has_a_time))


def free(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Those that meet the condition and are locked by nobody else."""
    return WorkRow.id.in_(select(WorkRow.id).where(condition).order_by(WorkRow.id).with_for_update(skip_locked=True))
