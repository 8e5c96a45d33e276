"""Where posts come from, and the posts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, BigId, Json


class SourceRow(Base):
    """`post_count` is kept by `posts.store`, which holds the source meanwhile: counting a million takes too long."""

    __tablename__ = "sources"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str]
    chat_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    username: Mapped[str | None]
    home_channel: Mapped[str | None]
    added_by: Mapped[int | None] = mapped_column(BigInteger)
    post_count: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]


class PostRow(Base):
    __tablename__ = "posts"
    __table_args__ = (
        UniqueConstraint("source_id", "external_id"),
        Index("ix_posts_source_published", "source_id", "published_at"),
        Index("ix_posts_source_album", "source_id", "album_id", sqlite_where=text("album_id IS NOT NULL"),
              postgresql_where=text("album_id IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"))
    external_id: Mapped[str] = mapped_column(String(200))
    published_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    stored_at: Mapped[datetime]
    text: Mapped[str]
    text_hash: Mapped[str] = mapped_column(String(32))
    url: Mapped[str | None]
    links: Mapped[list[str]] = mapped_column(Json)
    channel_title: Mapped[str | None]
    album_id: Mapped[str | None] = mapped_column(String(64))
    album_captions: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
