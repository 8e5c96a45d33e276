"""The audiences, their sources and invitations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, BigId, Json


class PublicBotRow(Base):
    """`schedule_since` is when its schedule came into force: what was due before is not caught up."""

    __tablename__ = "public_bots"
    __table_args__ = (Index("uq_public_bots_telegram_id", "telegram_id", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str]
    language: Mapped[str] = mapped_column(String(8))
    timezone: Mapped[str] = mapped_column(String(64))
    max_posts_per_digest: Mapped[int]
    categorization_prompt: Mapped[str]
    summarization_prompt: Mapped[str]
    categories: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    schedule: Mapped[str | None]
    token_env: Mapped[str | None]
    token_encrypted: Mapped[str | None]
    approval: Mapped[bool | None]
    min_posts: Mapped[int | None]
    quiet_day: Mapped[str | None] = mapped_column(String(10))
    window_hours: Mapped[int | None]
    batch_size: Mapped[int | None]
    is_paused: Mapped[bool] = mapped_column(server_default=false())
    schedule_since: Mapped[datetime | None]
    telegram_id: Mapped[int | None] = mapped_column(BigInteger)
    username: Mapped[str | None]
    token_fault: Mapped[str | None] = mapped_column(String(50))
    parked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PublicBotSourceRow(Base):
    __tablename__ = "public_bot_sources"

    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"), primary_key=True)
    position: Mapped[int]


class InvitationRow(Base):
    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("public_bot_id", "origin"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"))
    code: Mapped[str] = mapped_column(String(64), unique=True)
    origin: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class SlotRow(Base):
    """A time at which a public bot's schedule wanted a digest, and the run that makes it."""

    __tablename__ = "slots"

    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    created_at: Mapped[datetime]
