"""The online problem on which Adam fails (Reddi, Kale and Kumar 2018): where each optimizer ends up.

Every 101st gradient is 1010, all others are -10, and x is kept in [-1, 1]: the sum over a period is positive, so that
-1 is best. A method whose denominator forgets the large gradient within a period sees mostly -10 and goes to +1. Each
optimizer runs with two rates, a constant one and one that falls with the root of the step, as the theory asks for.
What is printed and drawn are means over whole periods: within a period x swings, with AdaBound's final rate of 0.1 and
a gradient of 1010 from one end to the other. The two counters of Expectigrad coincide: no gradient is 0.

`python examples/reddi.py --steps 1000000 --out reddi.png` prints the final x and draws the paths.
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np

import optax_zoo as zoo

B2 = 0.99
OPTIMIZERS = {
    "adam": lambda rate: zoo.adam(rate, b2=B2),
    "rmsprop": lambda rate: zoo.rmsprop(rate, B2),
    "novograd": zoo.novograd,
    "amsgrad": lambda rate: zoo.amsgrad(rate, b2=B2),
    "expectigrad": zoo.expectigrad,
    "expectigrad, dense counter": lambda rate: zoo.expectigrad(rate, sparse_counter=False),
    "adabound": lambda rate: zoo.adabound(rate, b2=B2),
    "sgd, at a tenth of the rate": lambda rate: zoo.sgd(tenth_of(rate)),
}
RATES = {"0.001": 1e-3, "1 / sqrt(t)": lambda count: 1 / jnp.sqrt(count + 1.0)}
PERIOD, POINTS = 101, 400


def tenth_of(rate):
    return (lambda count: rate(count) / 10) if callable(rate) else rate / 10


def path(tx, steps):
    """Mean x of about `POINTS` stretches of whole periods, and the steps at which they end."""
    stretch = max(1, steps // POINTS // PERIOD) * PERIOD

    def step(carry, t):
        x, state = carry
        gradient = jnp.where(t % PERIOD == 0, 1010.0, -10.0)
        update, state = tx.update(gradient, state, x)
        x = jnp.clip(x + update, -1, 1)
        return (x, state), x

    def mean_of_stretch(carry, start):
        carry, xs = jax.lax.scan(step, carry, start + jnp.arange(stretch))
        return carry, xs.mean()

    ends = (np.arange(max(1, steps // stretch)) + 1) * stretch
    start = jnp.zeros(())
    _, means = jax.jit(lambda x: jax.lax.scan(mean_of_stretch, (x, tx.init(x)), jnp.asarray(ends - stretch)))(start)
    return ends, np.asarray(means)


def draw(paths, file):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    panels = figure.subplots(1, len(RATES), sharey=True)
    for panel, rate in zip(panels, RATES, strict=True):
        for number, name in enumerate(OPTIMIZERS):
            style = ("-", "--", ":")[number // 3]
            panel.plot(*paths[name, rate], style, label=name, color=f"C{number}", linewidth=1.6)
        panel.set(title=f"rate {rate}", xlabel="step", xscale="log", ylim=(-1.05, 1.05))
        panel.axhline(-1, color="grey", linewidth=0.6)
    panels[0].set_ylabel("x (best: -1)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    figure.savefig(file, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1_000_000, help="steps (default: %(default)s)")
    parser.add_argument("--out", help="file for the picture")
    arguments = parser.parse_args()
    paths = {(n, r): path(OPTIMIZERS[n](RATES[r]), arguments.steps) for n in OPTIMIZERS for r in RATES}
    print(f"{'mean x at the end, rate':<28}" + "".join(f"{rate:>14}" for rate in RATES))
    for name in OPTIMIZERS:
        print(f"{name:<28}" + "".join(f"{paths[name, rate][1][-1]:>14.4f}" for rate in RATES))
    if arguments.out:
        draw(paths, arguments.out)


if __name__ == "__main__":
    main()
