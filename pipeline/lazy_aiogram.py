"""aiogram, imported without building what nobody uses.

When it is imported, aiogram has pydantic build all of its some six hundred models: most of the time that our bot took
to start, and a hundred megabytes. pydantic builds a model that is not built yet when it is first used; all it wants for
that is to be told what the names stand for that the model's fields are written with.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Literal, Optional, Union

from pydantic import BaseModel


def import_aiogram() -> None:
    """To be called before anything else imports aiogram, by whoever is the first; it takes a second."""
    if "aiogram" in sys.modules:
        return
    with _building_later():
        types = import_module("aiogram.types")
    names = {
        "List": list,
        "Optional": Optional,
        "Union": Union,
        "Literal": Literal,
        "Default": import_module("aiogram.client.default").Default,
        **{name: getattr(types, name) for name in types.__all__},
    }
    import_module("aiogram.methods")
    for model in BaseModel.__subclasses__():
        if _is_aiograms(model):
            _give_names(model, names)


@contextmanager
def _building_later() -> Iterator[None]:
    build = _build_of(BaseModel)

    def build_others(model: type[BaseModel], /, **options: Any) -> bool | None:
        return None if _is_aiograms(model) else build(model, **options)

    usual = vars(BaseModel)["model_rebuild"]
    BaseModel.model_rebuild = classmethod(build_others)  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        BaseModel.model_rebuild = usual  # type: ignore[method-assign]


def _give_names(model: type[BaseModel], names: dict[str, Any]) -> None:
    """To this model and all that are derived from it."""
    build = _build_of(model)

    def build_with_names(model: type[BaseModel], /, **options: Any) -> bool | None:
        return build(model, **{**options, "_types_namespace": names})

    model.model_rebuild = classmethod(build_with_names)  # type: ignore[assignment, method-assign]


def _build_of(model: type[BaseModel]) -> Callable[..., bool | None]:
    build: Callable[..., bool | None] = model.model_rebuild.__func__  # type: ignore[attr-defined]
    return build


def _is_aiograms(model: type[BaseModel]) -> bool:
    return model.__module__.startswith("aiogram.")
