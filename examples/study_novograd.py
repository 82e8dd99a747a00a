"""Layer-wise or element-wise: NovoGrad's second moment.

Adam keeps an average squared gradient for every element, NovoGrad one number for every layer, the average squared
norm. That saves memory, but what does it do to the training? Three second moments are raced, with NovoGrad's momentum
and without any:

- base: the squared norm, a sum over the layer, as published;
- layer mean: the mean square of the layer, still one number a layer;
- element-wise: the square of each element.

Two things change on the way from the first to the last, and the one in the middle tells them apart. From the sum to
the mean, the steps of a layer grow by the root of its size, so that large layers move faster than small ones; the
rate, which is tuned for each combination, sets off the growth of all, but not the differences between layers. From
the mean to the elements, only the granularity changes. The rest is NovoGrad's: the decay 0.98, the start from the
first gradient, eps inside the root. A statistic is any function of a leaf, and the shape of its result is the
granularity, so that the layer's mean is one line below.

All combinations start from the same parameters and see the same batches, so that they are compared seed by seed. A
network with three layers on easy images is where this can be seen in a minute, not where layer-wise methods were
meant to shine.
"""

import sys

import jax.numpy as jnp
import numpy as np
from digits import steps_from_command_line

from optax_zoo import ema, root, square
from optax_zoo.race.ablation import ablate


def leaf_mean_square(x):
    """Mean square of a leaf: one number a layer, whatever its size."""
    return jnp.mean(square(x))


def second_moment(statistic):
    """NovoGrad's denominator, of another statistic."""
    return root(ema(0.98, of=statistic, seeded="while_zero"), eps=0.0, eps_root=1e-8)


SLOTS = {
    "denominator": {
        "layer mean": second_moment(leaf_mean_square),
        "element-wise": second_moment(square),
    },
    "momentum": {"none": None},
}


def said(effect, better, worse):
    """What an effect says, in words."""
    if effect.mean is None:
        return "nothing left to compare, the combinations diverged."
    figures = f"{effect.mean:+.4f} ± {effect.half_width:.4f}"
    return f"{figures}, {(better if effect.mean > 0 else worse) if effect.found else 'no difference found'}."


def main():
    steps = steps_from_command_line(__doc__, default=300)
    result = ablate(
        "novograd",
        **SLOTS,
        rates=np.geomspace(1e-4, 1, 9),
        seeds=3,
        final_seeds=20,
        steps=steps,
        progress=sys.stderr.isatty(),
    )
    print(result)

    whole = result.effect(denominator="element-wise")
    granularity = result.compare({"denominator": "element-wise"}, {"denominator": "layer mean"})
    sizes = result.effect(denominator="layer mean")
    print("\nChange of the test accuracy, on average with and without momentum:")
    print(f"- From layer-wise (as published) to element-wise: {said(whole, 'element-wise is better', 'it is worse')}")
    print(f"  - of which granularity: {said(granularity, 'element-wise is better', 'layer-wise is better')}")
    print(f"  - of which steps that grow with the layer: {said(sizes, 'growing is better', 'growing is worse')}")
    print(f"- Without momentum: {said(result.effect(momentum='none'), 'better', 'worse')}")
    with_momentum = result.effect(denominator="element-wise", momentum="none")
    print(
        "- Does it matter more without momentum? "
        f"{said(with_momentum, 'element-wise gains more there', 'element-wise gains less there')}"
    )

    print()
    if whole.mean is None or not whole.found:
        print("Layer-wise or element-wise: no difference found here,", end=" ")
    else:
        print(f"{'Element-wise' if whole.mean > 0 else 'Layer-wise'} comes out ahead here,", end=" ")
    published, elements = result.combination().row, result.combination(denominator="element-wise").row
    print(f"with {published.state_bytes:.2f} bytes of state per parameter against {elements.state_bytes:.2f}.")
    for each in sorted(result.combinations, key=lambda each: each.name):
        rate = "none, it diverged" if each.row.best_rate is None else f"{each.row.best_rate:.2g}"
        print(f"Best rate of {each.name}: {rate}")


if __name__ == "__main__":
    main()
