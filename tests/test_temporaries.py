"""The jitted, donated step keeps no parameter-sized temporary, at the defaults and with every option."""

import json

import jax
import jax.numpy as jnp
import optax
import pytest
from registered import FACES, FOLDERS

import optax_zoo as zoo
from optax_zoo import debiased, ema, root, square

pytestmark = pytest.mark.usefixtures("users_emitters")

OPTIONS = [
    zoo.sgd(weight_decay=0.1),
    zoo.momentum(weight_decay=0.1),
    zoo.momentum(rate_inside=False),
    zoo.momentum(dampening=0.5),
    zoo.nag(weight_decay=0.1),
    zoo.nag().replace(decay=zoo.decoupled_decay(0.1)),
    zoo.adam(weight_decay=0.1),
    zoo.adam(optax.cosine_decay_schedule(1e-3, 100), eps_root=1e-8),
    zoo.adam(accumulator_dtype=jnp.bfloat16),
    zoo.adam().replace(numerator=debiased(ema(0.9, nesterov=True))),
    zoo.adam().replace(denominator=debiased(root(ema(0.99, of=square)))),
    zoo.adam().replace(denominator=root(debiased(zoo.running_max(ema(0.99, of=square))))),
    zoo.adam().replace(denominator=zoo.peak(0.9, of=zoo.absolute)),
    zoo.adam().replace(denominator=zoo.deviation(ema(0.9), ema(0.9, of=square))),
    zoo.sgd().replace(denominator=root(zoo.total(of=square))),
    zoo.adamw(weight_decay_mask={"w": True}),
    zoo.adam().replace(decay=zoo.decoupled_decay(0.1, of_new=True)),
    zoo.expectigrad(sparse_counter=False),
    zoo.expectigrad(beta=0.0),
    zoo.expectigrad().replace(decay=zoo.decoupled_decay(0.1)),
    zoo.momentum(rate_inside=False).replace(rescale=zoo.cautious()),
    zoo.momentum(rate_inside=False).replace(rescale=zoo.trust_ratio()),
    zoo.momentum(rate_inside=False).replace(rescale=zoo.trust_ratio(weight_decay=0.1)),
    zoo.novograd(weight_decay=0.1),
    zoo.novograd(grad_averaging=True),
    zoo.novograd(nesterov=True),
    zoo.novograd(reseed=False),
    zoo.gravity(alpha=0.0),
    zoo.adagrad(initial_accumulator=0.1),
    zoo.adagrad(weight_decay=0.1),
    zoo.adadelta(weight_decay=0.1),
    zoo.rmsprop(centered=True, momentum=0.9),
    zoo.rmsprop().replace(momentum=zoo.trace(0.9)),
    zoo.rmsprop_graves(momentum=None),
    zoo.nadam(momentum_decay=None),
    zoo.lion(weight_decay=0.1),
    zoo.adabelief(weight_decay=0.1),
    zoo.radam(weight_decay=0.1),
    zoo.adan(weight_decay=0.1),
    zoo.lion().replace(numerator=debiased(ema(0.99, blend=0.9))),
    zoo.adabound(optax.cosine_decay_schedule(1e-3, 100)),
    zoo.normalized(optax.adam(1e-3)),
    *(zoo.normalized(inner, norm) for norm in zoo.list_norms() for inner in (zoo.sgd(), zoo.adam())),
    *(zoo.clipped(inner, norm) for norm in zoo.list_norms() for inner in (zoo.sgd(), zoo.adam())),
]


FILES = {name: FOLDERS / name / "temporaries.json" for name in zoo.list_algorithms()}  # of those that keep some
KEPT = {name: json.loads(file.read_text()) for name, file in FILES.items() if file.exists()}
OF_ROWS = [
    pytest.param(zoo.create(name), marks=[] if name in FACES else [pytest.mark.slow])
    for name in FILES
    if name not in KEPT
]


def temporaries(tx):
    """Temporary buffers of a step, in units of the one leaf."""
    params = {"w": jnp.ones((512, 512))}
    state = tx.init(params)

    def step(params, state, grads):
        updates, state = tx.update(grads, state, params, value=jnp.float32(1.0), curvature=grads)
        return optax.apply_updates(params, updates), state

    compiled = jax.jit(step, donate_argnums=(0, 1)).lower(params, state, params).compile()
    return compiled.memory_analysis().temp_size_in_bytes / params["w"].nbytes


@pytest.mark.parametrize("tx", [*OF_ROWS, *OPTIONS], ids=repr)
def test_no_parameter_sized_temporary(tx):
    assert temporaries(tx) < 0.01


@pytest.mark.parametrize(
    "name", [name if name in FACES else pytest.param(name, marks=pytest.mark.slow) for name in KEPT]
)
def test_temporaries_that_are_known_of(name):
    assert abs(temporaries(zoo.create(name)) - KEPT[name]["leaves"]) < 0.01 and KEPT[name]["why"].endswith(".")


@pytest.mark.parametrize(("tx", "leaves"), [(zoo.santa_e(burnin=0), 1), (zoo.santa_sss(burnin=0), 2)], ids=repr)
def test_without_random_draws_few_temporaries_are_kept(tx, leaves):
    assert abs(temporaries(tx) - leaves) < 0.01
