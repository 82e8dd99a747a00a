"""Trains a sharded model on one host or many: parameters, optimizer state and batches are split over all devices.

On a Slurm cluster or a TPU pod start this program on every host, without options; jax finds the others:

    srun python examples/multihost.py --optimizer novograd

On one computer:

    python examples/multihost.py --processes 1
    python examples/multihost.py --coordinator localhost:9876 --processes 2 --process-id 0 &
    python examples/multihost.py --coordinator localhost:9876 --processes 2 --process-id 1
"""

import argparse
import json
import pathlib
import sys

import jax
import jax.numpy as jnp
import optax
from digits import batches, load
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import optax_zoo as zoo
from optax_zoo.conformance import state_sharding

# Every device holds some columns of the first layer and some rows of the second; the short last bias is everywhere.
SPECS = {
    "hidden": {"kernel": PartitionSpec(None, "devices"), "bias": PartitionSpec("devices")},
    "output": {"kernel": PartitionSpec("devices", None), "bias": PartitionSpec()},
}


def init(key, width):
    first, second = jax.random.split(key)
    return {
        "hidden": {"kernel": jax.random.normal(first, (64, width)) / 8, "bias": jnp.zeros(width)},
        "output": {"kernel": jax.random.normal(second, (width, 10)) / width**0.5, "bias": jnp.zeros(10)},
    }


def loss_of(params, images, labels):
    hidden = jax.nn.relu(images @ params["hidden"]["kernel"] + params["hidden"]["bias"])
    logits = hidden @ params["output"]["kernel"] + params["output"]["bias"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def train(tx, steps, every):
    """The losses by step; process 0 prints one of every few."""
    mesh = jax.make_mesh((jax.device_count(),), ("devices",), axis_types=(AxisType.Auto,))
    replicated, by_device = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("devices"))
    width, batch_size = (-(-128 // mesh.size) * mesh.size,) * 2  # the next multiple of the devices

    # Each process makes its own shards of the parameters and of the state only.
    key = jax.random.key(0)
    shapes = jax.eval_shape(lambda key: init(key, width), key)
    of_params = jax.tree.map(lambda spec: NamedSharding(mesh, spec), SPECS)
    of_state = state_sharding(tx, shapes, of_params)
    params = jax.jit(lambda key: init(key, width), out_shardings=of_params)(key)
    state = jax.jit(tx.init, out_shardings=of_state)(params)

    def step(params, state, images, labels):
        loss, grads = jax.value_and_grad(loss_of)(params, images, labels)
        updates, state = tx.update(grads, state, params, value=loss)
        return optax.apply_updates(params, updates), state, loss

    step = jax.jit(step, donate_argnums=(0, 1), out_shardings=(of_params, of_state, replicated))

    def spread(array):
        """The batch over all devices: every process draws the same one and keeps what its devices need."""
        return jax.make_array_from_callback(array.shape, by_device, lambda index: array[index])

    losses = []
    examples, _ = load()
    for number, batch in enumerate(batches(examples, steps, size=batch_size), start=1):
        params, state, loss = step(params, state, *map(spread, batch))
        losses.append(loss)
        if jax.process_index() == 0 and (number % every == 0 or number == steps):
            print(f"step {number}: loss {float(loss):.4f}", flush=True)
    return [float(loss) for loss in losses]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optimizer", default="expectigrad", choices=zoo.list_algorithms(), metavar="NAME")
    parser.add_argument("--learning-rate", type=float, help="by default that of the optimizer's example")
    parser.add_argument("--steps", type=int, default=200, help="training steps (default: %(default)s)")
    parser.add_argument("--every", type=int, default=20, help="steps from one line to the next (default: %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, help="a file for the losses, as JSON")
    parser.add_argument("--coordinator", metavar="HOST:PORT", help="where process 0 listens, instead of detection")
    parser.add_argument("--processes", type=int, help="how many there are; 1 for this one alone")
    parser.add_argument("--process-id", type=int, help="which of them this is, from 0")
    parser.add_argument("--cpu-devices", type=int, metavar="N", help="split the CPU of each process into N devices")
    given = parser.parse_args()
    together = [given.coordinator is not None, given.process_id is not None, given.processes not in (None, 1)]
    if any(together) and not all(together):
        parser.error("--coordinator, --processes (2 or more) and --process-id go together")
    if given.steps < 1 or given.every < 1:
        parser.error("--steps and --every must be at least 1")
    return given


def connect(given):
    """Finds the other processes: as told on the command line, else in the environment of the cluster."""
    if given.cpu_devices is not None:
        jax.config.update("jax_num_cpu_devices", given.cpu_devices)
    jax.config.update("jax_cpu_collectives_implementation", "gloo")  # no effect on GPUs and TPUs
    if given.processes == 1:
        return
    try:
        jax.distributed.initialize(given.coordinator, given.processes, given.process_id)
    except ValueError as error:
        print(
            f"No cluster was found: {error} Give --processes 1 to run alone, or --coordinator, --processes and "
            "--process-id.",
            file=sys.stderr,
        )
        raise SystemExit(2) from None


def main():
    given = arguments()
    connect(given)
    record = zoo.describe(given.optimizer)
    rate = {} if given.learning_rate is None else {"learning_rate": given.learning_rate}
    tx = optax.with_extra_args_support(zoo.create(given.optimizer, **{**record.example, **rate}))
    if jax.process_index() == 0:
        print(f"{given.optimizer} on {jax.device_count()} devices of {jax.process_count()} processes", flush=True)
    losses = train(tx, given.steps, given.every)
    if given.out is not None and jax.process_index() == 0:
        given.out.write_text(json.dumps({"optimizer": given.optimizer, "losses": losses}) + "\n")
    if jax.process_count() > 1:
        jax.distributed.shutdown()


if __name__ == "__main__":
    main()
