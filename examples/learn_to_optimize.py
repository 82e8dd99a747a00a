"""The published result of learning to learn: on new problems of its kind a learned optimizer beats those made by hand.

All start from the same points of the same random 10-dimensional quadratics, on which nothing was trained or tuned. The
rate of each optimizer made by hand is the best of 25 on as many other problems, once for the mean loss and once for the
mean logarithm of the loss, so that each column shows it at its best. `learned_lstm` is as shipped. A paired difference
is that of learned_lstm from the other, problem by problem: below 0 learned_lstm is better. Only rates are tuned: the
decay of momentum and NAG is 0.9.

That is what it was trained for: nothing is promised far from such problems, or far beyond 100 steps.
"""

import argparse
import functools
import pathlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import optax_zoo as zoo
from optax_zoo import learned
from optax_zoo.race.statistics.estimates import half_width

RATES = np.logspace(-4, 0, 25)
OURS = "learned_lstm"
OTHERS = {
    "SGD": zoo.sgd,
    "momentum": zoo.momentum,
    "RMSprop": zoo.rmsprop,
    "Adam": zoo.adam,
    "NAG": zoo.nag,
}
COLOURS = {
    OURS: "#000000",
    "SGD": "#e69f00",
    "momentum": "#0072b2",
    "RMSprop": "#cc79a7",
    "Adam": "#009e73",
    "NAG": "#d55e00",
}


class Row(NamedTuple):
    """A rate, and the losses by problem and step."""

    rate: float
    losses: np.ndarray

    @property
    def final(self) -> np.ndarray:
        return self.losses[:, -1]


@functools.partial(jax.jit, static_argnums=(0, 3))
def curves(make, rate, keys: jax.Array, steps: int) -> jax.Array:
    """Losses by problem and step, of the optimizer that `make` makes of a rate; where it diverges, 1e30."""
    losses = jax.vmap(lambda key: learned.run(make(rate), learned.quadratic, key, steps))(keys)
    return jnp.minimum(jnp.nan_to_num(losses, nan=jnp.inf), 1e30)


def mean_loss(losses: np.ndarray) -> np.ndarray:
    return np.mean(losses, axis=-1)


def mean_logarithm(losses: np.ndarray) -> np.ndarray:
    return np.mean(np.log10(losses), axis=-1)


def tuned(make, problems: int, steps: int) -> tuple[float, float]:
    """The rates that are best for the mean loss and for its mean logarithm after the last step."""
    keys = jax.random.split(jax.random.key(11), problems)
    final = np.stack([curves(make, rate, keys, steps)[:, -1] for rate in RATES]).astype(float)
    final[~np.isfinite(final)] = np.finfo(np.float32).max
    return tuple(float(RATES[np.argmin(measure(final))]) for measure in (mean_loss, mean_logarithm))


def compare(problems: int, steps: int) -> tuple[Row, dict[str, tuple[Row, Row]]]:
    """Losses of learned_lstm, and of the others at the rates tuned for the mean loss and for the mean logarithm."""
    keys = jax.random.split(jax.random.key(12), problems)

    def losses(make, rate: float) -> Row:
        return Row(rate, np.asarray(curves(make, rate, keys, steps), float))

    others = {name: tuple(losses(make, rate) for rate in tuned(make, problems, steps)) for name, make in OTHERS.items()}
    return losses(zoo.learned_lstm, 0.1), others


def with_interval(values: np.ndarray) -> str:
    return f"{np.mean(values):7.4f} ± {half_width(values):.4f}"


def print_table(ours: Row, others: dict[str, tuple[Row, Row]]) -> None:
    problems, steps = ours.losses.shape
    ours_log = np.log10(ours.final)
    print(f"After {steps - 1} steps, over {problems} problems, with 95 % intervals:\n")
    print("optimizer      rate  mean loss         paired difference   rate  mean log10 loss   paired difference")
    print(f"{OURS}          {with_interval(ours.final)}                             {with_interval(ours_log)}")
    for name, (row, log_row) in others.items():
        log = np.log10(log_row.final)
        first = f"{row.rate:6.2g}  {with_interval(row.final)}  {with_interval(ours.final - row.final)}"
        print(f"{name:12} {first}  {log_row.rate:6.2g}  {with_interval(log)}  {with_interval(ours_log - log)}")


def draw(ours: Row, others: dict[str, tuple[Row, Row]], path: pathlib.Path) -> None:
    """The mean loss at each step, with its 95 % interval, and the distribution of the last one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, (row, log_row) in {**others, OURS: (ours, ours)}.items():
        style = {"color": COLOURS[name], "linewidth": 2.6 if name == OURS else 1.6}
        mean, half = row.losses.mean(axis=0), half_width(row.losses)
        left.fill_between(range(mean.size), mean - half, mean + half, color=COLOURS[name], alpha=0.18, linewidth=0)
        left.plot(mean, **style)
        right.plot(np.sort(log_row.final), np.linspace(0, 100, log_row.final.size), label=name, **style)
    left.set(yscale="log", xlabel="steps", ylabel="loss", title="mean loss, rates tuned for it")
    right.set(xscale="log", xlabel="loss after the last step", ylabel="% of the problems at or below", xlim=(1e-9, 20))
    right.set_title("all problems, rates tuned for the mean logarithm")
    for axes in (left, right):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False)
    figure.suptitle(f"{len(ours.losses)} new random 10-dimensional quadratics")
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compares learned_lstm with tuned optimizers made by hand.")
    parser.add_argument("--steps", type=int, default=100, help="steps on each problem (default: %(default)s)")
    parser.add_argument("--problems", type=int, default=1000, help="number of problems (default: %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, help="PNG file for the curves (default: none)")
    arguments = parser.parse_args()
    if arguments.steps < 1 or arguments.problems < 2:
        parser.error("--steps must be at least 1, --problems at least 2.")
    ours, others = compare(arguments.problems, arguments.steps)
    print_table(ours, others)
    if arguments.out is not None:
        draw(ours, others, arguments.out)


if __name__ == "__main__":
    main()
