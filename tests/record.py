"""Records trajectories of an optimizer for PyTorch: `python tests/record.py lion lion_pytorch:Lion --set lr=1e-3`.

The cases go into tests/algorithms/NAME/golden.json, where those of the same name are replaced. It needs PyTorch and the
package of the optimizer, see the extra `peers`. A transformation of optax is recorded likewise, without PyTorch:
`python tests/record.py dowg optax.contrib:dowg`.
"""

import argparse
import ast
import importlib
import importlib.metadata
import inspect
import json
import math
import pathlib
from collections.abc import Iterable
from typing import Any

import gradient_kinds

ALGORITHMS = pathlib.Path(__file__).parent / "algorithms"
Case = dict[str, Any]


def main() -> None:
    """Records a case for each kind of gradients."""
    arguments = parser().parse_args()
    file = arguments.out or ALGORITHMS / arguments.name / "golden.json"
    before = json.loads(file.read_text(encoding="utf-8"))["cases"] if file.exists() else []
    new = {case["name"]: case for case in (record(arguments, kind) for kind in arguments.kinds)}
    file.parent.mkdir(parents=True, exist_ok=True)
    cases = {case["name"]: case for case in before} | new
    file.write_text(as_text(arguments.name, cases.values()), encoding="utf-8")
    print(file, *new, sep="\n")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument("name", help="how the algorithm is called here")
    made.add_argument("original", help="MODULE:CLASS of the optimizer")
    made.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a hyperparameter of it")
    made.add_argument("--around", metavar="MODULE:CLASS", help="the optimizer that it wraps, if it wraps one")
    made.add_argument("--inner", action="append", default=[], metavar="NAME=VALUE", help="a hyperparameter of that")
    made.add_argument("--matrices", metavar="KEY", help="of a parameter group: true for leaves of several axes")
    made.add_argument("--tag", help="of the source, in the names of the cases; its package unless given")
    made.add_argument("--kinds", type=kinds, default="smooth,mixed", help=f"of {', '.join(gradient_kinds.KINDS)}")
    made.add_argument("--steps", type=int, default=12)
    made.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    made.add_argument("--losses", action="store_true", help="give it losses, too")
    made.add_argument("--source", help="where it comes from, if it is no package: OWNER/REPO@COMMIT:PATH")
    made.add_argument("--evaluated", metavar="METHOD", help="of it, after which the parameters are those to evaluate")
    made.add_argument("--notes", default="", help="what is particular to this source")
    made.add_argument("--out", type=pathlib.Path, metavar="FILE", help="instead of the file of the algorithm")
    return made


def kinds(text: str) -> list[str]:
    """Kinds of gradients with commas between."""
    unknown = [kind for kind in text.split(",") if kind not in gradient_kinds.KINDS]
    if unknown:
        raise argparse.ArgumentTypeError(f"kinds has {unknown[0]!r}, but may have {', '.join(gradient_kinds.KINDS)}.")
    return text.split(",")


def record(arguments: argparse.Namespace, kind: str) -> Case:
    """A case with gradients of a kind."""
    wrapped = [f"around={arguments.around.split(':')[1]}", *arguments.inner] if arguments.around else []
    tag = arguments.tag or arguments.original.split(".")[0].split(":")[0]
    name = f"{tag}/{','.join([*wrapped, *arguments.set]) or 'defaults'}-{kind}"
    params, grads = gradient_kinds.drawn(f"{arguments.name}/{name}", kind, arguments.steps)
    losses = gradient_kinds.losses(f"{arguments.name}/{name}", arguments.steps) if arguments.losses else None
    run = run_of_optax if tag == "optax" else run_of_torch
    return {
        "name": name,
        "source": arguments.source or source(arguments.original),
        "how": f"ran as is ({arguments.dtype} default dtype)",
        "dtype": arguments.dtype,
        **run(arguments, params, grads, losses),
        "notes": arguments.notes,
    }


def run_of_torch(arguments: argparse.Namespace, params: Any, grads: Any, losses: Any) -> Case:
    """What is recorded of a run of an optimizer for PyTorch."""
    import torch

    torch.set_default_dtype(getattr(torch, arguments.dtype))
    leaves = {leaf: torch.nn.Parameter(torch.tensor(x, dtype=torch.get_default_dtype())) for leaf, x in params.items()}
    grads = [{leaf: torch.tensor(x, dtype=torch.get_default_dtype()) for leaf, x in each.items()} for each in grads]
    closures = [lambda loss=loss: torch.tensor(loss) for loss in losses] if losses else [None] * len(grads)
    start = plain(leaves)
    optimizer, described = make(arguments, list(leaves.values()))
    return {
        **described,
        "params_0": start,
        **({"losses": losses} if losses else {}),
        "grads": [plain(each) for each in grads],
        "params": [step(optimizer, leaves, *each) for each in zip(grads, closures, strict=True)],
        **evaluated(optimizer, leaves, arguments.evaluated),
    }


