"""Optimizers that look at whole matrices, or at rows and columns, on matrices that are split over devices."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from registered import FOLDERS, is_led_by_rounding

import optax_zoo as zoo
from optax_zoo.compat import enable_x64, set_mesh
from optax_zoo.conformance.sharding import state_sharding
from optax_zoo.conformance.subject import KNOWN
from optax_zoo.cost.collectives import IN_ORDER

pytestmark = pytest.mark.slow

# Whatever jax.shard_map must be given in one piece.
NAMES = zoo.list_algorithms(lambda each: "shard_map_sharded" in each.expected_failures and each.family != "sampling")
SIZE = 256
WARM, STEPS = 12, 3  # until averages of products have full rank, so that their eigenvectors are what they are
SHAPES = {
    "kernel": (16, 8),
    "query": (16, 8),
    "square": (8, 8),
    "wide": (8, 24),
    "bias": (8,),
    "layers": {"kernel": (4, 8, 16), "bias": (4, 8)},
}
BY_ROWS = {"kernel": P("data"), "query": P("data"), "square": P("data"), "wide": P("data"), "bias": P()}
LAYOUTS = {
    "rows": {**BY_ROWS, "layers": {"kernel": P(None, "data"), "bias": P()}},
    "columns": {
        **{name: P(None, "data") for name in ("kernel", "query", "square", "wide")},
        "bias": P("data"),
        "layers": {"kernel": P(None, None, "data"), "bias": P(None, "data")},
    },
    "both": {
        **{name: P("data", "model") for name in ("kernel", "square", "wide")},
        "query": P("model", "data"),
        "bias": P(("data", "model")),
        "layers": {"kernel": P(None, "model", "data"), "bias": P(None, "data")},
    },
    "layers": {**BY_ROWS, "layers": {"kernel": P("data"), "bias": P("data")}},
    "layers and columns": {**BY_ROWS, "layers": {"kernel": P("data", None, "model"), "bias": P("data", "model")}},
}


def made(name, **options):
    """An algorithm at its defaults, with the options that it takes."""
    taken = inspect.signature(zoo.describe(name).factory).parameters
    options = {"stacked": zoo.stacked_under("layers"), "every": 2, **options}
    return optax.with_extra_args_support(
        zoo.create(name, **{option: value for option, value in options.items() if option in taken})
    )


def is_tuple(x):
    return isinstance(x, tuple)


def tree(seed, dtype):
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda shape: jnp.asarray(rng.normal(size=shape), dtype), SHAPES, is_leaf=lambda x: type(x) is tuple
    )


def step_of(tx):
    @jax.jit
    def step(params, state, grads):
        extra = {name: make(params, grads) for name, make in KNOWN.items()}
        updates, state = tx.update(grads, state, params, **extra)
        return optax.apply_updates(params, updates), state, updates

    return step


def near(what, found, expected, relative=1e-5, rounding=0.0):
    for (path, x), y in zip(jax.tree.leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        x, y = np.asarray(x), np.asarray(y)
        off = relative * np.max(np.abs(y), initial=0) + rounding
        np.testing.assert_allclose(x, y, rtol=relative, atol=off, err_msg=what + jax.tree_util.keystr(path))


def follows(what, found, expected, shardings):
    """Fails unless what has the shape of a parameter is split as that is."""
    own = list(map(id, jax.tree.leaves(shardings)))  # `state_sharding` hands them on
    for (path, x), sharding in zip(jax.tree.leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        where = f"{what}{jax.tree_util.keystr(path)} is split as {x.sharding}"
        assert id(sharding) not in own or x.sharding.is_equivalent_to(sharding, x.ndim), where


@functools.lru_cache(maxsize=1)  # tests of a name follow one another
def on_one_device(name, dtype):
    """Parameters and state from which the steps to compare start, and the state and updates of the last of them."""
    tx, params = made(name), tree(0, dtype)
    state, step = jax.jit(tx.init)(params), step_of(tx)
    for number in range(WARM):
        params, state, _ = step(params, state, tree(1 + number, dtype))
    start = params, state
    for number in range(STEPS):
        params, state, updates = step(params, state, tree(100 + number, dtype))
    return start, state, updates


# Of the two kinds of axes each algorithm has both, each layout with half of the algorithms.
SPLIT = [
    (name, layout, ("Auto", "Explicit")[(row + column) % 2])
    for row, name in enumerate(NAMES)
    for column, layout in enumerate(LAYOUTS)
]


@pytest.mark.parametrize(("name", "layout", "kind"), SPLIT)
def test_sharded_steps_equal_those_of_one_device(name, layout, kind):
    """In float32, and where rounding alone can lead to other updates in float64."""
    wide = is_led_by_rounding(name)
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(getattr(AxisType, kind),) * 2)
    with enable_x64(wide):
        dtype = "float64" if wide else "float32"
        start, state, updates = on_one_device(name, dtype)
        tx = made(name)
        shardings = jax.tree.map(
            lambda spec: NamedSharding(mesh, spec), LAYOUTS[layout], is_leaf=lambda x: type(x) is P
        )
        of_state = state_sharding(tx, start[0], shardings)
        sharded = jax.device_put(start, (shardings, of_state))
        with set_mesh(mesh):
            sharded_step = step_of(tx)
            for number in range(STEPS):
                *sharded, found = sharded_step(*sharded, jax.device_put(tree(100 + number, dtype), shardings))
        near("updates", found, updates, rounding=float(jnp.finfo(dtype).eps))  # of parameters of order 1
        near("state", sharded[1], state, relative=1e-4)  # eigenvectors of eigenvalues that are near each other
        if "state_shardings_follow" not in zoo.describe(name).expected_failures:
            follows("updates", found, shardings, shardings)
            follows("state", sharded[1], of_state, shardings)


def growth(tx, count, spec=None):
    """Temporaries of a step for each further matrix, in units of it; split over 8 devices, or on one."""
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    sharding, kept = None if spec is None else NamedSharding(mesh, spec), []
    for matrices in (count, 2 * count):
        params = {str(n): jax.ShapeDtypeStruct((SIZE, SIZE), jnp.float32, sharding=sharding) for n in range(matrices)}
        state = jax.eval_shape(tx.init, params)
        if sharding is not None:
            of_state = state_sharding(tx, params, sharding)
            placed = jax.tree.map(lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s), state, of_state)
            step = jax.jit(step_of(tx), donate_argnums=(0, 1), out_shardings=(sharding, of_state, sharding))
        else:
            placed, step = state, jax.jit(step_of(tx), donate_argnums=(0, 1))
        program = step.lower(params, placed, params).compile(compiler_options=IN_ORDER)
        kept.append(program.memory_analysis().temp_size_in_bytes)
    return (kept[1] - kept[0]) / (4 * SIZE * SIZE * count)


def with_reason(name):
    """An algorithm; one whose folder says in gathers.txt why it needs more is expected to fail."""
    file = FOLDERS / name / "gathers.txt"
    return pytest.param(name, marks=pytest.mark.xfail(reason=file.read_text(), strict=False) if file.exists() else [])


@pytest.mark.parametrize("name", [with_reason(name) for name in NAMES if zoo.describe(name).variant_of is None])
def test_no_device_has_all_matrices_at_once(name):
    """Twice as many need more memory on a device, but as its share does, which is half as much on twice the devices.

    What one device alone needs for each matrix, one of 8 may need an eighth of, and some for the exchange. Barriers are
    kept, as on accelerators and from jax 0.12 on: on CPUs with an older one memory grows by more.
    """
    tx = made(name)
    on_four, on_eight = (growth(tx, 8, spec) for spec in (P("data"), P("data", "model")))
    assert on_eight <= 0.7 * max(on_four, growth(tx, 8, P(None, "data")), 0.01)
    assert on_eight <= 0.6 * max(1, growth(tx, 8))


@pytest.mark.parametrize("name", NAMES)
def test_replicated_over_devices_all_take_the_same_steps(name):
    """In jax.pmap, and in jax.shard_map, with a gradient for each device, which are averaged."""
    tx, params, devices = made(name), tree(0, "float32"), jax.devices()[:4]
    grads = tree(1, "float32")
    expected, _, _ = jax.jit(step_of(tx))(params, tx.init(params), grads)
    factors = jnp.array([0.5, 1.5, 0.25, 1.75])
    apart = jax.tree.map(lambda g: jnp.multiply.outer(factors, g), grads)

    def one(params, state, g):
        return step_of(tx)(params, state, jax.lax.pmean(g, "data"))[0]

    mapped = jax.pmap(one, axis_name="data", devices=devices, in_axes=(None, None, 0))(params, tx.init(params), apart)
    for number in range(len(devices)):
        near(f"device {number}", jax.tree.map(lambda x, n=number: x[n], mapped), expected)
    mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,), devices=devices)

    def first(params, state, g):
        return one(params, state, jax.tree.map(lambda x: x[0], g))

    in_specs = (P(), P(), P("data"))
    sharded = jax.jit(jax.shard_map(first, mesh=mesh, in_specs=in_specs, out_specs=P()))
    near("jax.shard_map", sharded(params, tx.init(params), apart), expected)
