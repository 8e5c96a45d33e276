"""What leaves storage: frozen values. No ORM object goes further than this package."""

from __future__ import annotations

from storage.records.digests import Card, Digest, DigestItem, DigestSection
from storage.records.posts import Candidate, IncomingPost, Post, Source, SourceKind, SourceOverview
from storage.records.public_bots import Category, PublicBot, PublicBotSpec
from storage.records.runs import ENDED, Engine, Failure, NewRun, Period, PostStatus, Run, RunProgress, RunState
from storage.records.work import Judged, ModelCall, Ring, Summary, Verdict, Work, WorkKind, WorkState
from storage.records.workers import StatusOverview, Worker

__all__ = [
    "ENDED",
    "Candidate",
    "Card",
    "Category",
    "Digest",
    "DigestItem",
    "DigestSection",
    "Engine",
    "Failure",
    "IncomingPost",
    "Judged",
    "ModelCall",
    "NewRun",
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
    "Summary",
    "Verdict",
    "Work",
    "WorkKind",
    "WorkState",
    "Worker",
]
