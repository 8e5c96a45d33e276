"""What Prometheus was told, to be asked by name and labels."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


class Scrape:
    """The text of one scrape: the metrics it names, and those of them that have a value."""

    def __init__(self, text: str) -> None:
        self._families = list(text_string_to_metric_families(text))
        self.names = frozenset(_full_name(family.name, family.type) for family in self._families)
        self.shown = frozenset(_full_name(family.name, family.type) for family in self._families if family.samples)

    def labels(self, series: str) -> list[Mapping[str, str]]:
        """The labels of all values of a series."""
        return [sample.labels for sample in self._samples(series)]

    def value(self, series: str, **labels: str) -> float:
        """The sum of all values that have these labels, whatever others they have; 0: there is none."""
        return sum(sample.value for sample in self._samples(series) if labels.items() <= sample.labels.items())

    def by(self, label: str, series: str, **labels: str) -> dict[str, float]:
        """The values of a series that are not 0, by one of its labels."""
        names = {sample.labels[label] for sample in self._samples(series)}
        sums = {name: self.value(series, **{**labels, label: name}) for name in names}
        return {name: value for name, value in sums.items() if value}

    def _samples(self, series: str) -> list[Sample]:
        return [sample for family in self._families for sample in family.samples if sample.name == series]


def free_port() -> int:
    """A port of localhost that nobody has at this moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def fetch(port: int, timeout_s: float = 6.0) -> Scrape:
    """Ask the endpoint on this port of localhost.

    Raises: OSError: nobody answers.
    """
    return Scrape(await asyncio.to_thread(get, port, timeout_s))


def get(port: int, timeout_s: float) -> str:
    """The text of a scrape."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=timeout_s) as answer:
        text: str = answer.read().decode()
    return text


def _full_name(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "counter" else name
