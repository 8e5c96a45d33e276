"""The makings of digests: what each does with its posts, its work, and what it asked of a model."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, BigId, Json

RUN_GOES_ON = "state NOT IN ('done', 'failed', 'cancelled')"


class RunRow(Base):
    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("chat_id", "message_id"),
        Index("uq_runs_going_on", "public_bot_id", unique=True, sqlite_where=text(RUN_GOES_ON),
              postgresql_where=text(RUN_GOES_ON)),
        Index("ix_runs_bot_created", "public_bot_id", "created_at"),
        Index("ix_runs_state", "state", "id"),
        Index("ix_runs_restored", "public_bot_id", "period_end", sqlite_where=text("origin = 'restore'"),
              postgresql_where=text("origin = 'restore'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"))
    state: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    engine: Mapped[str] = mapped_column(String(10))
    provider: Mapped[str] = mapped_column(String(20))
    model: Mapped[str]
    origin: Mapped[str] = mapped_column(String(20))
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    requested_by: Mapped[int | None] = mapped_column(BigInteger)
    cancelled_by: Mapped[int | None] = mapped_column(BigInteger)
    period_start: Mapped[datetime]
    period_end: Mapped[datetime]
    post_limit: Mapped[int]
    min_posts: Mapped[int] = mapped_column(server_default="1")
    quiet_day: Mapped[str | None] = mapped_column(String(10))
    deliver: Mapped[bool]
    publish_at: Mapped[datetime | None]
    is_paused: Mapped[bool] = mapped_column(server_default=false())
    asks_anew: Mapped[bool] = mapped_column(server_default=false())
    late_since: Mapped[datetime | None]
    notice: Mapped[str | None]
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    stage_started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class RunPostRow(Base):
    __tablename__ = "run_posts"
    __table_args__ = (Index("ix_run_posts_run_status", "run_id", "status"),)

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    status: Mapped[str] = mapped_column(String(20))
    category: Mapped[str | None]
    importance: Mapped[int | None]
    reason: Mapped[str | None]
    headline: Mapped[str | None]
    summary: Mapped[str | None]


class WorkRow(Base):
    __tablename__ = "work"
    __table_args__ = (
        Index("ix_work_run_state", "run_id", "state"),
        Index("ix_work_state", "state", "due_at"),  # a partial one is of no use: what is asked for is a parameter
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    kind: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(10))
    post_ids: Mapped[list[int]] = mapped_column(Json)
    lane: Mapped[int | None]
    owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None]
    fence: Mapped[int]
    failures: Mapped[int]
    crashes: Mapped[int]
    retries: Mapped[int]
    due_at: Mapped[datetime]
    rung_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]


class ModelCallRow(Base):
    __tablename__ = "model_calls"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), index=True)
    work_id: Mapped[int]
    model: Mapped[str]
    is_fallback: Mapped[bool] = mapped_column(server_default=false())
    outcome: Mapped[str]
    input_tokens: Mapped[int]
    cached_tokens: Mapped[int]
    output_tokens: Mapped[int]
    cost: Mapped[float] = mapped_column(Float)
    duration_ms: Mapped[int]
    called_at: Mapped[datetime]
