"""PromQL read to its leaves: which metrics it asks, by which labels, and which labels its result has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import promql_parser as promql

Series = Mapping[str, frozenset[str]]  # the labels of each name that can be asked for
EVERYTHING_HAS = frozenset({"job", "instance"})  # Prometheus gives them to whatever it scrapes


class NoSuchThing(Exception):
    """A metric or a label that nothing has; the message names it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A metric that is asked for, and what its labels are compared with."""

    metric: str
    compared: tuple[tuple[str, str], ...]


class Reader:
    """Reads expressions over the series that there are."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self.selections: list[Selection] = []

    def labels_of(self, expression: str) -> frozenset[str]:
        """The labels that its result can have.

        Raises:
            NoSuchThing: it asks for a metric or a label that there is not.
        """
        return self._labels(promql.parse(expression))

    def _labels(self, node: Any) -> frozenset[str]:
        match node:
            case promql.VectorSelector():
                return self._of_selector(node)
            case promql.MatrixSelector():
                return self._of_selector(node.vector_selector)
            case promql.AggregateExpr():
                return self._of_aggregate(node)
            case promql.BinaryExpr():
                return self._of_binary(node)
            case promql.Call():
                return self._of_call(node)
            case promql.ParenExpr() | promql.SubqueryExpr() | promql.UnaryExpr():
                return self._labels(node.expr)
            case promql.NumberLiteral() | promql.StringLiteral():
                return frozenset()
        raise AssertionError(f"{type(node).__name__} is not known here")

    def _of_selector(self, node: Any) -> frozenset[str]:
        if node.name not in self._series:
            raise NoSuchThing(f"metric {node.name}")
        labels = self._series[node.name] | EVERYTHING_HAS
        compared = tuple((one.name, one.value) for one in node.matchers.matchers)
        self._demand(frozenset(name for name, _ in compared), labels, node)
        self.selections.append(Selection(node.name, compared))
        return labels

    def _of_aggregate(self, node: Any) -> frozenset[str]:
        inner = self._labels(node.expr)
        if node.modifier is None:
            return frozenset()
        named = frozenset(node.modifier.labels)
        self._demand(named, inner, node)
        return named if "By" in str(node.modifier.type) else inner - named

    def _of_binary(self, node: Any) -> frozenset[str]:
        left, right = self._labels(node.lhs), self._labels(node.rhs)
        on = node.modifier.matching if node.modifier is not None else None
        if on is not None:
            self._demand(frozenset(on.labels), left & right, node)
        if str(node.op) == "or":
            return left | right
        return left or right

    def _of_call(self, node: Any) -> frozenset[str]:
        found = frozenset[str]().union(*(self._labels(one) for one in node.args))
        return found - {"le"} if node.func.name == "histogram_quantile" else found

    def _demand(self, named: frozenset[str], there: frozenset[str], node: Any) -> None:
        if missing := named - there:
            raise NoSuchThing(f"label {', '.join(sorted(missing))} in {node}")
