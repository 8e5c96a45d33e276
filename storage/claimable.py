"""Which work can be claimed at a moment: conditions that claiming and ringing share.

They are made once, since making one costs as much as a query: the moment is a parameter, `at` gives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, or_, select

from storage.models import RunRow, UtcDateTime, WorkRow
from storage.models.base import table_of
from storage.records import ENDED, WorkState

LONGEST_REST = timedelta(minutes=10)  # then it is looked at again; only a digest that has a time waits longer for it
CLOCKS_DIFFER = timedelta(seconds=30)  # at most; what lies further ahead was written before a clock was set back

_NOW, _TOO_FAR = bindparam("now", type_=UtcDateTime()), bindparam("too_far", type_=UtcDateTime())
_WORK, _OTHER = table_of(WorkRow).c, table_of(WorkRow).alias().c
_RUN, _ITS_RUN = table_of(RunRow).alias().c, table_of(RunRow).alias().c


def at(now: datetime) -> Mapping[str, datetime]:
    """The parameters of these conditions."""
    return {"now": now, "too_far": now + LONGEST_REST + CLOCKS_DIFFER}


def _goes_on(run: Any) -> Iterator[ColumnElement[bool]]:
    """State by state, because the text of a statement with NOT IN is made anew each time it is asked."""
    yield run.is_paused.is_(False)
    yield from (run.state != state for state in sorted(ENDED))


def _is_due() -> ColumnElement[bool]:
    has_a_time = exists().where(_RUN.id == _WORK.run_id, _RUN.publish_at >= _WORK.due_at)
    return or_(_WORK.due_at <= _NOW, and_(_WORK.due_at > _TOO_FAR, ~has_a_time))


def _waits() -> ColumnElement[bool]:
    run_goes_on = exists().where(_RUN.id == _WORK.run_id, *_goes_on(_RUN))
    return and_(_WORK.state == WorkState.PENDING, IS_DUE, run_goes_on)


def _may_be_tried() -> ColumnElement[bool]:
    another_suspect = exists().where(_OTHER.state == WorkState.CLAIMED, _OTHER.crashes > 0)
    less_suspect = exists().where(
        _OTHER.state == WorkState.PENDING,
        _OTHER.kind == _WORK.kind,
        _OTHER.crashes.between(1, _WORK.crashes - 1),
        _OTHER.due_at <= _NOW,
        exists().where(_ITS_RUN.id == _OTHER.run_id, *_goes_on(_ITS_RUN)),
    )
    return or_(IS_INNOCENT, and_(~another_suspect, ~less_suspect))


IS_DUE = _is_due()
"""Its time has come, or lies further ahead than work ever waits: then a clock was set back."""
IS_INNOCENT = _WORK.crashes == 0
WAITS = _waits()
"""Waiting, due, of a run that goes on and is not held."""
CLAIMABLE = and_(WAITS, _may_be_tried())
"""What has killed a process before is tried one at a time, and first what has done so least often: most of it was only
in bad company."""


def free(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Those that meet the condition and are locked by nobody else."""
    return WorkRow.id.in_(select(WorkRow.id).where(condition).order_by(WorkRow.id).with_for_update(skip_locked=True))
