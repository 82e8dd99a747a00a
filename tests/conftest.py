"""Eight CPU devices for every test, and trees that all tests share."""

import os
import shutil
import sys
from pathlib import Path

from jaxlib.version import __version_info__ as version

# Nearly all of the time goes into compiling: this takes a third of it away, and changes no buffer and hardly a number.
# XLA's older emitters, which are gone since jax 0.11.1, take two fifths of the rest away. They are as exact: a
# transformer's gradients have the same errors to float64. But how they round depends on what else is in a program, and
# with more than one split on the machine's cores: two programs need not agree in the last bit of what they share.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    + " --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1" * (version < (0, 11, 1)),
)

os.environ.setdefault("JAX_ENABLE_COMPILATION_CACHE", "false")  # the user's cache folder is none of a test's business

import jax
import jax.numpy as jnp
import optax
import pytest
from hypothesis import settings

# A run fails by what has changed, not by what was drawn. `--hypothesis-profile search` draws anew each time.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("repeatable")

jax.config.update("jax_num_cpu_devices", 8)

sys.path.append(str(Path(__file__).parents[1] / "docs"))  # scripts that make pages are imported by their names

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
collect_ignore_glob = ["algorithms/*/replay.py", "algorithms/*/counterpart.py"]  # imported by their folders' names


@pytest.fixture
def users_emitters(monkeypatch):
    """What is compiled ahead is compiled as for users: for tests that count the buffers or kernels of a program."""
    if "--xla_cpu_use_fusion_emitters=false" in os.environ["XLA_FLAGS"]:
        compile_ = jax.stages.Lowered.compile
        options = {"xla_cpu_use_fusion_emitters": True}
        monkeypatch.setattr(jax.stages.Lowered, "compile", lambda lowered: compile_(lowered, options))


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium; without a browser or Playwright the tests say so and are skipped."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install '.[test]'")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser on the PATH, looked for {', '.join(BROWSERS)}: apt-get install chromium")
    with playwright.sync_playwright() as running:
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        started = running.chromium.launch(executable_path=path, args=root)
        yield started
        started.close()


@pytest.fixture
def params():
    return {"w": jnp.linspace(-1.0, 1.0, 12).reshape(4, 3), "b": jnp.array([0.5, -0.25, 2.0]), "s": jnp.float32(1.5)}


@pytest.fixture
def grads():
    return {"w": jnp.linspace(3.0, -2.0, 12).reshape(4, 3), "b": jnp.array([1.0, 0.0, -4.0]), "s": jnp.float32(-0.1)}


@pytest.fixture
def run():
    """A function that takes steps with a constant gradient: parameters, state and last updates."""

    def steps(tx, params, grads, count=5):
        state, loss = tx.init(params), jnp.float32(1.0)  # for those that read it
        if isinstance(tx, optax.GradientTransformation):
            tx = optax.with_extra_args_support(tx)
        curvature = jax.tree.map(jnp.square, grads)
        for _ in range(count):
            updates, state = tx.update(grads, state, params, value=loss, curvature=curvature)
            params = optax.apply_updates(params, updates)
        return params, state, updates

    return steps


TESTS_REMEMBERED = 500
passed = 0  # tests of this process since it has forgotten what they compiled


def pytest_runtest_teardown(item, nextitem):
    """Forgets now and then what was compiled: the more modules are kept, the longer any takes to lower.

    If it can be between two files, as tests of one share much.
    """
    global passed
    passed += 1
    between = nextitem is None or nextitem.path != item.path
    if passed > TESTS_REMEMBERED * (1 if between else 2):
        jax.clear_caches()
        passed = 0
