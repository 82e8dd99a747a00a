"""What fused steps would do for a race: `python docs/race_fused.py [TASK...] [--rounds N]` prints a table.

A race as it is, one with XLA's flag, and one of `fused(adam())` with it take turns, each in a process of its own, as
the flag is for a process. Leave the machine to it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import optax_zoo as zoo

TASKS = ("digits_mlp", "mnist1d_mlp", "mnist1d_cnn", "deep_mlp", "mnist5k_cnn", "char_lm")
SIDES = ("as it is", "with the flag", "fused")
STEPS = 120
HEAD = (
    "| task | as it is, ms | with the flag | fused | CPU time, flag | fused | compiling, flag | fused |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def side(name, task):
    """Runs a batch of trials for each line that it is sent, and prints milliseconds per step and trial."""
    if name != SIDES[0]:
        zoo.enable_fused_steps()
    import jax
    from race_throughput import CORES
    from race_throughput_tasks import Timer

    from optax_zoo.running.entrants import resolve

    jax.config.update("jax_num_cpu_devices", CORES)
    around = zoo.fused if name == SIDES[2] else lambda tx: tx
    (entrant,) = resolve({"adam": lambda learning_rate: around(zoo.adam(learning_rate))}).values()
    timer = Timer.of(task, entrant, STEPS, "map")
    for _ in sys.stdin:
        began, cpu = time.perf_counter(), time.process_time()
        timer.milliseconds()
        took = (time.perf_counter() - began, time.process_time() - cpu)
        print(json.dumps([timer.compiling, *(1e3 * x / STEPS / timer.width for x in took)]), flush=True)


def row(task, rounds):
    """A line of the table: medians of turns, and of the ratios of turns next to each other."""
    environment = {key: value for key, value in os.environ.items() if key != "XLA_FLAGS"}
    command = [sys.executable, __file__, task, "--side"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    processes, found = {}, {name: [] for name in SIDES}
    for number in range(rounds):
        for name in SIDES if number % 2 else reversed(SIDES):
            if name not in processes:
                processes[name] = subprocess.Popen([*command, name], **pipes)
            processes[name].stdin.write("\n")
            processes[name].stdin.flush()
            found[name].append(json.loads(processes[name].stdout.readline()))
    for process in processes.values():
        process.stdin.close()
        process.wait()
    shares = []
    for kind in (1, 2, 0):  # wall time, CPU time, compiling
        for name in SIDES[1:]:
            pairs = zip(found[name], found[SIDES[0]], strict=True)
            shares.append(f"{statistics.median(one[kind] / other[kind] for one, other in pairs):.2f}")
    base = statistics.median(wall for _, wall, _ in found[SIDES[0]])
    return f"| {task} | {base:.3g} | {' | '.join(shares)} |"


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser(description="What fused steps would do for a race.")
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"by default {', '.join(TASKS)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often all take turns (5)")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        side(arguments.side, *arguments.tasks)
        return
    from race_throughput import setting

    lines = [HEAD]
    for task in arguments.tasks or TASKS:
        lines.append(row(task, arguments.rounds))
        print(lines[-1], file=sys.stderr, flush=True)
    said = (
        f"Adam, {STEPS} steps, medians of {arguments.rounds} batches that take turns, per step and trial; {setting()}"
    )
    print("\n".join([*lines, "", said]))


if __name__ == "__main__":
    main()
