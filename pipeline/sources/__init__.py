"""Where posts come from: readers that turn what others wrote into `IncomingPost`. Nothing here touches the database."""

from pipeline.sources.reading import BrokenFile, LeftOut, Reading, Reason

__all__ = ["BrokenFile", "LeftOut", "Reading", "Reason"]
