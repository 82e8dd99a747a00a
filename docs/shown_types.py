"""Types of arguments as the site shows them: those of the source, in words that need no look into it."""

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from types import NoneType
from typing import Any, Literal, get_args, get_origin

WORDS = {
    "Annealing": "float | Array | schedule",
    "Any": "",
    "Axes": "int | tuple",
    "AxisName": "str | tuple | None",
    "Base": "str | Pipeline | function",
    "By": "matrices | function",
    "Changes": "Mapping",
    "Coefficients": "tuple | 'keller_jordan' | 'you_jiacheng' | 'polar_express'",
    "DType": "dtype | None",
    "Decay": "float | Array | schedule",
    "Distances": "numbered | function",
    "Initial": "float | Array | function",
    "Key": "Array | int",
    "Mask": "tree | function",
    "Needs": "Iterable | Mapping",
    "Optimizers": "Iterable | Mapping",
    "OutputAxes": "'first' | 'last' | tuple | outputs_under | function",
    "Params": "tree",
    "Rebound": "float | Array | 'belief'",
    "Scalar": "float | Array",
    "ScalarOrSchedule": "float | Array | schedule",
    "Schedule": "schedule",
    "Slot": "GradientTransformation | None",
    "Stacked": "int | tuple | stacked_under | function | None",
    "Table": "tuple",
    "Tree": "tree",
    "Triple": "tuple",
    "Values": "tuple",
    "Weights": "Mapping",
    "_Made": "GradientTransformation",
    **dict.fromkeys(
        ["Build", "Callable", "Change", "DebiasWeight", "Diffusion", "Draw", "Extra", "Function"], "function"
    ),
    **dict.fromkeys(["InverseRoot", "Make", "Measured", "Noise", "Norm", "Statistic", "SubStep"], "function"),
}
FIELD = re.compile(r"^:(param|ivar) \\?\*{0,2}(\w+):")


def setup(app: Any) -> dict[str, bool]:
    """Puts types beside arguments, and what functions return into their signature."""
    app.connect("autodoc-process-docstring", put_beside, priority=900)  # after napoleon has made fields
    app.connect("autodoc-process-signature", put_behind)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def put_beside(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Writes a field with the type before that of each argument or attribute that is described."""
    types = None
    for number in reversed(range(len(lines))):
        if found := FIELD.match(lines[number]):
            types = shown_types(obj) if types is None else types
            kind = "type" if found[1] == "param" else "vartype"
            if types.get(found[2]):
                lines.insert(number, f":{kind} {found[2]}: {types[found[2]]}")


def put_behind(
    app: Any, what: str, name: str, obj: Any, options: Any, arguments: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Adds the type of what a function returns."""
    shown = shown_types(obj).get("return") if what in ("function", "method") else None
    return arguments, returned if shown in (None, "None") else shown


def shown_types(obj: Any) -> Mapping[str, str]:
    """By name of an argument or attribute its type in words; of a function that of `return`, too."""
    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(obj)))
        (definition, *_) = ast.parse(source).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return {}
    namespace = vars(inspect.getmodule(inspect.unwrap(obj)))
    types = {name: words(annotation, namespace) for name, annotation in annotations(definition) if annotation}
    if types.get("return", "").endswith("Rule") and hasattr(obj, "__wrapped__"):
        types["return"] = "~optax_zoo.Part"  # `primitive` makes one of the rule
    return types


def annotations(definition: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """The annotations of a function, or of the fields and the constructor of a class."""
    if isinstance(definition, ast.FunctionDef):
        arguments = definition.args
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
            if each is not None:
                yield each.arg, each.annotation
        yield "return", definition.returns
    elif isinstance(definition, ast.ClassDef):
        for statement in definition.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                yield statement.target.id, statement.annotation
            elif isinstance(statement, ast.FunctionDef) and statement.name in ("__init__", "__new__"):
                yield from (pair for pair in annotations(statement) if pair[0] != "return")


def words(annotation: ast.expr, namespace: Mapping[str, Any]) -> str:
    """An annotation in words: aliases by what they stand for, functions without their arguments."""
    say = functools.partial(words, namespace=namespace)
    match annotation:
        case ast.Constant(value=str(text)):
            return say(ast.parse(text, mode="eval").body)
        case ast.BinOp(left=left, right=right):
            return joined([say(left), say(right)])
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return named(name, namespace)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            return literals(ast.literal_eval(inner))
        case ast.Subscript(value=ast.Name(id="Callable")):
            return "function"
        case ast.Subscript(value=outer, slice=ast.Tuple(elts=inner)):
            return generic(say(outer), [say(each) for each in inner])
        case ast.Subscript(value=outer, slice=inner):
            return generic(say(outer), [say(inner)])
    return ast.unparse(annotation)


def named(name: str, namespace: Mapping[str, Any]) -> str:
    """A name: in the words above, the strings that it stands for, or with the module in which Sphinx finds it."""
    meant = namespace.get(name)
    if inspect.isclass(meant) and meant.__module__.startswith("optax_zoo."):
        return f"~{meant.__module__}.{name}"
    choices = (meant,) if get_origin(meant) is Literal else get_args(meant)
    if name in WORDS or not choices or any(get_origin(each) is not Literal for each in choices if each is not NoneType):
        return WORDS.get(name, name)
    return joined("None" if each is NoneType else literals(get_args(each)) for each in choices)


def literals(values: Any) -> str:
    return " | ".join(map(repr, values if isinstance(values, tuple) else (values,)))


def generic(outer: str, inner: list[str]) -> str:
    """A type of others, which are left out where they may be anything, or take many words."""
    read = re.sub(r"~[\w.]+\.", "", ", ".join(inner))
    return f"{outer}[{', '.join(inner)}]" if all(inner) and len(read) < 32 else outer


def joined(choices: Iterable[str]) -> str:
    """Alternatives, each once."""
    return " | ".join(dict.fromkeys(part for each in choices for part in each.split(" | ") if part))
