"""A rediss:// URL means TLS with a certificate that is checked, for Celery as for everything else."""

from __future__ import annotations

import ssl

import pytest
from celery import Celery

from pipeline.celery_app import make_monitor_app, make_producer_app, make_worker_app


@pytest.mark.parametrize("make_app", [make_producer_app, make_worker_app, make_monitor_app])
@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("rediss://digest:pw@redis.internal/0", ssl.CERT_REQUIRED),
        ("rediss://digest:pw@redis.internal/0?ssl_ca_certs=/etc/digest-bot/ca.crt", ssl.CERT_REQUIRED),
        ("rediss://digest:pw@redis.internal/0?ssl_cert_reqs=none", ssl.CERT_NONE),
    ],
)
def test_celery_checks_the_certificate_unless_it_is_told_not_to(
    make_app: type[Celery], url: str, wanted: ssl.VerifyMode
) -> None:
    with make_app(url).connection_for_write() as connection:
        assert connection.ssl["ssl_cert_reqs"] is wanted
