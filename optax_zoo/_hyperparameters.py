"""What a part refuses, said of the hyperparameter of the call that it came from."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from optax_zoo._checks import Refused, is_number, refusal, refused_by
from optax_zoo._suggestions import keywords, refuse_unknown

_Parameters = ParamSpec("_Parameters")
_Made = TypeVar("_Made")


def in_own_words(factory: Callable[_Parameters, _Made]) -> Callable[_Parameters, _Made]:
    """The factory of an algorithm, whose refusals are in words of the call."""
    signature = inspect.signature(factory)
    known, names = keywords(signature), list(signature.parameters)
    rate = signature.parameters.get("learning_rate")
    rate_may_be_none = rate is None or rate.default is None

    @functools.wraps(factory)
    def checked(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Made:
        refuse_unknown(f"hyperparameter of {factory.__name__}", kwargs, known)
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        if not rate_may_be_none and given.get("learning_rate", 0) is None:
            raise ValueError(
                "learning_rate is None, but must be a number at least 0 or a schedule; for a direction without a rate "
                f"use {factory.__name__}().replace(learning_rate=None), which points uphill."
            )
        try:
            return factory(*args, **kwargs)
        except (TypeError, ValueError) as error:
            renamed = _in_words_of(factory, given, error)
            if renamed is None:
                raise
        raise renamed

    return checked


def _in_words_of(factory: Callable[..., Any], given: Mapping[str, Any], error: Exception) -> Exception | None:
    """The error of a factory about the hyperparameter whose value was refused.

    None where the error names it already, is of another kind, or where none has the value, which then was computed.
    """
    refused = refused_by(error)
    if refused is None:
        return None
    candidates = [name for name, value in given.items() if _same(value, refused.value)]
    if len(candidates) > 1:
        candidates = [name for name in candidates if _is_refused(factory, given, candidates, name, refused)]
    if not candidates or refused.argument in candidates[:1]:
        return None
    return refusal(type(error), dataclasses.replace(refused, argument=candidates[0]))


def _is_refused(
    factory: Callable[..., Any], given: Mapping[str, Any], candidates: list[str], kept: str, refused: Refused
) -> bool:
    """Whether the same is refused where of all candidates one alone is given, and the others are left to be default."""
    try:
        factory(**{name: value for name, value in given.items() if name == kept or name not in candidates})
    except (TypeError, ValueError) as error:
        again = refused_by(error)
        return again is not None and again.argument == refused.argument and _same(again.value, refused.value)
    return False


def _same(value: Any, refused: Any) -> bool:
    return value is refused or (is_number(value) and is_number(refused) and value == refused)
