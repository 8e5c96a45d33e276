"""Who reads, and what was sent to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, BigId


class SubscriberRow(Base):
    """A chat that reads a public bot, or did. `left_out` are categories it does not want; NULL: it wants all."""

    __tablename__ = "subscribers"
    __table_args__ = (
        UniqueConstraint("public_bot_id", "chat_id"),
        Index("ix_subscribers_bot_state", "public_bot_id", "state"),
        Index("ix_subscribers_unasked", "id", sqlite_where=text("state = 'offered' AND asked_at IS NULL"),
              postgresql_where=text("state = 'offered' AND asked_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"))
    chat_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(12))
    title: Mapped[str | None]
    language: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(30))
    left_out: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitations.id"))
    asked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class DeliveryRow(Base):
    """One part of a digest for one chat. `due_at` is NULL until the part before it has ended; `attempt` numbers the
    calls, so that a result is saved only for the call it came from."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("digest_id", "chat_id", "part"),
        Index("ix_deliveries_lane", "digest_id", "lane", "state", "due_at"),
        Index("ix_deliveries_subscriber", "subscriber_id"),
        Index("ix_deliveries_sending", "started_at", sqlite_where=text("state = 'sending'"),
              postgresql_where=text("state = 'sending'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    digest_id: Mapped[int] = mapped_column(ForeignKey("digests.id"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id"))
    chat_id: Mapped[int] = mapped_column(BigInteger)
    part: Mapped[int]
    lane: Mapped[int]
    left_out: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None]
    attempt: Mapped[int]
    due_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    message_id: Mapped[int | None] = mapped_column(BigInteger)
