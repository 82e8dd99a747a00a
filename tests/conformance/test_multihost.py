"""Two processes that share a sharded model train it like one process with as many devices."""

import importlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

import optax_zoo as zoo

PROGRAM = pathlib.Path(__file__).parents[2] / "examples" / "multihost.py"
SECONDS = 240  # until the processes are given up
DEVICES = 4
ENDS_AT = {"dion": 0.95, "psgd_kron": 0.95, "scalable_shampoo": 0.97}  # they end at 0.93, 0.94, 0.96
OF_MATRICES = zoo.list_algorithms(lambda each: each.family == "matrix" and each.variant_of is None)


def run(directory, *commands, environments=None):
    """Runs the example once for each list of options, all at the same time; ends them all if one hangs."""
    environments = environments or [{}] * len(commands)
    logs = [directory / f"log_{number}" for number in range(len(commands))]
    started = []
    try:
        for options, environment, log in zip(commands, environments, logs, strict=True):
            environment = {**os.environ, "JAX_PLATFORMS": "cpu", **environment}
            command = [sys.executable, "-W", "error", PROGRAM, *map(str, options)]
            with log.open("w") as file:
                started.append(subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT))
        deadline = time.monotonic() + SECONDS
        while any(process.poll() is None for process in started) and time.monotonic() < deadline:
            if any(process.poll() for process in started):
                break  # one failed: the others would wait for it
            time.sleep(0.05)
        codes = [process.poll() for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    printed = [log.read_text() for log in logs]
    ended = zip(codes, printed, strict=True)
    report = "\n".join(f"--- process {number} ended with {code}\n{text}" for number, (code, text) in enumerate(ended))
    assert codes == [0] * len(commands), report
    return printed


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["expectigrad", "novograd", "gravity", *OF_MATRICES])
def test_two_processes_train_a_sharded_model_like_one(name, tmp_path):
    common = ["--optimizer", name, "--steps", 20, "--every", 10]
    one = tmp_path / "one.json"
    run(tmp_path, [*common, "--processes", 1, "--cpu-devices", DEVICES, "--out", one])
    together = ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", 2, "--cpu-devices", DEVICES // 2]
    outs = [tmp_path / "two.json", tmp_path / "none.json"]
    commands = [[*common, *together, "--process-id", number, "--out", out] for number, out in enumerate(outs)]
    first, second = run(tmp_path, *commands)
    assert f"{name} on {DEVICES} devices of 2 processes" in first and "step 20: loss" in first
    assert "step" not in second and not outs[1].exists()  # process 0 speaks for all
    expected, found = (json.loads(path.read_text())["losses"] for path in (one, outs[0]))
    assert len(found) == 20 and found[-1] < ENDS_AT.get(name, 0.9) * found[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.slow
def test_processes_find_each_other_under_slurm(tmp_path):
    job = {"SLURM_JOB_ID": str(free_port() % 4096), "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "2"}
    environments = [{**job, "SLURM_PROCID": str(number), "SLURM_LOCALID": str(number)} for number in range(2)]
    options = ["--steps", 2, "--cpu-devices", 2]
    first, _ = run(tmp_path, options, options, environments=environments)
    assert "expectigrad on 4 devices of 2 processes" in first and "step 2: loss" in first


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["--coordinator", "127.0.0.1:1"], "--coordinator, --processes (2 or more) and --process-id go together"),
        (["--optimizer", "atom"], "invalid choice: 'atom'"),
        (["--processes", "1", "--steps", "0"], "--steps and --every must be at least 1"),
    ],
)
def test_bad_options_are_refused_in_one_line(options, sentence, monkeypatch, capsys):
    monkeypatch.syspath_prepend(PROGRAM.parent)
    monkeypatch.setattr(sys, "argv", ["multihost.py", *options])
    with pytest.raises(SystemExit, match="2"):
        importlib.import_module("multihost").arguments()
    assert sentence in capsys.readouterr().err
