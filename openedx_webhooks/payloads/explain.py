"""Why a condition is true or false of a payload: which comparisons have decided, and what they found."""

import contextlib
from collections.abc import Callable
from typing import Any

import attrs

from . import shape, syntax

# More than anybody reads.
MAX_REASONS = 12
_MOST_TEXT = 300
_BRANCHES = ("and_expression", "or_expression")


@attrs.frozen
class Reason:
    """
    One part of a condition that has decided.

    Attributes:
        text: the part, as it would be written.
        holds: whether it is true.
        found: path → the value there.
        error: why it could not be evaluated; empty if it could.
    """

    text: str
    holds: bool
    found: tuple[tuple[str, Any], ...] = ()
    error: str = ""


def explain(expression, payload: Any) -> list[Reason]:
    """
    The parts that decide whether a compiled condition is true of a payload: of a false ``&&`` those that are false, of
    a true ``||`` the first that is true. What is negated is told with its ``!``: all reasons of a true condition hold,
    and none of a false one.

    Within the steps that an evaluation may take; what is beyond them, or beyond :data:`MAX_REASONS`, is left out.
    """
    walk = _Walk(shape.evaluator(expression))
    with contextlib.suppress(RecursionError):
        walk.explain(expression.parsed, payload)
    return walk.reasons


class _Walk:
    def __init__(self, evaluate: Callable[[dict, Any], Any]):
        self._evaluate = evaluate
        self.reasons: list[Reason] = []

    def explain(self, node, value, is_negated: bool = False) -> None:
        if len(self.reasons) >= MAX_REASONS:
            return
        kind = node["type"]
        if kind in _BRANCHES:
            self._explain_branches(node, value, is_negated)
        elif kind == "not_expression":
            self.explain(node["children"][0], value, not is_negated)
        elif kind == "pipe":
            for child in node["children"][:-1]:
                value, error = self._try(child, value)
                if error:
                    self._leaf(child, value, is_negated)
                    return
            self.explain(node["children"][-1], value, is_negated)
        else:
            self._leaf(node, value, is_negated)

    def _explain_branches(self, node, value, is_negated):
        """The parts that make it what it is: one true one makes ``||`` true, one false one makes ``&&`` false."""
        decides = node["type"] == "or_expression"
        branches, deciding = syntax.operands(node, node["type"]), []
        for branch in branches:
            result, error = self._try(branch, value)
            if error and deciding:
                # It is not reached: a part before it is false.
                break
            if error or shape.is_true(result) == decides:
                deciding.append(branch)
                if error or decides:
                    break
        for branch in deciding or [each for each in branches if not _asks_for_type(each)] or branches:
            self.explain(branch, value, is_negated)

    def _try(self, node, value) -> tuple[Any, str]:
        try:
            return self._evaluate(node, value), ""
        except RecursionError:
            raise
        except shape.ExpressionError as error:
            return None, str(error)
        except Exception as error:  # pylint: disable=broad-exception-caught
            # What compares a text with a number, for one.
            return None, type(error).__name__

    def _leaf(self, node, value, is_negated):
        result, error = self._try(node, value)
        operands = list(node["children"]) if node["type"] in ("comparator", "function_expression") else [node]
        found = tuple(
            (syntax.text_of(operand)[:_MOST_TEXT] or "@", self._try(operand, value)[0])
            for operand in operands
            if operand["type"] != "expref" and not _is_constant(operand)
        )
        text, holds = syntax.text_of(node)[:_MOST_TEXT], shape.is_true(result)
        if is_negated and not error:
            text, holds = f"!({text})" if node["type"] == "comparator" else f"!{text}", not holds
        self.reasons.append(Reason(text, holds, found, error))


def _asks_for_type(node) -> bool:
    """``type(a) == 'string'``: it stands before what would fail on another type, and tells nobody why."""
    return any(child["type"] == "function_expression" and child["value"] == "type" for child in node["children"])


def _is_constant(node) -> bool:
    return all(inner["type"] in ("literal", "multi_select_list", "identity") for inner in syntax.in_text_order(node))
