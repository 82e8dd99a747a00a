"""The learned LSTM: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay, cases, tree

import optax_zoo as zoo


def recorded_weights(h: dict[str, Any]) -> dict[str, Any]:
    """The random weights of the case with these hyperparameters, which belong to it alone."""
    (case,) = (case for case in cases("learned_lstm").values() if case["hyperparameters"] == h)
    weights = case["initial_state"]["weights"]
    assert list(weights) == [f"lstm_{number}" for number, _ in enumerate(h["layers"], 1)] + ["linear"]
    return {layer: tree(arrays, case["dtype"]) for layer, arrays in weights.items()}


def learned_lstm(h: dict[str, Any]) -> zoo.Pipeline:
    """The source's `scale` is the rate; its preprocessing is LogAndSign with the range k, or identity."""
    k = h["preprocess_options"]["k"] if h["preprocess_name"] == "LogAndSign" else None
    return zoo.learned_lstm(h["scale"], weights=recorded_weights(h), k=k)


REPLAYS = {"l2l": Replay(learned_lstm)}

AUTHORS = {"l2l"}
