"""deploy/compose.yaml: what it promises to whoever runs it, read off the file, since no container engine runs here."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from pipeline.worker import GRACE_S
from settings import HOME, Settings, load_settings
from tests.deploy.files import (
    DEPLOY,
    compose,
    example_env,
    filled_in,
    image_environment,
    programs,
    services,
    strings,
    variables,
)

SECRET = re.compile(r"TOKEN|KEY|PASSWORD")


def test_it_is_what_compose_takes_for_a_compose_file() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, cwd=DEPLOY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_variable_is_in_the_example() -> None:
    assert {name for name, _ in variables(compose())} <= set(example_env())


def test_a_secret_that_is_missing_is_refused_by_its_name() -> None:
    secrets = {name: rest for name, rest in variables(compose()) if SECRET.search(name)}
    assert secrets
    assert set(secrets.values()) == {":?"}


def test_the_example_holds_no_secret_and_only_names_that_are_used() -> None:
    used = {name for name, _ in variables(compose())}
    for name, value in example_env().items():
        table, _, key = name.removeprefix("DIGEST_").lower().partition("__")
        is_setting = table in Settings.model_fields and key in type(getattr(Settings(), table)).model_fields
        assert is_setting or name in used, f"{name} is read by nobody"
        assert not (SECRET.search(name) and value), f"{name} has a value"


def test_our_programs_can_use_what_they_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {**example_env(), **{name: "12345:secret" for name in example_env() if SECRET.search(name)}}
    for name, service in programs().items():
        with monkeypatch.context() as only_here:
            for variable, value in service["environment"].items():
                only_here.setenv(variable, filled_in(value, given))
            settings = load_settings(DEPLOY / "settings.production.toml", tmp_path / "none")
        assert settings.redis.url != Settings().redis.url or name == "backup"


def test_no_secret_is_on_a_command_line() -> None:
    for name, service in services().items():
        assert not list(variables(service.get("command", []))), name
        assert not list(variables(service.get("healthcheck", {}))), name


def test_other_machines_reach_nothing() -> None:
    for name, service in services().items():
        for port in service.get("ports", []):
            assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), f"{name} publishes {port}"
        assert service.get("network_mode") is None, name
    for store in ("redis", "postgres"):
        assert "ports" not in services()[store]
        assert services()[store]["networks"] == ["inside"]
    assert compose()["networks"]["inside"]["internal"] is True


def test_every_name_stands_for_something() -> None:
    used_volumes = set()
    for name, service in services().items():
        assert set(service["networks"]) <= set(compose()["networks"]), name
        assert set(service.get("depends_on", ())) <= set(services()), name
        used_volumes |= {mount.split(":")[0] for mount in service.get("volumes", []) if mount[0] != "."}
    assert used_volumes == set(compose()["volumes"])


def test_every_mounted_file_is_in_the_project_and_cannot_be_written() -> None:
    mounts = [mount for service in services().values() for mount in service.get("volumes", []) if mount[0] == "."]
    assert mounts
    for mount in mounts:
        source, _, mode = mount.split(":")
        assert (DEPLOY / source).resolve().is_relative_to(HOME)
        assert (DEPLOY / source).exists(), source
        assert mode == "ro", mount


def test_what_is_waited_for_says_when_it_is_there() -> None:
    for name, service in services().items():
        waits = service.get("depends_on", {})
        for other in waits if isinstance(waits, dict) else ():
            assert waits[other] == {"condition": "service_healthy"}, name
            assert "test" in services()[other]["healthcheck"], other


def test_our_programs_can_do_little_harm() -> None:
    for name, service in programs().items():
        assert service["user"] == "10001:10001", name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["init"] is True, f"{name}: a SIGTERM that comes before Python listens would be lost"


def test_what_lives_long_comes_back_and_has_its_limits() -> None:
    for name, service in services().items():
        if "profiles" not in service:
            assert service["restart"] == "unless-stopped", name
            assert set(service["deploy"]["resources"]["limits"]) == {"memory", "cpus"}, name
            assert service["logging"]["options"]["max-size"], name


def test_a_worker_is_given_the_time_it_takes_to_stop() -> None:
    grace = services()["worker"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) >= GRACE_S + 10
    assert "container_name" not in services()["worker"], "there can be several"
    assert "ports" not in services()["worker"], "there can be several"


def test_redis_is_safe_for_a_broker() -> None:
    lines = (DEPLOY / "redis" / "redis.conf").read_text().splitlines()
    assert {"appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction"} <= set(lines)


def test_prometheus_finds_every_bot_and_worker() -> None:
    of_compose = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.compose.yml").read_text())
    of_hosts = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    job = of_compose["scrape_configs"][0]
    port = tomllib.loads((DEPLOY / "settings.production.toml").read_text())["metrics"]["port"]
    assert job["dns_sd_configs"][0]["names"] == ["bot", "worker"]
    assert job["dns_sd_configs"][0]["port"] == port
    assert of_compose["global"] == of_hosts["global"]
    assert of_compose["rule_files"] == of_hosts["rule_files"] == ["alerts.yml"]
    assert {one["job_name"] for one in of_hosts["scrape_configs"]} == {job["job_name"]}
    for name in ("bot", "worker"):
        assert services()[name]["environment"]["DIGEST_METRICS__HOST"] == "0.0.0.0"  # inside the containers' network
        assert "inside" in services()[name]["networks"]
        assert "inside" in services()["prometheus"]["networks"]


def test_grafana_finds_what_its_files_name() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    for file in provisioning.rglob("*.yml"):
        for text in strings(yaml.safe_load(file.read_text())):
            for name in re.findall(r"\$\{?(\w+)\}?", text):
                assert name in services()["grafana"]["environment"], f"{file.name}: {name}"
    targets = [mount.split(":")[1] for mount in services()["grafana"]["volumes"]]
    boards = yaml.safe_load(next((provisioning / "dashboards").glob("*.yml")).read_text())
    assert boards["providers"][0]["options"]["path"] in targets


def test_the_image_reads_the_production_settings() -> None:
    assert image_environment()["DIGEST_SETTINGS_FILE"] == "/app/deploy/settings.production.toml"
