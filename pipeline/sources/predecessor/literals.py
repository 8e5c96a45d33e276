"""Python source as plain values, read and never run: what is written down in it, and what is not as `Unread`."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.sources.reading import BrokenFile

ENVIRONMENT = ("os.environ.get", "os.getenv", "environ.get", "getenv", "config", "env", "env.str")
CLEANERS = {"textwrap.dedent": textwrap.dedent, "dedent": textwrap.dedent, "inspect.cleandoc": textwrap.dedent}


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that the program takes from the environment."""

    name: str


@dataclass(frozen=True, slots=True)
class Unread:
    """An expression whose value only running it would tell."""

    line: int


def read_python(path: Path, text: str) -> dict[str, Any]:
    """What is assigned in a module, by name; a class is an object of its attributes, and so is a call with names.

    Raises:
        BrokenFile: it is not Python.
    """
    try:
        module = ast.parse(text)
    except SyntaxError as error:
        raise BrokenFile(path.name, f"is not valid Python: {error.msg}", error.lineno or 1) from None
    return _assigned(module.body, {})


def _assigned(body: list[ast.stmt], known: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for statement in body:
        names = {**known, **found}
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = _value(value, names)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = _value(value, names)
            case ast.ClassDef(name=name, body=inner):
                found[name] = {key: one for key, one in _assigned(inner, names).items() if not key.startswith("__")}
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value])):
                if isinstance(found.get(name), list):
                    found[name] = [*found[name], _value(value, names)]
    return found


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return [_value(part, names) for part in parts]
        case ast.Dict(keys=keys, values=values):
            return _object(keys, values, names)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _sum(node, _value(left, names), _value(right, names))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Subscript(value=value, slice=ast.Constant(value=str() as name)) if ast.unparse(value).endswith(
            "environ"
        ):
            return Variable(name)
        case ast.Call():
            return _call(node, names)
    return Unread(node.lineno)


def _object(keys: list[ast.expr | None], values: list[ast.expr], names: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in zip(keys, values, strict=True):
        if key is None:  # **other
            other = _value(value, names)
            made |= other if isinstance(other, dict) else {f"**{ast.unparse(value)}": Unread(value.lineno)}
        else:
            name = _value(key, names)
            made[str(name) if not isinstance(name, Unread) else ast.unparse(key)] = _value(value, names)
    return made


def _sum(node: ast.expr, left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    return Unread(node.lineno)


def _call(node: ast.Call, names: dict[str, Any]) -> Any:
    called = ast.unparse(node.func)
    arguments = [_value(one, names) for one in node.args]
    if called in ENVIRONMENT and arguments and isinstance(arguments[0], str):
        return Variable(arguments[0])
    if called in CLEANERS and len(arguments) == 1 and isinstance(arguments[0], str):
        return CLEANERS[called](arguments[0]).strip()
    if isinstance(node.func, ast.Attribute) and node.func.attr == "strip" and not arguments:
        text = _value(node.func.value, names)
        return text.strip() if isinstance(text, str) else Unread(node.lineno)
    if node.keywords and all(one.arg for one in node.keywords):
        made = {str(one.arg): _value(one.value, names) for one in node.keywords}
        return made if not arguments else {"name": arguments[0], **made}
    return Unread(node.lineno)
