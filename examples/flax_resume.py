"""Flax NNX and orbax: a training that was killed goes on from its last checkpoint as if nothing had happened.

Without options it kills and resumes itself, and compares the losses with those of a run in one go. With a folder for
its checkpoints it only trains: stop it at any time, and it goes on when started again:

    python examples/flax_resume.py --steps 1000 --folder /tmp/run
"""

import argparse
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile

import orbax.checkpoint as ocp
from digits import batches, load
from flax import nnx
from flax_nnx_convnet import create, train_step  # optax.partition of two optimizers, inside of optax.MultiSteps

import optax_zoo as zoo

EVERY = 15  # batches from one checkpoint to the next; odd, so that some come between the two batches of a step


def restore(manager, name):
    """Model and optimizer of the last checkpoint: eval_shape says what to read, without making an array."""
    graph, shapes = nnx.split(nnx.eval_shape(lambda: create(name)))
    return nnx.merge(graph, manager.restore(manager.latest_step(), args=ocp.args.StandardRestore(shapes)))


def train(folder, name, steps):
    """The number and the loss of each batch after the last checkpoint in the folder."""
    options = ocp.CheckpointManagerOptions(save_interval_steps=EVERY, max_to_keep=2, enable_async_checkpointing=False)
    with ocp.CheckpointManager(folder.absolute(), options=options) as manager:
        done = manager.latest_step() or 0
        model, optimizer = restore(manager, name) if done else create(name)
        numbered = enumerate(batches(load()[0], steps), start=1)  # drawn from their seed, so the same in every run
        for number, batch in itertools.islice(numbered, done, None):
            loss = float(train_step(model, optimizer, batch))
            manager.save(number, args=ocp.args.StandardSave(nnx.state((model, optimizer))))  # if it is time
            yield number, loss


def compare(name, steps, kill_at):
    with tempfile.TemporaryDirectory() as scratch:
        once, twice = pathlib.Path(scratch, "in one go"), pathlib.Path(scratch, "killed and resumed")
        options = ["--optimizer", name, "--steps", str(steps), "--kill-at", str(kill_at)]
        run = subprocess.run([sys.executable, __file__, "--folder", twice, *options], stdout=subprocess.PIPE, text=True)
        killed = {int(number): float(loss) for number, loss in map(str.split, run.stdout.splitlines())}
        resumed = dict(train(twice, name, steps))
        in_one_go = dict(train(once, name, steps))
    print(f"{'batch':<7}{'loss, killed':<22}{'resumed':<22}{'in one go'}")
    for number, loss in in_one_go.items():
        if number % 5 == 0 or number in (min(resumed), max(killed)):
            print(f"{number:<7}{killed.get(number, ''):<22}{resumed.get(number, ''):<22}{loss}")
    print(f"killed after batch {max(killed)}, resumed after batch {min(resumed) - 1}")
    same = all(in_one_go[number] == loss for run in (killed, resumed) for number, loss in run.items())
    print(f"all losses bit for bit those of the run in one go: {same}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optimizer", default="eve", metavar="NAME", help="of the weights (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=60, help="batches to train on (default: %(default)s)")
    parser.add_argument("--folder", type=pathlib.Path, help="of the checkpoints")
    parser.add_argument("--kill-at", type=int, metavar="BATCH", help="end without warning after this batch")
    given = parser.parse_args()
    if given.optimizer not in zoo.list_algorithms():
        raise SystemExit(f"There is no {given.optimizer!r}; there are {', '.join(zoo.list_algorithms())}.")
    if given.folder is None:
        kill_at = given.kill_at or given.steps * 5 // 6
        if not 0 < kill_at < given.steps:
            parser.error("--kill-at must come before the last of the --steps")
        compare(given.optimizer, given.steps, kill_at)
        return
    for number, loss in train(given.folder, given.optimizer, given.steps):
        print(number, loss, flush=True)
        if number == given.kill_at:
            os._exit(1)  # at once, and nothing is cleaned up


if __name__ == "__main__":
    main()
