"""Slot expressions: parts written as text, `root(ema(0.999, of=square), eps=1e-8)`, parsed and never evaluated.

The grammar is that of `repr`: names of public parts, calls of them, and literals. What a part prints as reads back as
the same part, unless it holds arrays, keys, functions or axis names, which print as names only.
"""

import ast
import dataclasses
import difflib
import functools
import inspect
import warnings
from collections.abc import Mapping
from typing import Any

import optax

import optax_zoo
from optax_zoo.primitives.learning_rate import already_applied
from optax_zoo.primitives.part import Part, Rule
from optax_zoo.running.errors import RaceError

MAX_LENGTH = 1000
NONE = "none"
RATE = "learning_rate"
OPTAX = (
    "optax.clip",
    "optax.clip_by_block_rms",
    "optax.clip_by_global_norm",
    "optax.ema",
    "optax.normalize_by_update_norm",
    "optax.scale",
    "optax.scale_by_sign",
    "optax.scale_by_trust_ratio",
    "optax.trace",
)
# Public functions that make no part: they look up, register or compose, or take more than literals.
_NO_PARTS = {
    "Algorithm",
    "CLAIMS",
    "Estimate",
    "SLOTS",
    "Told",
    "Turned",
    "Within",
    "algorithm",
    "bibtex",
    "create",
    "decay_mask",
    "describe",
    "enable_fused_steps",
    "evaluation_params",
    "flax_layout",
    "fused",
    "hutchinson",
    "in_series",
    "integrator",
    "list_algorithms",
    "list_norms",
    "matrices",
    "migrate",
    "moment",
    "nag_iterate",
    "optional",
    "pipeline",
    "polar_express",
    "precision",
    "primitive",
    "register_norm",
    "route",
    "short_matrices",
}
_NUMBERS = (ast.Constant, ast.UnaryOp, ast.Tuple)  # what stands in tuples
_FOUND: Mapping[type[ast.AST], str] = {
    ast.Attribute: "an attribute",
    ast.Subscript: "a subscript",
    ast.BinOp: "an operator",
    ast.UnaryOp: "an operator",
    ast.BoolOp: "an operator",
    ast.Compare: "a comparison",
    ast.IfExp: "a condition",
    ast.Lambda: "a lambda",
    ast.NamedExpr: "an assignment",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.List: "a list",
    ast.Tuple: "a tuple",
    ast.Dict: "a dict",
    ast.Set: "a set",
    ast.JoinedStr: "a formatted string",
    ast.Starred: "unpacking",
    ast.Constant: "a constant",
    ast.Call: "a call",
}


@functools.cache
def allowed() -> Mapping[str, Any]:
    """What expressions may name: our public parts, statistics and decays, and a few parts of optax."""
    left_out = {*_NO_PARTS, *optax_zoo.list_algorithms()}
    ours = {name: getattr(optax_zoo, name) for name in optax_zoo.__all__ if name not in left_out}
    return {
        **{name: value for name, value in ours.items() if not _is_kind_of_part(value)},
        **{name: getattr(optax, name.removeprefix("optax.")) for name in OPTAX},
    }


def is_maker(name: str) -> bool:
    """Whether an allowed name is one to call (`root`) rather than to use as it is (`square`)."""
    value = allowed()[name]
    if name in OPTAX or isinstance(value, type):
        return True
    return inspect.isfunction(value) and _is_kind_of_part(inspect.signature(value).return_annotation)


def _is_kind_of_part(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Rule | Part)


@dataclasses.dataclass(frozen=True)
class SlotExpression:
    """A slot expression that has been parsed; called with a learning rate it makes the part.

    Attributes:
      text: the expression, in canonical spacing.
      needs_rate: whether it names `learning_rate`, so that the part differs from rate to rate.
    """

    text: str
    needs_rate: bool
    _tree: ast.expr = dataclasses.field(repr=False, compare=False)

    def __call__(self, learning_rate: Any) -> Any:
        """The part at a learning rate, which may be traced; None for an empty slot.

        Raises:
          RaceError: if a part refuses its arguments.
        """
        return _Reader(self.text, learning_rate).slot(self._tree)


