"""A convolutional net of Flax NNX and a transformer of Flax Linen train with the optimizers, and go on when resumed."""

import functools
import importlib
import pathlib

import chex
import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from flax import nnx
from registered import FACES

import optax_zoo as zoo

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


def slow(*values):
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


# One of each kind: sparse counts, a statistic per leaf, one that reads the loss; then a random start, one that reads
# the rate, one whose decay reads the parameters, one with noise, a network.
KINDS = ["expectigrad", *slow("novograd", "eve", "gravity", "adabound", "adamw", "santa_sss", "learned_lstm")]

# Nearly all of the time goes into compiling.
QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
jit = functools.partial(jax.jit, compiler_options=QUICKLY)


@pytest.fixture(scope="module")
def examples():
    """The modules of the examples that hold the models: for NNX and for Linen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        yield importlib.import_module("flax_nnx_convnet"), importlib.import_module("flax_linen_transformer")


@pytest.fixture(scope="module")
def batch(examples):
    """32 digits."""
    (images, labels), _ = examples[0].load()
    return jnp.asarray(images[:32]), jnp.asarray(labels[:32])


def example(name, **others):
    return zoo.create(name, **{**zoo.describe(name).example, **others})


def cross_entropy(logits, labels):
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


@functools.partial(jit, static_argnums=0)
def nnx_step(graph, state, batch):
    """One step of an NNX model and its optimizer: their new state, and the loss."""
    model, optimizer = nnx.merge(graph, state)
    images, labels = batch
    loss, grads = nnx.value_and_grad(lambda model: cross_entropy(model(images), labels))(model)
    updates = optimizer.update(model, grads, value=loss, curvature=nnx.as_pure(grads))
    chex.assert_trees_all_equal_shapes_and_dtypes(updates, nnx.as_pure(grads))
    return nnx.state((model, optimizer)), loss


@jit
def linen_step(state, batch):
    """One step of a train state: the new one, and the loss."""
    images, labels = batch
    loss, grads = jax.value_and_grad(lambda params: cross_entropy(state.apply_fn(params, images), labels))(state.params)
    return state.apply_gradients(grads=grads, value=loss), loss


def train(step, state, batch, count):
    """The state after some steps, and the loss of each."""
    losses = []
    for _ in range(count):
        state, loss = step(state, batch)
        losses.append(float(loss))
    return state, losses


@pytest.fixture(scope="module")
def convnet(examples):
    """A function from a transformation to a step of its own, the state of net and optimizer, and its abstract state."""

    def create(tx):
        def pair():
            model = examples[0].ConvNet(nnx.Rngs(0), channels=8)
            return model, nnx.Optimizer(model, tx, wrt=nnx.Param)

        graph, abstract = nnx.split(nnx.eval_shape(pair))
        return functools.partial(nnx_step, graph), jit(lambda: nnx.state(pair()))(), abstract

    return create


@pytest.fixture(scope="module")
def transformer(examples):
    """A function from a transformation to the train state of a small transformer."""
    module = examples[1]
    start = jit(module.Transformer("float32", width=8).init)(jax.random.key(0), jnp.zeros((1, 64)))

    def create(tx, dtype="float32", param_dtype="float32", make=lambda state: jit(state)()):
        def state():
            params = jax.tree.map(lambda x: x.astype(param_dtype), start)
            made = module.TrainState.create(apply_fn=module.Transformer(dtype, width=8).apply, params=params, tx=tx)
            return made.replace(step=jnp.int32(0))  # an array from the start, as it is after a checkpoint

        return make(state)

    return create


def partitioned(weights, groups):
    return optax.partition({"weights": weights, "rest": zoo.momentum(1e-2)}, groups)


def assert_falls(name, losses):
    assert np.isfinite(losses).all()
    if name != "santa_sss":  # its noise hides the descent so early
        assert losses[-1] < 0.95 * losses[0], losses


@pytest.mark.parametrize("name", KINDS)
def test_nnx_optimizer_trains_the_convnet(name, convnet, batch):
    step, start, _ = convnet(example(name))
    state, losses = train(step, start, batch, 12)
    assert_falls(name, losses)
    chex.assert_trees_all_equal_shapes_and_dtypes(state, start)


@pytest.mark.parametrize("name", KINDS)
def test_linen_train_state_trains_the_transformer(name, transformer, batch):
    start = transformer(example(name))
    state, losses = train(linen_step, start, batch, 12)
    assert_falls(name, losses)
    chex.assert_trees_all_equal_shapes_and_dtypes(state, start)


@pytest.mark.parametrize("name", slow(*FACES))
def test_every_kind_of_algorithm_takes_two_steps_in_an_nnx_optimizer(name, convnet, batch):
    step, start, _ = convnet(example(name))
    state, losses = train(step, start, batch, 2)
    assert np.isfinite(losses).all()
    chex.assert_tree_all_finite(state)
    chex.assert_trees_all_equal_shapes_and_dtypes(state, start)
    changed = jax.tree.map(lambda before, after: bool((before != after).any()), start[0], state[0])
    assert any(jax.tree.leaves(changed))


def kept(state):
    """The names of the parameters that a state has arrays for."""
    paths = (jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in jax.tree.leaves_with_path(state))
    return {path.removesuffix("/value").split("/")[-1] for path in paths} & {"kernel", "bias", "scale", "positions"}


@pytest.mark.parametrize("name", ["expectigrad", *slow("novograd", "eve")])
def test_partition_keeps_states_apart_and_decays_the_weights_only(name, examples, transformer):
    groups = examples[1].groups
    weights = example(name)
    plain, decayed = (
        transformer(partitioned(weights.replace(decay=decay), groups)) for decay in (None, zoo.decoupled_decay(0.5))
    )
    states = decayed.opt_state.inner_states
    assert kept(states["weights"]) == {"kernel"}
    assert kept(states["rest"]) == {"bias", "scale", "positions"}
    # A gradient that is given: two programs that compute one need not round it alike, whatever optimizer follows.
    step = jit(lambda state, grads: state.apply_gradients(grads=grads, value=1.0).params)
    grads = jax.tree.map(jnp.ones_like, plain.params)
    plain, decayed = step(plain, grads), step(decayed, grads)
    same = jax.tree.map(np.array_equal, plain, decayed)
    assert same == jax.tree.map(lambda label: label == "rest", groups(plain))


def test_partition_keeps_states_apart_in_an_nnx_optimizer(examples, convnet, batch):
    step, start, _ = convnet(partitioned(zoo.novograd(1e-2), examples[0].groups))
    state, _ = step(start, batch)
    groups = state[1]["opt_state"]["inner_states"]
    assert kept(groups["weights"]) == {"kernel"}
    assert kept(groups["rest"]) == {"bias", "scale"}


# eps as large as these gradients, since the sign of one that is 0 but for rounding would decide a whole step.
@pytest.mark.parametrize("name", ["expectigrad", *slow("novograd", "adabound", "adamw")])
def test_two_accumulated_batches_are_one_of_double_size(name, convnet, batch):
    eps = {"eps_root": 1e-4} if name == "novograd" else {"eps": 1e-2}
    step, whole, _ = convnet(example(name, **eps))
    in_two, accumulated, _ = convnet(optax.MultiSteps(example(name, **eps), every_k_schedule=2))
    for _ in range(3):
        whole, _ = step(whole, batch)
        for half in (slice(16), slice(16, 32)):
            accumulated, _ = in_two(accumulated, jax.tree.map(lambda x, half=half: x[half], batch))
    chex.assert_trees_all_close(accumulated[0], whole[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("param_dtype", ["bfloat16", *slow("float32")])
def test_mixed_precision_keeps_statistics_in_float32(name, param_dtype, transformer, batch):
    start = transformer(example(name), dtype="bfloat16", param_dtype=param_dtype)
    state, losses = train(linen_step, start, batch, 3)
    assert np.isfinite(losses).all()
    assert {x.dtype for x in jax.tree.leaves(state.params)} == {jnp.dtype(param_dtype)}
    floating = {x.dtype for x in jax.tree.leaves(state.opt_state) if jnp.issubdtype(x.dtype, jnp.floating)}
    assert floating <= {jnp.dtype("float32")}
    chex.assert_trees_all_equal_shapes_and_dtypes(state, start)


def stored_and_restored(tree, abstract, folder):
    with ocp.Checkpointer(ocp.StandardCheckpointHandler()) as checkpointer:
        checkpointer.save(folder / "checkpoint", args=ocp.args.StandardSave(tree))
        return checkpointer.restore(folder / "checkpoint", args=ocp.args.StandardRestore(abstract))


# Stored after the first of the two batches of a step, so that the gradient that waits is stored too.
@pytest.mark.parametrize("name", KINDS)
def test_linen_train_state_resumes_bit_for_bit(name, examples, transformer, batch, tmp_path):
    def create(**how):
        tx = optax.MultiSteps(partitioned(example(name), examples[1].groups), every_k_schedule=2)
        return transformer(tx, **how)

    middle, _ = train(linen_step, create(), batch, 3)
    state, losses = train(linen_step, middle, batch, 3)
    restored = stored_and_restored(middle, create(make=jax.eval_shape), tmp_path)
    resumed, losses_again = train(linen_step, restored, batch, 3)
    assert losses_again == losses
    chex.assert_trees_all_equal(jax.tree.leaves(resumed), jax.tree.leaves(state))


@pytest.mark.parametrize("name", KINDS)
def test_nnx_graph_resumes_bit_for_bit(name, examples, convnet, batch, tmp_path):
    def create():
        return convnet(optax.MultiSteps(partitioned(example(name), examples[0].groups), every_k_schedule=2))

    step, start, _ = create()
    middle, _ = train(step, start, batch, 3)
    state, losses = train(step, middle, batch, 3)
    step, _, abstract = create()
    resumed, losses_again = train(step, stored_and_restored(middle, abstract, tmp_path), batch, 3)
    assert losses_again == losses
    chex.assert_trees_all_equal(resumed, state)


def trained_within_jit(tx):
    """The loss and the kernel of a model of hijax variables, whose optimizer is made and used within jit."""
    with nnx.var_defaults(hijax=True):
        model = nnx.Linear(3, 2, rngs=nnx.Rngs(0))

    @jax.jit
    def train(x):
        optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
        graph, params, rest = nnx.split(model, nnx.Param, ...)

        def loss(params):
            return jnp.mean(nnx.merge(graph, params, rest)(x) ** 2)

        value, grads = jax.value_and_grad(loss)(nnx.with_vars(params, hijax=False))
        optimizer.update(model, grads)
        return value

    return train(jnp.ones((4, 3))), model.kernel[...]


def test_variables_that_are_no_arrays_yet():
    """Leaves of a type of their own, without a dtype where they are traced."""
    try:
        expected = trained_within_jit(optax.adam(0.1))
    except flax.errors.ImmutableVariableError as error:
        pytest.skip(f"this Flax does not train hijax variables with this jax: {error}")
    chex.assert_trees_all_close(trained_within_jit(zoo.adam(0.1)), expected, rtol=1e-4)
