"""Layers of a tree, numbered by the names that its leaves have."""

import dataclasses
import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import numpy as np

from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.paths import as_keys, keys_of, refuse_absent
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes, stacked_under

FIRST = (
    *("embed", "Embed", "embedding", "embeddings", "patch_embed", "pos_embed", "pos_embedding", "token_embedding"),
    *("position_embedding", "class_embedding", "cls", "cls_token", "class_token", "patches", "tokens", "positions"),
    *("stem", "wte", "wpe"),
)
LAST = (
    *("head", "heads", "lm_head", "classifier", "fc", "fc_norm", "norm", "final_norm", "last_norm", "encoder_norm"),
    *("decoder_norm", "ln_f", "logit_scale"),
)
_DIGITS = re.compile(r"\d+")
_BEHIND = re.compile(r"[_-]?\d+$")  # what is behind the names of modules: Embed_0, norm1

_Keys: TypeAlias = tuple[str, ...]
_Sequence: TypeAlias = tuple[str, ...]  # keys that lead to layers, "#" for their numbers
_Number: TypeAlias = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where a leaf is: before all layers ("first") or behind them ("last"), or the number of each layer that it has."""

    end: str
    sequence: _Sequence = ()
    numbers: tuple[_Number, ...] = ()
    shape: tuple[int, ...] = ()  # of the numbers, to broadcast with the leaf; 1 along axes that stack no layers


@dataclasses.dataclass(frozen=True)
class numbered:  # noqa: N801  (used like a function of path and leaf)
    """A rule for `scale_by_layer`: layers have the numbers of their keys, others are before or behind them by name.

    Of the keys of a path, from the outside in, the first one that says something decides:

    - a key in `last` is behind the layers, one in `first` before them, with or without a number: "Embed" names
      "Embed_0", too;
    - a key with a number at its end is a layer: "blocks_3", "block03", "layers.3", and "3" within "h". Without
      `layers` those keys count of which the tree has two or more; numbers within them are layers of one sequence,
      "stage0_block1";
    - leaves that stack layers have several.

    Sequences of the same name in different places ("encoder" and "decoder") each have their own end.

    Args:
      layers: the names of the keys that number layers: ("blocks",). None given: they are found, and what cannot be told
        is refused.
      first: keys of what is before the layers, beside the usual ones (`"embedding"`, `"stem"`, `"patch_embed"` ...).
      last: keys of what is behind the layers, beside the usual ones (`"head"`, `"norm"`, `"ln_f"` ...).
      stacked: which axes stack layers; see `normalize_by_norm`.

    Raises:
      TypeError: for names that are not a tuple of keys, and for a rule that is none.
    """

    layers: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    stacked: Stacked = None

    def __post_init__(self) -> None:
        for argument, example in (("layers", "('blocks',)"), ("first", "('patches',)"), ("last", "('head',)")):
            object.__setattr__(self, argument, as_keys(argument, getattr(self, argument), example))
        check_stacked(self.stacked)

    def distances(self, tree: Any) -> list[Any]:
        """How far each leaf of a tree is from its end: 0 for what is behind the layers, 1 for the last layer.

        Of n layers the first has n, and what is before them n + 1. A leaf that stacks layers has an array, which
        broadcasts with it.

        Raises:
          ValueError: for a leaf that is in no layer and not named, for layers that cannot be told, and for a name that
            no path has.
        """
        leaves = jax.tree.leaves_with_path(tree)
        paths = [_split(keys_of(path)) for path, _ in leaves]
        self._refuse_absent({key for keys in paths for key in keys})
        axes = stacked_axes(self.stacked, tree)
        places = self._places(paths, [np.shape(leaf) for _, leaf in leaves], axes)
        layers: dict[_Sequence, set[_Number]] = {}
        for place in places:
            if place.sequence:
                layers.setdefault(place.sequence, set()).update(place.numbers)
        if not layers and leaves:
            raise ValueError(
                "no layers are found, for no name has two numbers behind it: name it, numbered(layers=('blocks',))."
            )
        ranks = {sequence: {n: rank for rank, n in enumerate(sorted(found))} for sequence, found in layers.items()}
        return [_distance(*each, ranks) for each in zip(paths, places, strict=True)]

    def _places(self, paths: Sequence[_Keys], shapes: Sequence[Any], axes: Sequence[Any]) -> list[_Place]:
        """Where each leaf is, by its keys, its shape, and the axes that stack layers."""
        found = [self._candidates(keys, bool(own)) for keys, own in zip(paths, axes, strict=True)]
        numbers: dict[_Sequence, set[_Number]] = {}
        for sequence, number in itertools.chain.from_iterable(found):
            numbers.setdefault(sequence, set()).add(number)
        enough = 1 if self.layers else 2
        chosen = [next((each for each in own if len(numbers[each[0]]) >= enough), None) for own in found]
        self._refuse_several({each[0] for each in chosen if each is not None})
        return list(map(self._place, paths, shapes, axes, chosen))

    def _place(self, keys: _Keys, shape: Any, axes: Any, chosen: tuple[_Sequence, _Number] | None) -> _Place:
        position, end = self._named(keys)
        above = self._stacked_at(keys)
        if chosen is None and axes and above <= position:
            chosen = _numbers(keys[: above + 1])
        if chosen is None and end:
            return _Place(end)
        if chosen is None:
            raise ValueError(
                f"the leaf {'/'.join(keys)!r} is in no layer: of numbered(...), name a key of it in first, if it is "
                "before the layers, in last, if it is behind them, or in layers, if a number behind that key is the "
                "layer's; or give by= a function of path and leaf."
            )
        lengths = [shape[axis] for axis in axes]
        stack = tuple((*chosen[1], *index) for index in np.ndindex(*lengths))
        return _Place("", chosen[0] or ("",), stack, tuple(n if axis in axes else 1 for axis, n in enumerate(shape)))

    def _candidates(self, keys: _Keys, stacked: bool) -> list[tuple[_Sequence, _Number]]:
        """What may number the layer of a leaf, from the outside in: keys outside of what is named or stacked."""
        limit = min(self._named(keys)[0], self._stacked_at(keys) if stacked else len(keys))
        ends = [end for end in range(1, limit + 1) if keys[end - 1][-1:].isdecimal()]
        return [_numbers(keys[:end]) for end in ends if not self.layers or _name(keys[:end]) in self.layers]

    def _named(self, keys: _Keys) -> tuple[int, str]:
        """The position of the outermost key that is named, and which end that is; behind all keys if none is."""
        ends = {**dict.fromkeys(FIRST, "first"), **dict.fromkeys(LAST, "last")}
        ends |= {**dict.fromkeys(self.first, "first"), **dict.fromkeys(self.last, "last")}
        for position, key in enumerate(keys):
            end = ends.get(key) or ends.get(_BEHIND.sub("", key))
            if end:
                return position, end
        return len(keys), ""

    def _stacked_at(self, keys: _Keys) -> int:
        """The position of the key under which layers are stacked; 0 where a rule says no key."""
        under = isinstance(self.stacked, stacked_under) and self.stacked.name in keys
        return keys.index(self.stacked.name) if under else 0  # type: ignore[union-attr]

    def _refuse_several(self, sequences: Collection[_Sequence]) -> None:
        """Refuses a tree with numbers behind several names, of which not all can be those of layers."""
        names = sorted({_name(sequence) for sequence in sequences})
        if len(names) > 1 and not self.layers:
            raise ValueError(
                f"numbers are behind several names, {', '.join(map(repr, names))}: say which of them are layers, "
                f"numbered(layers=({names[0]!r},)), and name the others in first or last; or give by= a function of "
                "path and leaf."
            )

    def _refuse_absent(self, keys: Collection[str]) -> None:
        """Refuses names that the tree does not have."""
        known = {*keys, *(_BEHIND.sub("", key) for key in keys)}
        refuse_absent("first", self.first, known)
        refuse_absent("last", self.last, known)
        refuse_absent("layers", self.layers, {*keys, *(_name((key,)) for key in keys)})

    def __repr__(self) -> str:
        given = [f"{name}={getattr(self, name)!r}" for name in ("layers", "first", "last") if getattr(self, name)]
        given += [] if self.stacked is None else [f"stacked={expression(self.stacked, 'stacked')}"]
        return f"numbered({', '.join(given)})"


def _split(keys: _Keys) -> _Keys:
    """The keys of a path, of a flat tree also those within one: "layers.3.kernel", "h/3/kernel"."""
    return tuple(part for key in keys for part in re.split(r"[./]", key)) or ("",)


def _numbers(keys: _Keys) -> tuple[_Sequence, _Number]:
    """Keys with "#" for numbers, and the numbers."""
    found = tuple(int(digits) for key in keys for digits in _DIGITS.findall(key))
    return tuple(_DIGITS.sub("#", key) for key in keys), found


def _name(keys: _Keys) -> str:
    """The last key without its number; of a number alone the key before."""
    names = [re.sub(r"[\d#]+", "", key).strip("_-") for key in keys[-2:]]
    return names[-1] or names[0]


def _distance(keys: _Keys, place: _Place, ranks: Mapping[_Sequence, Mapping[_Number, int]]) -> Any:
    """How far a leaf is from the end, given the ranks of the layers of each sequence."""
    if place.end == "last":
        return 0
    if place.end == "first":
        own, _ = _numbers(keys)
        return 1 + max((_shared(own, sequence), len(of_layers)) for sequence, of_layers in ranks.items())[1]
    of_layers = ranks[place.sequence]
    distances = [len(of_layers) - of_layers[number] for number in place.numbers]
    return np.array(distances).reshape(place.shape) if len(place.shape) > place.shape.count(1) else distances[0]


def _shared(keys: _Keys, others: _Keys) -> int:
    """How many keys two paths share at their beginnings."""
    return sum(1 for _ in itertools.takewhile(lambda both: both[0] == both[1], zip(keys, others, strict=False)))
