"""Names that do not exist, and the nearest that do."""

import difflib
import functools
import inspect
import re
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

_Parameters = ParamSpec("_Parameters")
_Returned = TypeVar("_Returned")

_DECAYS = ("decay", "b1", "beta", "rho", "sigma", "slow_decay", "limit", "momentum")
_SECOND_DECAYS = ("b2", "rho", "decay", "sigma", "slow_decay")

# What PyTorch, Keras, Optax or another row call it, without "_" and capitals: what it may be here, best first.
_ELSEWHERE: Mapping[str, tuple[str, ...]] = types.MappingProxyType(
    {
        **dict.fromkeys(("lr", "eta", "rate", "stepsize", "baselr"), ("learning_rate", "rate")),
        "alpha": ("decay", "learning_rate"),
        **dict.fromkeys(("beta1", "b1", "beta"), _DECAYS),
        **dict.fromkeys(("momentum", "mu", "momentumdecay"), ("momentum", "decay", "b1", "beta")),
        **dict.fromkeys(("beta2", "b2", "smoothingconstant"), _SECOND_DECAYS),
        **dict.fromkeys(("rho", "decayrate", "discountingfactor"), ("decay", "rho", "b2", "sigma")),
        **dict.fromkeys(("beta3", "b3"), ("b3",)),
        "decay": ("rho", "beta", "sigma", "slow_decay"),
        "betas": ("b1 and b2", *_DECAYS),
        **dict.fromkeys(("epsilon", "eps1", "epsout"), ("eps",)),
        **dict.fromkeys(("epsilonroot", "eps2", "epsin"), ("eps_root",)),
        **dict.fromkeys(("wd", "l2", "l2reg", "weightdecayrate"), ("weight_decay",)),
        "mask": ("weight_decay_mask",),
        **dict.fromkeys(("clipnorm", "maxgradnorm"), ("max_norm",)),
        **dict.fromkeys(("initialaccumulatorvalue", "initialscale"), ("initial_accumulator", "initial")),
        **dict.fromkeys(("mudtype", "dtype", "statedtype"), ("accumulator_dtype",)),
        **dict.fromkeys(("seed", "rng", "prngkey"), ("key",)),
        **dict.fromkeys(("bias", "biascorrection", "adambiascorrection"), ("debias",)),
    }
)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """What a name most likely stands for: a synonym that is known, else one spelled alike, else None."""
    known = list(known)
    for synonym in _ELSEWHERE.get(name.replace("_", "").lower(), ()):
        if all(part in known for part in synonym.split(" and ")):
            return synonym
    return next(iter(difflib.get_close_matches(name.lower(), known, n=1)), None)


def refuse_unknown(kind: str, given: Iterable[str], known: Collection[str] | None) -> None:
    """Refuses keywords that a function does not have, and suggests those that were meant; with known=None none.

    Args:
      kind: what the known are, "pipeline slot" or "argument of root".
      given: the keywords.
      known: those that there are.

    Raises:
      TypeError: naming the unknown, the nearest and all known.
    """
    unknown = [] if known is None else [name for name in given if name not in known]
    if not unknown or known is None:
        return
    meant = {name: near for name in unknown if (near := nearest(name, known))}
    answers = ", ".join(near if len(unknown) == 1 else f"{near} for {name}" for name, near in meant.items())
    suggestion = f"; did you mean {answers}?" if meant else "."
    noun, of, whose = kind.partition(" of ")
    article = "an" if noun[0] in "aeiou" else "a"
    what = f"is not {article} {noun}" if len(unknown) == 1 else f"are not {noun}s"
    allowed = ", ".join(known) or "none at all"
    raise TypeError(f"{', '.join(unknown)} {what}{of}{whose}{suggestion} Allowed: {allowed}.")


def keywords(signature: inspect.Signature) -> tuple[str, ...] | None:
    """The parameters that a call may name; None where it may name any."""
    parameters = signature.parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))


def suggests(kind: str) -> Callable[[Callable[_Parameters, _Returned]], Callable[_Parameters, _Returned]]:
    """Makes a function refuse unknown keywords with a suggestion."""

    def decorate(function: Callable[_Parameters, _Returned]) -> Callable[_Parameters, _Returned]:
        known = keywords(inspect.signature(function))

        @functools.wraps(function)
        def call(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Returned:
            refuse_unknown(kind, kwargs, known)
            return function(*args, **kwargs)

        return call

    return decorate


def unknown_algorithm(name: Any, known: Iterable[str], elsewhere: Mapping[str, str]) -> str:
    """The sentences that refuse the name of an algorithm: the nearest five, and Optax's own of that name.

    Args:
      name: that there is not.
      known: the names that there are.
      elsewhere: the names that other libraries have for some of them.
    """
    by_lower = {each.lower(): each for each in known}
    wanted = str(name).lower()
    meant = _spelled_otherwise(name, by_lower.values(), elsewhere)
    near = [by_lower[each] for each in difflib.get_close_matches(wanted, by_lower, n=5, cutoff=0.0)]
    likely = meant or next((by_lower[each] for each in difflib.get_close_matches(wanted, by_lower, n=1)), None)
    text = f"name is {name!r}, but no algorithm of that name is registered."
    if likely:
        text += f" Did you mean {likely!r}?"
    others = ", ".join(repr(each) for each in near if each != likely)
    if others:
        text += f" {'Also near' if likely else 'The nearest'}: {others}."
    of_optax = _of_optax(wanted)
    return f"{text} Optax has it as {of_optax}." if of_optax else text


def _spelled_otherwise(name: Any, known: Iterable[str], elsewhere: Mapping[str, str]) -> str | None:
    """The algorithm that has a name but for capitals and signs, or that other libraries call so."""

    def bare(text: Any) -> str:
        return re.sub(r"[\W_]", "", str(text)).lower()

    names = {bare(other): each for other, each in elsewhere.items()} | {bare(each): each for each in known}
    return names.get(bare(name))


def _of_optax(name: str) -> str | None:
    """Where Optax has an optimizer of a name."""
    import optax.contrib

    for space in (optax, optax.contrib):
        function = getattr(space, name, None)
        if inspect.isfunction(function) and "learning_rate" in inspect.signature(function).parameters:
            return f"{space.__name__}.{name}"
    return None
