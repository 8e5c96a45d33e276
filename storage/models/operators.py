"""Who steers, what they changed, what they should know, and who tried in vain."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, BigId, Json


class OperatorRow(Base):
    """An operator as last seen: how to address them when they did not ask."""

    __tablename__ = "operators"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(100))
    language: Mapped[str] = mapped_column(String(8))
    seen_at: Mapped[datetime]


class ActionRow(Base):
    """What an operator changed, and when. `operator_id` is NULL for the command line."""

    __tablename__ = "actions"
    __table_args__ = (Index("ix_actions_run", "run_id"), Index("ix_actions_bot", "public_bot_id", "id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    operator_id: Mapped[int | None] = mapped_column(BigInteger)
    operator_name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(30))
    public_bot_id: Mapped[int | None] = mapped_column(ForeignKey("public_bots.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    details: Mapped[dict[str, Any]] = mapped_column(Json)


class FaultRow(Base):
    """Something that operators should know of. `told_at` is NULL until the bot has told them."""

    __tablename__ = "faults"
    __table_args__ = (
        Index("ix_faults_untold", "id", sqlite_where=text("told_at IS NULL"), postgresql_where=text("told_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    public_bot_id: Mapped[int | None] = mapped_column(ForeignKey("public_bots.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    message_id: Mapped[str] = mapped_column(String(50))
    params: Mapped[dict[str, Any]] = mapped_column(Json)
    told_at: Mapped[datetime | None]


class StrangerRow(Base):
    """Somebody who is no operator and wrote to the admin bot or pressed one of its buttons."""

    __tablename__ = "strangers"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    times: Mapped[int]
    seen_at: Mapped[datetime]
