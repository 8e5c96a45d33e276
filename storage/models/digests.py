"""What runs have made, who was given it, and the cards that show it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, BigId, Json


class DigestRow(Base):
    __tablename__ = "digests"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), unique=True)
    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"), index=True)
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime]


class GivenPostRow(Base):
    """A post that a public bot's readers, or its operators where it has none, were given."""

    __tablename__ = "given_posts"
    __table_args__ = (Index("ix_given_posts_text", "public_bot_id", "text_hash"),)

    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    text_hash: Mapped[str] = mapped_column(String(32))
    digest_id: Mapped[int] = mapped_column(ForeignKey("digests.id"))
    given_at: Mapped[datetime]


class CardRow(Base):
    __tablename__ = "cards"
    __table_args__ = (
        UniqueConstraint("run_id", "chat_id"),
        Index("ix_cards_open", "id", sqlite_where=text("announced_at IS NULL"),
              postgresql_where=text("announced_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    chat_id: Mapped[int] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    language: Mapped[str] = mapped_column(String(8))
    shown_version: Mapped[int]
    is_final: Mapped[bool]
    is_gone: Mapped[bool]
    parts_sent: Mapped[int]
    part_in_doubt: Mapped[int | None]
    is_below_draft: Mapped[bool] = mapped_column(server_default=false())
    announced_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
