"""A Redis with TLS, a user and a password, as one has it on another host: all that talk to it read the same URL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.engines.test_both_engines import PERIOD, store_posts
from tests.engines.test_recovery import wait_for
from tests.processes import Installation
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer
from tests.servers.threads import ServerThread
from tests.servers.tls import Authority, TlsProxy

PASSWORD = "p4ss-of/Redis"
WRITTEN = "p4ss-of%2FRedis"


class Guarded:
    """A Redis that only this user may use, and only through TLS, as far as its clients know."""

    def __init__(self, redis: RedisServer, proxy: TlsProxy, authority: Authority) -> None:
        self.redis, self.proxy, self.authority = redis, proxy, authority

    def url(self, password: str = WRITTEN, authority: Path | None = None, *, trusts_system: bool = False) -> str:
        query = "" if trusts_system else f"?ssl_ca_certs={authority or self.authority.file}"
        return f"rediss://digest:{password}@localhost:{self.proxy.port}/0{query}"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    redis, authority = RedisServer(folder / "redis"), Authority(folder / "tls", "ours")
    redis.start()
    with Redis.from_url(redis.url) as client:
        client.acl_setuser(
            "digest", enabled=True, passwords=[f"+{PASSWORD}"], keys=["*"], channels=["*"], commands=["+@all"]
        )
        client.execute_command("ACL SETUSER default off")
    proxy = TlsProxy(redis.port, authority.context())
    with ServerThread(proxy.start, proxy.stop):
        yield Guarded(redis, proxy, authority)
    redis.stop()


@pytest.fixture
def behind_tls(tmp_path: Path, guarded: Guarded, model: ModelServer) -> Iterator[Installation]:
    made = Installation(tmp_path, DIGEST_REDIS__URL=guarded.url(), DIGEST_LLM__BASE_URL=model.base_url)
    yield made
    made.stop_all()


def another_authority(guarded: Guarded) -> Path:
    return Authority(guarded.redis.folder, "theirs").file


def test_a_run_is_done_by_a_worker_over_tls_with_a_user_and_a_password(
    behind_tls: Installation, guarded: Guarded
) -> None:
    slug = store_posts(behind_tls, 10)
    behind_tls.start_worker()
    printed = behind_tls.pipeline("digest", slug, "--period", PERIOD, "--wait", "--format", "json")
    assert json.loads(printed.stdout)["sections"]
    run = json.loads(behind_tls.pipeline("status", "--json").stdout)["recent"][0]
    assert (run["state"], run["engine"]) == ("done", "celery")
    with Redis(port=guarded.redis.port, username="digest", password=PASSWORD, decode_responses=True) as client:
        assert client.exists("digest:installation"), "the limits and signs of all processes are there, too"
    assert behind_tls.terminate("worker") == 0
    said = behind_tls.log("worker")
    assert "does not answer" not in said
    assert PASSWORD not in said + printed.stderr
    assert WRITTEN not in said + printed.stderr


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param(
            lambda guarded: guarded.url(password="wr0ng-password"), "invalid username-password pair",
            id="wrong password", marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda guarded: guarded.url(authority=another_authority(guarded)), "certificate verify failed",
            id="certificate of another authority", marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda guarded: guarded.url(trusts_system=True), "certificate verify failed",
            id="certificate of nobody that the system knows",
        ),
    ],
)  # fmt: skip
def test_what_redis_or_its_certificate_has_against_us_is_said_without_the_password(
    behind_tls: Installation, guarded: Guarded, url: object, reason: str
) -> None:
    slug = store_posts(behind_tls, 5)
    behind_tls.environment["DIGEST_REDIS__URL"] = url(guarded)  # type: ignore[operator]
    worker = behind_tls.start_worker()
    wait_for(lambda: "Redis does not answer" in behind_tls.log("worker"), "what the worker says")
    refused = behind_tls.pipeline("digest", slug, "--period", PERIOD, check=False)
    assert worker.poll() is None, "it waits until that is mended"
    assert refused.returncode == 1
    for said in (behind_tls.log("worker"), refused.stderr):
        assert reason in said
        assert "Traceback" not in said
        assert "wr0ng-password" not in said
        assert WRITTEN not in said
