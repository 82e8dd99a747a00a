"""The curves of a race in logs of experiments."""

import contextlib
import dataclasses
import struct
import sys

import invented_results
import numpy as np
import pytest

from optax_zoo.race import MissingExtraError, RaceError, standing
from optax_zoo.race.statistics.estimates import interquartile_mean


@pytest.fixture(scope="module")
def result():
    """A race of which one diverged at every rate, one at a late step of a final seed, and one could not run."""
    raced = invented_results.result()
    failed = dataclasses.replace(raced["gravity"], optimizer="optax.lbfgs", failure="no")
    return dataclasses.replace(raced, rows=(*raced.rows, failed))


class Mlflow:
    """A client with the functions of MLflow that are called."""

    def __init__(self):
        self.runs, self.options = {}, []

    @contextlib.contextmanager
    def start_run(self, run_name, **options):
        self.options.append(options)
        self.runs[run_name] = self.open = {"params": {}, "metrics": {}}
        yield
        self.open = None

    def log_params(self, params):
        self.open["params"].update(params)

    def log_metrics(self, metrics, step=None):
        for name, value in metrics.items():
            self.open["metrics"].setdefault(name, []).append((step, value))


class Wandb:
    """A client with the functions of Weights & Biases that are called."""

    def __init__(self):
        self.runs = {}

    def init(self, name, config, project):
        assert all(run.finished for run in self.runs.values())
        self.runs[name] = WandbRun(config)
        self.project = project
        return self.runs[name]


class WandbRun:
    def __init__(self, config):
        self.config, self.summary, self.logged, self.finished = config, {}, [], False

    def log(self, values, step):
        self.logged.append((step, values))

    def finish(self):
        self.finished = True


def expected_curve(row):
    """The interquartile mean of the validation metric where no seed has diverged, with its steps."""
    values = np.array(row.curve_validation_metric, float)
    finite = np.isfinite(values).all(axis=0)
    return list(zip(np.array(row.curve_steps)[finite].tolist(), interquartile_mean(values[:, finite], 0), strict=True))


def test_mlflow_gets_a_run_for_each_that_trained(result):
    client = Mlflow()
    result.log_to(client, tags={"by": "me"})
    assert list(client.runs) == [row.optimizer for row in result.rows if not row.failure]
    assert client.options[0] == {"tags": {"by": "me"}}
    adam, run = result["adam"], client.runs["adam"]
    assert run["params"] == {
        **{"task": "digits_mlp", "optimizer": "adam", "composition": adam.composition},
        **{"learning_rate": adam.best_rate, "b1": 0.93, "steps": 600, "batch_size": 64},
    }
    assert run["metrics"]["validation/accuracy"] == expected_curve(adam)
    assert len(run["metrics"]["train/loss"]) == len(run["metrics"]["validation/loss"]) == len(adam.curve_steps)
    assert run["metrics"]["test_metric"] == [(None, adam.test_metric)]
    assert run["metrics"]["tier"] == [(None, standing(result)["adam"].tier)]
    assert len(client.runs["novograd"]["metrics"]["validation/accuracy"]) == 9  # then a seed diverges
    assert client.runs["gravity"]["metrics"].keys() == {"state_bytes"}


def test_wandb_gets_runs_one_after_the_other(result):
    client = Wandb()
    result.log_to(client, project="optimizers")
    adam, run = result["adam"], client.runs["adam"]
    assert client.project == "optimizers" and run.config["learning_rate"] == adam.best_rate
    assert [(step, values["validation/accuracy"]) for step, values in run.logged] == expected_curve(adam)
    assert run.summary["test_metric"] == adam.test_metric and all(each.finished for each in client.runs.values())


def test_another_client_is_refused(result):
    with pytest.raises(RaceError, match="client is 'wandb', but must be the module mlflow or wandb"):
        result.log_to("wandb")


def test_tensorboard_reads_the_curves(result, tmp_path):
    events = pytest.importorskip("tensorboardX.proto.event_pb2")
    result.to_tensorboard(tmp_path)
    assert len(list(tmp_path.iterdir())) == len(result.rows) - 1
    assert (tmp_path / "own_script_alert(1)_script_").is_dir()
    (path,) = (tmp_path / "adam").iterdir()
    data, scalars = path.read_bytes(), {}
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        event = events.Event.FromString(data[12 : 12 + length])  # after the length and its checksum
        data = data[16 + length :]
        for value in event.summary.value:
            scalars.setdefault(value.tag, []).append((event.step, value.simple_value))
    curve = expected_curve(result["adam"])
    assert [step for step, _ in scalars["validation/accuracy"]] == [step for step, _ in curve]
    np.testing.assert_allclose([y for _, y in scalars["validation/accuracy"]], [y for _, y in curve], rtol=1e-6)
    assert scalars.keys() == {"validation/accuracy", "validation/loss", "train/loss", "race/text_summary"}


def test_without_a_writer_it_is_said_what_to_install(result, monkeypatch, tmp_path):
    for name in ("tensorboardX", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match="pip install tensorboardX"):
        result.to_tensorboard(tmp_path)
