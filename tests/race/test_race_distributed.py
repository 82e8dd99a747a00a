"""A race that several processes share."""

import contextlib
import dataclasses
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

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
    return [process.returncode for process in started], list(printed), errors


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


def of_slurm(number, folder):
    """What srun says to one of two tasks on this machine, whose logs are in a folder; jax makes the port of the job."""
    job = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "2"}
    task = {"SLURM_PROCID": str(number), "SLURM_LOCALID": str(number)}
    return {**os.environ, "JAX_PLATFORMS": "cpu", "TMPDIR": str(folder), **job, **task}


@contextlib.contextmanager
def in_slurm(folder, *options, numbers=(0, 1)):
    """The processes of a race that a faked Slurm has started, and what each prints as errors."""
    command = [sys.executable, "-m", "optax_zoo.cli", *RACE.split(), "--distributed", "--out", folder, *options]
    started = []
    try:
        for number in numbers:
            log = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            started.append(subprocess.Popen(command, env=of_slurm(number, folder.parent), **log))
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


LOST = "optax-zoo: distributed: a process of this race was killed or cannot be reached, so this one ended; finished"


@pytest.mark.slow
def test_slurm_tells_processes_of_each_other(shared, tmp_path):
    folder, *_ = shared
    with in_slurm(tmp_path / "slurm") as started:
        said = [process.communicate(timeout=SECONDS) for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    assert "optax.sgd" in said[0][0] and said[1] == ("", "")
    assert figures(tmp_path / "slurm") == figures(folder)


@pytest.mark.slow
def test_when_the_first_process_is_killed_the_others_end_with_one_line_within_a_minute(tmp_path):
    with in_slurm(tmp_path / "race", "--steps", "100000") as (first, second):
        while "tuning" not in (line := first.stderr.readline()):
            assert line, second.communicate()
        first.kill()
        killed = time.monotonic()
        printed, errors = second.communicate(timeout=60)
    assert time.monotonic() - killed < 60 and second.returncode != 0 and printed == ""
    (line,) = errors.splitlines()
    assert line.startswith(LOST) and "--resume continues" in line
    log = Path(line.partition("(log: ")[2].removesuffix(")."))
    assert log.parent == tmp_path and "another task died" in log.read_text()


@pytest.mark.slow
def test_when_the_first_process_fails_the_others_say_so_and_end(tmp_path):
    (tmp_path / "file").write_text("kept")
    with in_slurm(tmp_path / "file") as started:
        began = time.monotonic()
        said = [process.communicate(timeout=SECONDS) for process in started]
    assert time.monotonic() - began < 60 and all(process.returncode for process in started)
    for printed, errors in said:
        (line,) = errors.splitlines()
        assert printed == "" and (line.startswith("optax-zoo: cannot write to") or line.startswith(LOST))


@pytest.mark.slow
def test_a_process_that_the_first_never_joins_gives_up_with_one_line(tmp_path):
    with in_slurm(tmp_path / "race", numbers=(1,)) as (second,):
        printed, errors = second.communicate(timeout=SECONDS)
    (line,) = errors.splitlines()
    assert second.returncode and printed == "" and line.startswith("optax-zoo: distributed: ")


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
