"""A post of our own, to try a model with what it is used for."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.ports import Brief, PostText
from storage.records import Category

SAMPLE_BRIEF = Brief(
    language="en",
    prompt="A digest for people who live in the city.",
    categories=(
        Category("Transport", ("trams, buses, railways, roads and traffic",)),
        Category("Weather", ("rain, storms, heat and frost",)),
    ),
)
SAMPLE_POST = PostText(
    key="p1",
    text="Trams on line 5 run again from Monday, after twelve days of repairs at the depot.",
    channel="City news",
    published_at=datetime(2026, 1, 5, 8, tzinfo=UTC),
)
