"""The tables. Only `storage` sees these classes; what leaves it are the frozen values of `records`."""

from storage.models.base import Base, UtcDateTime, in_utc
from storage.models.digests import CardRow, DigestRow, GivenPostRow
from storage.models.operators import ActionRow, FaultRow, OperatorRow, StrangerRow
from storage.models.processes import InstallationRow, LeaseRow, SelfTestRow, WorkerRow
from storage.models.providers import ModelAnswerRow, ProviderRow
from storage.models.public_bots import InvitationRow, PublicBotRow, PublicBotSourceRow, SlotRow
from storage.models.readers import DeliveryRow, SubscriberRow
from storage.models.runs import ModelCallRow, RunPostRow, RunRow, WorkRow
from storage.models.sources import PostRow, SourceRow

__all__ = [
    "ActionRow",
    "Base",
    "CardRow",
    "DeliveryRow",
    "DigestRow",
    "FaultRow",
    "GivenPostRow",
    "InstallationRow",
    "InvitationRow",
    "LeaseRow",
    "ModelAnswerRow",
    "ModelCallRow",
    "OperatorRow",
    "PostRow",
    "ProviderRow",
    "PublicBotRow",
    "PublicBotSourceRow",
    "RunPostRow",
    "RunRow",
    "SelfTestRow",
    "SlotRow",
    "SourceRow",
    "StrangerRow",
    "SubscriberRow",
    "UtcDateTime",
    "WorkRow",
    "WorkerRow",
    "in_utc",
]
