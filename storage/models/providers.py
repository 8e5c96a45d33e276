"""What is known of the model providers, and what they answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, Json


class ProviderRow(Base):
    """A model provider as it was found: `failure` is why nothing works there until somebody acts, `most_prompt_tokens`
    what it was seen to read of a prompt at most. `name` tells providers apart without naming a key."""

    __tablename__ = "providers"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str]
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    failed_at: Mapped[datetime | None]
    most_prompt_tokens: Mapped[int | None]


class ModelAnswerRow(Base):
    """A verdict or a summary, kept under what was asked: the prompts, the model and all that it saw of the post."""

    __tablename__ = "model_answers"
    __table_args__ = (Index("ix_model_answers_asked", "asked_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    answer: Mapped[dict[str, Any]] = mapped_column(Json)
    asked_at: Mapped[datetime]