def parse(text: str) -> SlotExpression:
    """Reads a slot expression.

    Allowed are the names of `allowed()`, calls of them with positional and keyword arguments, numbers, strings, True,
    False and None, tuples of such, `none` for an empty slot, and `learning_rate` for the rate of the race.

    Raises:
      RaceError: for anything else; the sentence says what was found and what is allowed.
    """
    if len(text) > MAX_LENGTH:
        raise RaceError(f"slot expression {text[:40]!r}... has {len(text)} characters, but may have {MAX_LENGTH}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise RaceError(f"slot expression {text!r} must be one expression, such as root(ema(0.999)).") from None
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    try:
        _Reader(text, 1.0).slot(tree)
        return SlotExpression(ast.unparse(tree), RATE in names, tree)
    except RecursionError:
        raise RaceError(f"slot expression {text[:40]!r}... is nested too deeply.") from None


def part_of(text: str) -> Any:
    """The part that an expression without `learning_rate` stands for; None for an empty slot.

    Raises:
      RaceError: as `parse`.
    """
    expression = parse(text)
    if expression.needs_rate:
        raise RaceError(f"slot expression {text!r} needs a learning rate.")
    return expression(None)


def prints_completely(part: Any) -> bool:
    """Whether a part's repr says everything about it, so that another that prints the same is the same."""
    if part is None:
        return True
    if not isinstance(part, Part | already_applied):
        return False
    try:
        return repr(part_of(repr(part))) == repr(part)
    except RaceError:
        return False


class _Reader:
    """Makes values from a syntax tree of only a few kinds of nodes."""

    def __init__(self, text: str, learning_rate: Any) -> None:
        self.text, self.learning_rate = text, learning_rate

    def slot(self, node: ast.expr) -> Any:
        """The whole expression: what can stand in a slot."""
        if isinstance(node, ast.Name) and node.id == NONE:
            return None
        value = self.value(node)
        if value is None or isinstance(value, optax.GradientTransformation | already_applied):
            return value
        raise self.refusal(f"{ast.unparse(node)!r} is not a part that fits a slot")

    def value(self, node: ast.expr) -> Any:
        """One argument, or the whole."""
        match node:
            case ast.Constant(value=None | bool() | int() | float() | str()):
                return node.value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)) if not isinstance(
                number, bool
            ):
                return -number
            case ast.Tuple(elts=[_, *_]) if all(isinstance(item, _NUMBERS) for item in node.elts):
                return tuple(map(self.value, node.elts))
            case ast.Call():
                return self.call(node)
            case ast.Name(id=name) if name == RATE:
                return self.learning_rate
            case ast.Name() | ast.Attribute(value=ast.Name(id="optax")):
                name = self.known(node)
                if is_maker(name):
                    raise self.refusal(f"{name} must be called, as in {name}(...)")
                return allowed()[name]
        raise self.refusal(f"{_FOUND.get(type(node), 'something')} was found, {ast.unparse(node)!r}", names=True)

    def call(self, node: ast.Call) -> Any:
        """A part from its arguments."""
        if not isinstance(node.func, ast.Name | ast.Attribute):
            raise self.refusal(f"a call of something other than a name was found, {ast.unparse(node)!r}", names=True)
        name = self.known(node.func)
        if not is_maker(name):
            raise self.refusal(f"{name} is used as it is, not called")
        unpacked = [keyword for keyword in node.keywords if keyword.arg is None]
        if unpacked:
            raise self.refusal(f"unpacking was found, '**{ast.unparse(unpacked[0].value)}'", names=True)
        args = [self.value(argument) for argument in node.args]
        kwargs = {str(keyword.arg): self.value(keyword.value) for keyword in node.keywords}
        try:
            return allowed()[name](*args, **kwargs)
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise self.refusal(f"{name}(...) fails: {' '.join(str(error).split()).rstrip('.')}") from error

    def known(self, node: ast.Name | ast.Attribute) -> str:
        """The name of a node, if it is allowed."""
        name = ast.unparse(node)
        if name in allowed():
            return name
        if isinstance(node, ast.Attribute) and not name.startswith("optax."):
            raise self.refusal(f"an attribute was found, {name!r}", names=True)
        if name == NONE:
            raise self.refusal(f"{NONE} empties a slot and must stand alone; as an argument write None")
        near = difflib.get_close_matches(name, allowed(), n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        raise self.refusal(f"{name!r} is not known{hint}", names=True)

    def refusal(self, reason: str, names: bool = False) -> RaceError:
        """The error, in one sentence."""
        end = f" (allowed: literals, {NONE}, {RATE}, {', '.join(allowed())})" if names else ""
        return RaceError(f"slot expression {self.text!r}: {reason}{end}.")
