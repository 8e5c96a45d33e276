"""The one place on this host where Prometheus finds the metrics: served by one process for all of them, and by another
when that one ends."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import sys
import time
from collections import deque
from pathlib import Path
from socketserver import TCPServer
from threading import Thread
from typing import IO, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import ThreadingWSGIServer, make_wsgi_app

from pipeline.adapters.metrics.collecting import Look, make_registry
from pipeline.adapters.metrics.prometheus_meter import PrometheusMeter
from pipeline.adapters.metrics.slots import hold, take_slot

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
AFTER_REFUSAL_S = 2.0
LAGS = 20  # of the last ten seconds, of which the worst is shown
CLIENT_TIMEOUT_S = 10.0


class Endpoint:
    """Counts for this process, looks after it, and serves the metrics of the whole host whenever nobody else does."""

    def __init__(self, folder: Path, role: str, host: str, port: int) -> None:
        """Raises: OSError: the folder cannot be used."""
        self._folder = folder
        self._address = host, port
        self._slot = take_slot(folder, role)
        self._lock: IO[bytes] | None = None
        self._server: ThreadingWSGIServer | None = None
        self._may_try_at = 0.0
        self._has_warned = False
        self._task: asyncio.Task[None] | None = None
        self.meter = PrometheusMeter(self._slot)
        self.meter.process_started(time.time())

    def start(self, look: Look) -> None:
        """Serve from now on, where nobody else does; `look` tells the installation's situation."""
        registry = make_registry(self._folder, look, asyncio.get_running_loop())
        self._task = asyncio.create_task(self._run(registry))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._server is not None:
            await asyncio.to_thread(self._server.shutdown)
            self._server.server_close()
        if self._lock is not None:
            self._lock.close()
        self.meter.close()
        self._slot.close()

    async def _run(self, registry: CollectorRegistry) -> None:
        lags: deque[float] = deque([0.0], LAGS)
        while True:
            try:
                self.meter.process_is(_resident_bytes(), max(lags))
                if self._server is None and time.monotonic() >= self._may_try_at:
                    await self._try_to_serve(registry)
            except Exception:
                log.exception("This process could not look after its metrics; it tries again.")
            asked_at = time.monotonic()
            await asyncio.sleep(LOOK_EVERY_S)
            lags.append(time.monotonic() - asked_at - LOOK_EVERY_S)

    async def _try_to_serve(self, registry: CollectorRegistry) -> None:
        """One process of this host has the lock and may take the port. When it is taken all the same, it is by somebody
        who is none of us."""
        host, port = self._address
        try:
            self._lock = self._lock or hold(self._folder / "endpoint.lock")
            if self._lock is None:
                return
            self._server = await asyncio.to_thread(_listen, host, port, registry)
        except OSError as error:
            self._may_try_at = time.monotonic() + AFTER_REFUSAL_S
            if not self._has_warned:
                log.warning("Metrics cannot be served on %s port %d (%s); trying again.", host, port, error.strerror)
                self._has_warned = True
            return
        Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()
        log.info("Metrics of this host are served on %s port %d.", host, port)


class _Server(ThreadingWSGIServer):
    def server_bind(self) -> None:
        """Without asking the network for our own name, which can take long."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("A scrape was broken off.", exc_info=True)


class _ServerV6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = CLIENT_TIMEOUT_S

    def log_message(self, format: str, *args: object) -> None:
        """A scrape is nothing to write down."""


def _listen(host: str, port: int, registry: CollectorRegistry) -> ThreadingWSGIServer:
    """Raises: OSError: the address cannot be had."""
    kind = _ServerV6 if ":" in host else _Server
    return make_server(host, port, make_wsgi_app(registry), kind, _Handler)


def _resident_bytes() -> int:
    """The memory of this process; where there is no /proc, the most it ever had."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
