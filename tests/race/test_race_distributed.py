"""A race that several processes share."""

import dataclasses
import os
import socket
import subprocess
import sys
import time

import pytest

from optax_zoo.cli import main
from optax_zoo.race import load

SECONDS = 240  # until the processes are given up
RACE = "race --optimizers adam,optax.sgd --rates 0.01,0.1 --seeds 2 --final-seeds 3 --steps 24 --no-report"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def run(folder, *options, processes=2):
    """Exit codes, standard outputs and errors of the processes of one race, which end together or are ended."""
    coordinator = ["--distributed", "--coordinator", f"127.0.0.1:{free_port()}", "--processes", str(processes)]
    started = []
    try:
        for number in range(processes):
            shared = [*coordinator, "--process-id", str(number)] if processes > 1 else []
            command = [sys.executable, "-m", "optax_zoo.cli", *RACE.split(), "--out", folder, *shared, *options]
            log = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            started.append(subprocess.Popen(command, env={**os.environ, "JAX_PLATFORMS": "cpu"}, **log))
        deadline = time.monotonic() + SECONDS
        said = [process.communicate(timeout=max(deadline - time.monotonic(), 1)) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    printed, errors = zip(*said, strict=True)
    return [process.returncode for process in started], list(map(without_gloo, printed)), errors


def without_gloo(text):
    """Without what the library that connects CPUs prints itself."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("[Gloo]"))


def figures(folder):
    rows = [dataclasses.replace(row, seconds=0.0) for row in load(folder).rows]
    return sorted(rows, key=lambda row: row.optimizer)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("race") / "shared"
    return folder, *run(folder)


@pytest.mark.slow
def test_two_processes_race_like_one(shared, tmp_path):
    folder, codes, _, errors = shared
    assert codes == [0, 0], "\n".join(errors)
    codes, _, errors = run(tmp_path / "alone", processes=1)
    assert codes == [0], errors[0]
    assert len(figures(folder)) == 2 and figures(folder) == figures(tmp_path / "alone")
    assert {row.optimizer for row in figures(folder)} == {"adam", "optax.sgd"}
    machines = [load(each).record["machine"] for each in (folder, tmp_path / "alone")]
    assert machines[0]["devices"] == 2 * machines[1]["devices"]


@pytest.mark.slow
def test_only_the_first_process_prints(shared):
    _, codes, printed, errors = shared
    assert codes == [0, 0] and "optax.sgd" in printed[0]
    assert printed[1] == "" and "trial" not in errors[1]


@pytest.mark.slow
def test_results_are_not_overwritten_and_all_processes_say_so(shared):
    folder, *_ = shared
    before = (folder / "results.jsonl").read_bytes()
    codes, printed, errors = run(folder)
    for code, out, error in zip(codes, printed, errors, strict=True):
        assert code == 2 and out == ""
        (line,) = [line for line in error.splitlines() if line.startswith("optax-zoo: ")]
        assert line.startswith(f"optax-zoo: {str(folder)!r} holds results already; continue them with --resume")
        assert "Traceback" not in error
    assert (folder / "results.jsonl").read_bytes() == before


@pytest.mark.slow
def test_two_processes_resume_what_is_torn(shared, tmp_path):
    folder, *_ = shared
    for name, share in (("race.json", 1), ("trials.jsonl", 0.6)):
        content = (folder / name).read_bytes()
        (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    codes, _, errors = run(tmp_path, "--resume")
    assert codes == [0, 0], "\n".join(errors)
    assert figures(tmp_path) == figures(folder)


@pytest.mark.parametrize(
    "options",
    [
        ["--coordinator", "127.0.0.1:1"],
        ["--processes", "2", "--process-id", "0"],
        ["--distributed", "--coordinator", "127.0.0.1:1"],
        ["--distributed", "--process-id", "1"],
        ["--coordinator", "127.0.0.1:1", "--processes", "2", "--process-id", "0"],
    ],
)
def test_options_that_do_not_go_together_are_refused(options, tmp_path, capsys):
    assert main(["race", *options, "--out", str(tmp_path / "none")]) == 2
    sentence = "coordinator, processes and process-id must be given together, and with --distributed."
    assert capsys.readouterr().err == f"optax-zoo: {sentence}\n" and not (tmp_path / "none").exists()


@pytest.mark.parametrize("options", [["--processes", "1"], ["--process-id", "-1"]])
def test_numbers_of_processes_that_cannot_be_are_refused(options, capsys):
    assert main(["race", *options]) == 2
    assert options[0] in capsys.readouterr().err


@pytest.mark.slow
def test_without_a_cluster_the_options_are_asked_for(tmp_path):
    command = [sys.executable, "-m", "optax_zoo.cli", *RACE.split(), "--distributed", "--out", tmp_path / "none"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].endswith("give --coordinator, --processes and --process-id.")
