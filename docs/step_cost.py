"""The cost of one step beside optax's: `python docs/step_cost.py [name ...]` prints the table of performance.md.

Without names it takes those of the table, with --all every registered algorithm (`learned_lstm` needs 16 GB of memory).

One float32 leaf of 16M parameters, jitted with donation. Times are medians of ratios of runs that take turns in this
process; the other figures are XLA's own and do not depend on the load of the machine.
"""

import argparse
import dataclasses
import os
import statistics
import time

import jax
import jax.numpy as jnp
import optax

import optax_zoo as zoo

SIZE = 16 * 2**20
STEPS_PER_RUN = 3
OF_OPTAX = {
    "sgd": optax.sgd(1e-3),
    "momentum": optax.sgd(1e-3, momentum=0.9),
    "nag": optax.sgd(1e-3, momentum=0.9, nesterov=True),
    "adagrad": optax.adagrad(1e-3),
    "rmsprop": optax.rmsprop(1e-3),
    "adadelta": optax.adadelta(1e-3),
    "adam": optax.adam(1e-3),
    "adamw": optax.adamw(1e-3),
    "adamax": optax.adamax(1e-3),
    "nadam": optax.nadam(1e-3),
    "amsgrad": optax.amsgrad(1e-3),
    "novograd": optax.novograd(1e-3),
}
SHOWN = sorted([*OF_OPTAX, "clipped", "expectigrad", "gravity", "normalized"])


@dataclasses.dataclass
class Stepper:
    """A compiled training step and the buffers that it is run on."""

    step: jax.stages.Compiled
    carry: tuple
    grads: jax.Array

    @classmethod
    def of(cls, tx):
        tx = optax.with_extra_args_support(tx)
        params, grads = jnp.full(SIZE, 0.1), jnp.full(SIZE, 0.01)
        carry = params, tx.init(params)

        def step(carry, grads):
            params, state = carry
            updates, state = tx.update(grads, state, params, value=jnp.float32(1.0))
            return optax.apply_updates(params, updates), state

        return cls(jax.jit(step, donate_argnums=0).lower(carry, grads).compile(), carry, grads)

    def seconds(self):
        began = time.perf_counter()
        for _ in range(STEPS_PER_RUN):
            self.carry = self.step(self.carry, self.grads)
        jax.block_until_ready(self.carry)
        return (time.perf_counter() - began) / STEPS_PER_RUN

    def in_leaves(self, count):
        return count / self.grads.nbytes


def ratios(ours, theirs, pairs):
    """Paired ratios, the order changing from pair to pair."""
    found = []
    for pair in range(pairs + 1):
        first, second = (ours, theirs) if pair % 2 else (theirs, ours)
        one, two = first.seconds(), second.seconds()
        found.append(one / two if pair % 2 else two / one)
    return found[1:]  # the first run of each warms up


def main():
    parser = argparse.ArgumentParser(description="The cost of one step beside optax's.")
    parser.add_argument("names", nargs="*", metavar="name", help="algorithms, by default those of the table")
    parser.add_argument("--all", action="store_true", help="all registered algorithms")
    parser.add_argument("--pairs", type=int, default=15, help="how often ours and optax's take turns (15)")
    arguments = parser.parse_args()
    names = zoo.list_algorithms() if arguments.all else arguments.names or SHOWN
    print(f"jax {jax.__version__}, optax {optax.__version__}, {jax.devices()[0].device_kind}, {os.cpu_count()} cores\n")
    print("| algorithm | state | temporaries | bytes accessed | against | its bytes accessed | step time ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in names:
        ours, against = Stepper.of(zoo.create(name)), name if name in OF_OPTAX else "adam"
        theirs = Stepper.of(OF_OPTAX[against])
        accessed, its = (s.in_leaves(s.step.cost_analysis()["bytes accessed"]) for s in (ours, theirs))
        temporaries = ours.in_leaves(ours.step.memory_analysis().temp_size_in_bytes)
        low, median, high = statistics.quantiles(ratios(ours, theirs, arguments.pairs), n=4)
        state = zoo.describe(name).state_bytes / 4
        print(
            f"| `{name}` | {state:g} | {temporaries:.2f} | {accessed:.0f} | {against} | {its:.0f} "
            f"| {median:.2f} ({low:.2f} to {high:.2f}) |",
            flush=True,
        )


if __name__ == "__main__":
    main()
