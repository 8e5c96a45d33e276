"""The dashboard, the alerts and Prometheus' settings as they stand in deploy/, and every expression in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from pipeline.adapters.metrics.catalogue import CATALOGUE, Kind
from settings import HOME
from tests.monitoring.expressions import NoSuchThing, Reader, Series
from tests.scraping import Scrape

PROMETHEUS = HOME / "deploy" / "prometheus"
GRAFANA = HOME / "deploy" / "grafana"
OF_PROMETHEUS = {"up": frozenset[str](), "ALERTS": frozenset({"alertname", "alertstate", "severity"})}
VARIABLES = {"$__rate_interval": "5m", "$public_bot": ".*"}
LABEL_VALUES = re.compile(r"label_values\((\w+), (\w+)\)")
SHOWN_LABEL = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Expression:
    """`shown` are the labels that stand in the legend or in an alert's words."""

    where: str
    text: str
    shown: frozenset[str]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "digest.json").read_text())
    return found


def expressions() -> list[Expression]:
    return [*_of_rules(), *_of_dashboard()]


def catalogue() -> Series:
    """The series of the catalogue, of Prometheus itself, and what our rules record."""
    series: dict[str, frozenset[str]] = dict(OF_PROMETHEUS)
    for metric in CATALOGUE.values():
        bucket = frozenset({"le"}) if metric.kind is Kind.HISTOGRAM else frozenset[str]()
        series |= {name: frozenset(metric.labels) | (bucket if "_bucket" in name else set()) for name in metric.series}
    return series | recorded()


def unanswered(scrape: Scrape) -> list[str]:
    """What the dashboard and the alerts ask for and this scrape has not shown: metrics without a value, and labels."""
    shown = {
        name: frozenset[str]().union(*scrape.labels(name))
        for metric in CATALOGUE.values()
        for name in metric.series
        if scrape.labels(name)
    }
    return list(_unanswered(Reader(OF_PROMETHEUS | shown | recorded())))


def _unanswered(reader: Reader) -> Iterator[str]:
    for one in expressions():
        try:
            reader.labels_of(one.text)
        except NoSuchThing as missing:
            yield f"{one.where}: {missing}"


def recorded() -> dict[str, frozenset[str]]:
    return {rule["record"]: frozenset() for rule in rules() if "record" in rule}


def _of_rules() -> Iterator[Expression]:
    for rule in rules():
        words = " ".join(rule.get("annotations", {}).values())
        yield Expression(rule.get("alert") or rule["record"], rule["expr"], frozenset(SHOWN_LABEL.findall(words)))


def _of_dashboard() -> Iterator[Expression]:
    board = dashboard()
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            shown = frozenset(SHOWN_LABEL.findall(target["legendFormat"]))
            yield Expression(f"the panel {panel['title']}", _filled_in(target["expr"]), shown)
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            found = LABEL_VALUES.fullmatch(variable["query"]["query"])
            assert found, variable
            yield Expression(f"the variable {variable['name']}", f"sum by ({found[2]}) ({found[1]})", frozenset())
    for annotation in board["annotations"]["list"]:
        yield Expression(
            f"the annotation {annotation['name']}",
            annotation["expr"],
            frozenset(SHOWN_LABEL.findall(annotation["titleFormat"])),
        )


def _filled_in(text: str) -> str:
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    assert "$" not in text, text
    return text
