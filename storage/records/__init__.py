"""What leaves storage: frozen values. No ORM object goes further than this package."""

from __future__ import annotations

from storage.records.digests import Card, Digest, DigestItem, DigestSection
from storage.records.operators import COMMAND_LINE, Action, ActionKind, Actor, Fault, Operator
from storage.records.posts import Candidate, IncomingPost, Post, Source, SourceKind, SourceOverview
from storage.records.public_bots import Category, PublicBot, PublicBotSpec
from storage.records.readers import (
    ChatKind,
    DeliveryProgress,
    DeliveryState,
    Doubt,
    Invitation,
    Parcel,
    Subscriber,
    SubscriberState,
    Unreached,
)
from storage.records.runs import ENDED, Engine, Failure, NewRun, Period, PostStatus, Run, RunProgress, RunState
from storage.records.work import Judged, ModelCall, Ring, Summary, Verdict, Work, WorkKind, WorkState
from storage.records.workers import StatusOverview, Worker

__all__ = [
    "COMMAND_LINE",
    "ENDED",
    "Action",
    "ActionKind",
    "Actor",
    "Candidate",
    "Card",
    "Category",
    "ChatKind",
    "DeliveryProgress",
    "DeliveryState",
    "Digest",
    "DigestItem",
    "DigestSection",
    "Doubt",
    "Engine",
    "Failure",
    "Fault",
    "IncomingPost",
    "Invitation",
    "Judged",
    "ModelCall",
    "NewRun",
    "Operator",
    "Parcel",
    "Period",
    "Post",
    "PostStatus",
    "PublicBot",
    "PublicBotSpec",
    "Ring",
    "Run",
    "RunProgress",
    "RunState",
    "Source",
    "SourceKind",
    "SourceOverview",
    "StatusOverview",
    "Subscriber",
    "SubscriberState",
    "Summary",
    "Unreached",
    "Verdict",
    "Work",
    "WorkKind",
    "WorkState",
    "Worker",
]
