"""The pictures of errata.md: `python docs/errata_pictures.py --write` draws them anew into docs/_static/errata.

The forms that are nobody's but the article's are those that the parity tests replay.
"""

import argparse
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

import optax_zoo as zoo
from optax_zoo import debiased, ema, root, running_max, square

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests" / "parity"))

from replays import REPLAYS  # noqa: E402

FOLDER = DOCS / "_static" / "errata"
FIRST = {"color": "#0072b2", "linewidth": 1.8}
SECOND = {"color": "#d55e00", "linewidth": 1.8, "linestyle": (0, (5, 1.5))}


def replayed(name, source, **hyperparameters):
    return REPLAYS[name][source].make(hyperparameters)


def trajectory(tx, watch, grads):
    """What `watch` reads off the updates and states of a sequence of gradients."""

    def step(state, g):
        updates, state = tx.update(g, state, jnp.zeros_like(g))
        return state, watch(updates, state)

    return jax.lax.scan(step, tx.init(grads[0]), grads)[1]


def panels(count, **options):
    figure = Figure(figsize=(2 * count + 2.6, 2.5), layout="constrained", facecolor="white")
    axes = figure.subplots(1, count, squeeze=False)[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
        axis.set(**options)
    return figure, axes


def label(axis, at, text, style, **options):
    axis.annotate(text, at, color=style["color"], fontsize=9, **options)


def adam():
    """How far Adam moves after 50 equal gradients, by their size."""
    sizes = jnp.logspace(-10, 0, 201)
    grads = jnp.broadcast_to(sizes, (50, sizes.size))
    outside = trajectory(zoo.adam(1.0), lambda updates, state: -updates, grads)[-1]
    inside = trajectory(zoo.adam(1.0, eps=0.0, eps_root=1e-8), lambda updates, state: -updates, grads)[-1]
    figure, (axis,) = panels(1, xscale="log", yscale="log", xlabel="gradient", ylabel="step / rate")
    axis.plot(sizes, outside, **FIRST)
    axis.plot(sizes, inside, **SECOND)
    label(axis, (2e-9, 0.02), "eps outside", FIRST)
    label(axis, (2e-6, 2e-3), "inside (article)", SECOND, va="top")
    return figure


def amsgrad():
    """A first gradient ten times as large as the others."""
    grads = jnp.asarray(np.random.default_rng(0).choice([-1.0, 1.0], 1000)).at[0].set(10.0)

    def step_size(denominator):
        return 1 / trajectory(denominator, lambda updates, state: updates, grads)

    steps = np.arange(1, grads.size + 1)
    figure, (axis,) = panels(1, xlabel="step", ylabel="step per gradient / rate", ylim=(0, 1.05))
    axis.plot(steps, step_size(root(debiased(running_max(ema(0.999, of=square))))), **FIRST)
    axis.plot(steps, step_size(root(running_max(debiased(ema(0.999, of=square))))), **SECOND)
    label(axis, (980, 0.86), "maximum, then correction", FIRST, ha="right")
    label(axis, (980, 0.13), "correction, then maximum (optax)", SECOND, ha="right")
    return figure


def smorms3():
    """The memory along one smooth sequence: noise with an autocorrelation of 0.9."""
    grads = np.random.default_rng(0).normal(size=80)
    for t in range(1, grads.size):
        grads[t] = 0.9 * grads[t - 1] + np.sqrt(1 - 0.9**2) * grads[t]
    grads, steps = jnp.asarray(grads), np.arange(1, grads.size + 1)
    original = trajectory(zoo.smorms3(0.1), lambda updates, state: state["rescale"].horizon, grads)
    article = replayed("smorms3", "seed-formula", eta=0.1, eps=1e-8)
    retold = trajectory(article, lambda updates, state: state["rescale"][2], grads)
    figure, (axis,) = panels(1, xlabel="step", ylabel="memory n (steps)")
    axis.plot(steps, original, **FIRST)
    axis.plot(steps, retold, **SECOND)
    label(axis, (31, 4.4), "original", FIRST)
    label(axis, (47, 1.8), "article", SECOND)
    return figure


def eve():
    """A quadratic of ten curvatures from 1 to 100."""
    curvature = jnp.logspace(0, 2, 10)

    def descend(tx):
        loss = jax.value_and_grad(lambda x: jnp.sum(curvature * x**2) / 2)

        def step(carry, _):
            x, state = carry
            value, grads = loss(x)
            updates, state = tx.update(grads, state, x, value=value)
            return (optax.apply_updates(x, updates), state), (state["denominator"].feedback, value)

        start = jnp.ones(curvature.size)
        return jax.lax.scan(step, (start, tx.init(start)), length=1500)[1]

    numbers = dict(alpha=1e-3, beta1=0.9, beta2=0.999, beta3=0.999, c=10, eps=1e-8, fstar=0)
    figure, axes = panels(2, xlabel="step")
    axes[0].set(ylabel="feedback d")
    axes[1].set(ylabel="loss", yscale="log")
    for source, style in [("seed-formula", FIRST), ("seed", SECOND)]:
        for axis, line in zip(axes, descend(replayed("eve", source, **numbers)), strict=True):
            axis.plot(line, **style)
    label(axes[1], (1080, 3e-3), "|f - f before|\n(paper)", FIRST, ha="right")
    label(axes[1], (1480, 20), "|f - f*|\n(article)", SECOND, ha="right")
    return figure


PICTURES = {"adam_eps": adam, "amsgrad_maximum": amsgrad, "smorms3_memory": smorms3, "eve_feedback": eve}


def main():
    parser = argparse.ArgumentParser(description="The pictures of errata.md.")
    parser.add_argument("--write", action="store_true", required=True, help=f"draw into {FOLDER.relative_to(DOCS)}")
    parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        draw().savefig(FOLDER / f"{name}.png", dpi=130, metadata={"Software": None})


if __name__ == "__main__":
    main()