def run_of_optax(arguments: argparse.Namespace, params: Any, grads: Any, losses: Any) -> Case:
    """What is recorded of a run of a transformation of optax."""
    import jax
    import jax.numpy as jnp
    import optax

    from optax_zoo.compat import enable_x64

    given, inner = named(arguments.set), named(arguments.inner)
    original, wrapped = found(arguments.original), found(arguments.around) if arguments.around else None
    of_inner = {"optimizer": wrapped.__name__, "inner": in_force(wrapped, inner)} if wrapped else {}
    with enable_x64(arguments.dtype == "float64"):
        now, *grads = jax.tree.map(lambda x: jnp.asarray(x, arguments.dtype), [params, *grads])
        tx = optax.with_extra_args_support(original(*([wrapped(**inner)] if wrapped else []), **given))
        state, after, start = tx.init(now), [], plain(now)
        for each, loss in zip(grads, losses or [None] * len(grads), strict=True):
            updates, state = tx.update(each, state, now, **({} if loss is None else {"value": loss}))
            now = optax.apply_updates(now, updates)
            after.append(plain(now))
    return {
        "hyperparameters": of_inner | in_force(original, given),
        "set_explicitly": [*inner, *given],
        "params_0": start,
        **({"losses": losses} if losses else {}),
        "grads": [plain(each) for each in grads],
        "params": after,
    }


def make(arguments: argparse.Namespace, leaves: list[Any]) -> tuple[Any, Case]:
    """The optimizer for PyTorch, and the hyperparameters in force with the names of those that were set."""
    given, inner = named(arguments.set), named(arguments.inner)
    original, target, hyperparameters = found(arguments.original), grouped(leaves, arguments.matrices), {}
    if arguments.around:
        wrapped = found(arguments.around)
        target, hyperparameters = wrapped(leaves, **inner), {"optimizer": wrapped.__name__, **in_force(wrapped, inner)}
    return original(target, **given), {
        "hyperparameters": hyperparameters | in_force(original, given),
        "set_explicitly": [*inner, *given],
    }


def grouped(leaves: list[Any], key: str | None) -> list[Any]:
    """As they are, or matrices and the rest in groups that a key tells apart."""
    if key is None:
        return leaves
    return [{"params": [x for x in leaves if (x.ndim > 1) is of], key: of} for of in (True, False)]


def step(optimizer: Any, leaves: dict[str, Any], grads: dict[str, Any], closure: Any) -> dict[str, Any]:
    """The parameters after a step."""
    for leaf, parameter in leaves.items():
        parameter.grad = grads[leaf].clone()
    optimizer.step(*([closure] if closure else []))
    return plain(leaves)


def evaluated(optimizer: Any, leaves: dict[str, Any], method: str | None) -> Case:
    """The parameters to evaluate with at the end, where a method makes them."""
    if method is None:
        return {}
    getattr(optimizer, method)()
    return {"params_eval": plain(leaves)}


def found(path: str) -> Any:
    """The class of a text like `torch.optim:SGD`."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def source(path: str) -> str:
    """The distribution and the class, as `PyPI torch==2.13.0 (SGD)`."""
    module, _, name = path.partition(":")
    (distribution,) = set(importlib.metadata.packages_distributions()[module.split(".")[0]])
    return f"PyPI {distribution}=={importlib.metadata.version(distribution).partition('+')[0]} ({name})"


def named(settings: list[str]) -> dict[str, Any]:
    """Hyperparameters from texts like `lr=0.1`; what is no literal is a text."""
    return {name: literal(value) for name, _, value in (setting.partition("=") for setting in settings)}


def literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def in_force(original: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The defaults of the signature, and over them what is given."""
    parameters = inspect.signature(original).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not each.empty} | given


def plain(tree: dict[str, Any]) -> dict[str, Any]:
    """Lists of numbers by leaf."""
    return {leaf: plain_numbers(getattr(x, "detach", lambda x=x: x)().tolist()) for leaf, x in tree.items()}


def plain_numbers(x: Any) -> Any:
    """Numbers in lists, in which NaN and infinities are texts."""
    if isinstance(x, list):
        return [plain_numbers(each) for each in x]
    return x if math.isfinite(x) else str(x)


def as_text(name: str, cases: Iterable[Case]) -> str:
    """The file: a line for each field of a case."""
    fields = [[f"{json.dumps(key)}: {json.dumps(value)}" for key, value in case.items()] for case in cases]
    bodies = ["  {" + ",\n   ".join(case) + "}" for case in fields]
    return f'{{"algorithm": {json.dumps(name)},\n "cases": [\n' + ",\n".join(bodies) + "]}\n"


if __name__ == "__main__":
    main()
