"""The dashboard and the alerts ask only for what there is, and every alert is tried and explained."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping

import pytest
import yaml

from pipeline.adapters.metrics.catalogue import CATALOGUE
from pipeline.meter import CallOutcome
from settings import HOME
from storage.records import RunState
from tests.monitoring.expressions import NoSuchThing, Reader
from tests.monitoring.watching import (
    GRAFANA,
    PROMETHEUS,
    Expression,
    alerts,
    catalogue,
    dashboard,
    expressions,
    unanswered,
)
from tests.scraping import Scrape

OPERATIONS = HOME / "docs" / "operations.md"
WORDS: Mapping[tuple[str, str], frozenset[str]] = {
    ("digest_runs_ended_total", "state"): frozenset(RunState),
    ("digest_run_duration_seconds_bucket", "state"): frozenset(RunState),
    ("digest_model_calls_total", "outcome"): frozenset(CallOutcome),
    ("digest_model_call_duration_seconds_bucket", "outcome"): frozenset(CallOutcome),
    ("up", "job"): frozenset({"digest"}),
    ("ALERTS", "alertstate"): frozenset({"firing"}),
}
EVERYTHING = ".*"

only_with_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool, which comes with Prometheus, is not on this machine"
)


@pytest.mark.parametrize("expression", expressions(), ids=lambda one: one.where)
def test_it_asks_for_metrics_and_labels_that_there_are(expression: Expression) -> None:
    reader = Reader(catalogue())
    assert expression.shown <= reader.labels_of(expression.text)
    for selection in reader.selections:
        for label, value in selection.compared:
            assert value == EVERYTHING or value in WORDS[selection.metric, label], (selection, label)


@pytest.mark.parametrize(
    ("broken", "missing"),
    [
        ("max(digest_wrokers)", "metric digest_wrokers"),
        ('sum(rate(digest_runs_ended_total{stat="done"}[5m]))', "label stat"),
        ("sum by (queue) (digest_workers)", "label queue"),
        ("sum by (public_bot) (sum by (state) (digest_runs_ended_total))", "label public_bot"),
        ("digest_queue_depth > on (state) digest_runs_going_on", "label state"),
        ("rate(digest_run_duration_seconds[5m])", "metric digest_run_duration_seconds"),
        ("absent(digest_gone) or up", "metric digest_gone"),
        ("max_over_time(max(digest_gone)[1h:1m])", "metric digest_gone"),
        ("(time() - -digest_gone)", "metric digest_gone"),
    ],
)
def test_what_there_is_not_would_be_found(broken: str, missing: str) -> None:
    with pytest.raises(NoSuchThing, match=missing):
        Reader(catalogue()).labels_of(broken)


def test_what_a_scrape_has_not_shown_would_be_found() -> None:
    """With a real scrape, which shows everything: tests/story/test_metrics.py."""
    found = unanswered(Scrape('digest_workers 1\ndigest_queue_depth{lane="deliver"} 0\n'))
    assert "DigestTickNotHeld: metric digest_tick_held" in found
    assert any(one.startswith("DigestQueueGrowing: label queue") for one in found)
    assert not [one for one in found if one.startswith("DigestNoWorker")]


def test_every_metric_is_on_the_dashboard() -> None:
    reader = Reader(catalogue())
    for one in expressions():
        if one.where.startswith("the panel"):
            reader.labels_of(one.text)
    asked = {selection.metric for selection in reader.selections}
    assert {name for name, metric in CATALOGUE.items() if not asked & set(metric.series)} == set()


def test_every_panel_says_what_it_shows_and_none_lies_on_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        assert panel["type"] == "row" or panel["description"], panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_how_bad_it_is_and_where_help_stands(alert: dict[str, object]) -> None:
    name, words, labels = alert["alert"], alert["annotations"], alert["labels"]
    assert isinstance(words, dict)
    assert isinstance(labels, dict)
    assert labels["severity"] in ("critical", "warning")
    assert alert["for"]
    assert words["summary"]
    assert words["description"]
    assert words["runbook_url"] == f"docs/operations.md#{str(name).lower()}"


def test_every_alert_is_explained_and_nothing_else_is() -> None:
    headings = re.findall(r"^### (Digest\w+)$", OPERATIONS.read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(alert["alert"] for alert in alerts())


def test_every_alert_is_tried() -> None:
    tried = {
        (case["alertname"], bool(case.get("exp_alerts")))
        for file in PROMETHEUS.glob("alerts*_test.yml")
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test["alert_rule_test"]
    }
    assert tried == {(alert["alert"], fires) for alert in alerts() for fires in (True, False)}


@only_with_promtool
def test_prometheus_takes_the_settings_and_the_alerts() -> None:
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")
    assert "SUCCESS" in promtool("check", "rules", "alerts.yml")


@only_with_promtool
def test_every_alert_fires_when_it_should_and_not_when_it_should_not() -> None:
    promtool("test", "rules", *sorted(file.name for file in PROMETHEUS.glob("alerts*_test.yml")))


def test_what_grafana_is_provisioned_with_can_be_read() -> None:
    sources = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())
    assert [one["type"] for one in sources["datasources"]] == ["prometheus"]
    providers = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "digest.yml").read_text())["providers"]
    assert [one["options"]["path"] for one in providers] == ["/etc/grafana/dashboards"]


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        ["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
