"""aiogram's models are built when they are first used, and all of them can be."""

from __future__ import annotations

import subprocess
import sys

from settings import HOME


def run(program: str) -> str:
    """What a new process says, in which this is the first that is done."""
    program = "from pipeline.lazy_aiogram import import_aiogram\nimport_aiogram()\n" + program
    done = subprocess.run([sys.executable, "-c", program], cwd=HOME, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_builds_hardly_any_of_them() -> None:
    said = run(
        "from aiogram import types\n"
        "models = [getattr(types, name) for name in types.__all__]\n"
        "print(sum(getattr(model, '__pydantic_complete__', False) for model in models) / len(models))"
    )

    assert float(said) < 0.1


def test_what_telegram_says_is_read() -> None:
    said = run(
        "from aiogram.methods import Response\n"
        "from aiogram.types import Message, Update\n"
        "message = dict(message_id=1, date=1, chat=dict(id=2, type='private'), text='one')\n"
        "message['reply_to_message'] = dict(message, text='two')\n"
        "update = Update.model_validate(dict(update_id=1, message=message))\n"
        "response = Response[Message].model_validate(dict(ok=True, result=message))\n"
        "print(update.message.reply_to_message.text, response.result.text, type(response.result).__name__)"
    )

    assert said == "two one Message"


def test_every_model_can_be_built() -> None:
    said = run(
        "from aiogram import methods, types\n"
        "from pydantic import BaseModel\n"
        "found = [getattr(module, name) for module in (types, methods) for name in module.__all__]\n"
        "models = [one for one in found if isinstance(one, type) and issubclass(one, BaseModel)]\n"
        "for model in models:\n"
        "    if not model.__pydantic_generic_metadata__['parameters']:\n"
        "        assert model.model_rebuild() is not False and model.__pydantic_complete__, model\n"
        "print(len(models) > 400)"
    )

    assert said == "True"


def test_models_of_others_are_built_as_ever_meanwhile() -> None:
    said = run(
        "from pydantic import BaseModel\n"
        "class Ours(BaseModel):\n"
        "    other: 'Other'\n"
        "class Other(BaseModel):\n"
        "    number: int\n"
        "Ours.model_rebuild()\n"
        "print(Ours(other={'number': 1}).other.number)"
    )

    assert said == "1"
