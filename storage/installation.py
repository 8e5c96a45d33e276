"""The name of this installation: made by whoever comes first, and the same for all that share the database."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.inserting import insert_ignoring
from storage.models import InstallationRow


async def name(session: AsyncSession) -> str:
    """The name, which is made where there is none yet: to be asked in a session that writes."""
    await insert_ignoring(session, InstallationRow, [{"id": 1, "name": str(uuid4())}])
    return (await session.execute(select(InstallationRow.name))).scalar_one()
