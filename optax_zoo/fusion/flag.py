"""Whether XLA:CPU merges kernels that read the same arrays, and how to tell it to."""

import concurrent.futures
import functools
import os

import jax
import jax.numpy as jnp

from optax_zoo.fusion.separated import separated

OPTION = "xla_cpu_use_multi_output_fusion"
EXTRA = "--xla_backend_extra_options="


def enable_fused_steps() -> None:
    """Tells XLA:CPU to merge kernels that read the same arrays, which is what `fused` needs.

    To be called before JAX computes anything. It adds `xla_cpu_use_multi_output_fusion` to the environment variable
    `XLA_FLAGS`, for this process and those that it starts: XLA reads the option when it begins, and there is none for a
    single function. It is for all programs of the process. Other backends do not read it.

    Raises:
      RuntimeError: if JAX has computed something and kernels are not merged, so that it is too late; if XLA_FLAGS
        names a file.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.enable_fused_steps()  # doctest: +SKIP
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if has_begun():
        if jax.default_backend() == "cpu" and not in_force():
            raise RuntimeError(
                "enable_fused_steps() is too late: JAX has computed something, and XLA reads flags only before that."
            )
        return
    if flags and not flags.lstrip().startswith("-"):
        raise RuntimeError(f"XLA_FLAGS names the file {flags!r}: add {EXTRA}{OPTION} to it.")
    os.environ["XLA_FLAGS"] = _with_option(flags)


@functools.cache
def _merges() -> bool:
    """Whether a step of two arrays that have something in common is compiled to one kernel."""

    def step(v: jax.Array, p: jax.Array, g: jax.Array) -> list[jax.Array]:
        program = jax.make_jaxpr(lambda v, g: (v + jnp.abs(g), v + jnp.abs(g)))(v, g)
        moved, v = separated(program, (v, g))
        return [v, p + moved]

    shape = jax.ShapeDtypeStruct((1024,), jnp.float32)
    text = jax.jit(step, donate_argnums=(0, 1)).lower(shape, shape, shape).compile().as_text() or ""
    return text[text.index("\nENTRY") :].count(" fusion(") == 1 and " copy(" not in text


def in_force() -> bool:
    """Whether the default backend is XLA:CPU, and merges kernels: by what it compiles, once a process."""
    if OPTION not in os.environ.get("XLA_FLAGS", "") or jax.default_backend() != "cpu":
        return False
    with concurrent.futures.ThreadPoolExecutor(1) as another:  # a thread that is in no mesh, axis or trace
        return another.submit(_merges).result()


def has_begun() -> bool:
    """Whether JAX has a backend: after that it refuses to change the number of its CPU devices."""
    number = jax.config.jax_num_cpu_devices  # type: ignore[attr-defined]
    try:
        jax.config.update("jax_num_cpu_devices", 2 if number == 1 else 1)
    except RuntimeError:
        return True
    jax.config.update("jax_num_cpu_devices", number)
    return False


def _with_option(flags: str) -> str:
    words = flags.split()
    for number, word in enumerate(words):
        if word.startswith(EXTRA):
            options = word.removeprefix(EXTRA).split(",")
            words[number] = EXTRA + ",".join(options if OPTION in options else [*filter(None, options), OPTION])
            return " ".join(words)
    return " ".join([*words, EXTRA + OPTION])
