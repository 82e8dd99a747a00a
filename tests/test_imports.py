"""Imports of the package go one way, and tests, docs and examples use no private names of it. All files are found."""

import ast
import collections
import graphlib
import re
from pathlib import Path

import pytest

import optax_zoo

PRIVATE = re.compile(r"(^|.*\.)_(?!_)").match
OF_NAMED_TUPLES = {"_asdict", "_fields", "_make", "_replace"}
HERE = Path(__file__).parents[1]
OUTSIDE = [path for folder in ("tests", "docs", "examples") for path in sorted((HERE / folder).rglob("*.py"))]


def imports_in(root):
    """By module of a package, the modules of it that it imports, wherever in its file: in a function, too."""
    files = {_name(path, root): path for path in sorted(root.rglob("*.py"))}
    return {name: set(_imported(path, files)) for name, path in files.items()}


def _name(path, root):
    inside = path.relative_to(root.parent).with_suffix("")
    return ".".join(inside.parent.parts if inside.name == "__init__" else inside.parts)


def _imported(path, known):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}, line {node.lineno}: relative imports are not understood here"
            inner = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in known else node.module for name in inner if node.module in known)


def circle(package, imports):
    """The first circle of imports among the files and rooms of a package, as a list; empty if there is none.

    A room is a folder with all that is in it. The package's own `__init__` is a file like the others.
    """
    graph = collections.defaultdict(set)
    for name, targets in imports.items():
        one = _place(name, package)
        graph[one] |= {_place(target, package) for target in targets} - {one, None}
    graph.pop(None, None)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1][::-1]
    return []


def _place(name, package):
    """The file or room of a package that a module is in; None if it is outside."""
    if name == package:
        return "__init__"
    inside = name.removeprefix(f"{package}.")
    return None if inside == name else inside.partition(".")[0]


IMPORTS = imports_in(Path(optax_zoo.__file__).parent)
PACKAGES = sorted({name.rpartition(".")[0] for name in IMPORTS} - {""})


@pytest.mark.parametrize("package", PACKAGES)
def test_no_imports_go_in_a_circle(package):
    assert circle(package, IMPORTS) == []


def test_a_circle_between_rooms_is_found_even_if_a_function_closes_it(tmp_path):
    sources = {
        "__init__": "from house.kitchen.stove import fire",
        "kitchen/__init__": "",
        "kitchen/stove": "def fire():\n    import house.hall",
        "kitchen/table": "",
        "hall/__init__": "",
        "hall/door": "from house.kitchen import table",
    }
    for name, source in sources.items():
        path = tmp_path / f"house/{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    imports = imports_in(tmp_path / "house")
    assert imports["house"] == {"house.kitchen.stove"}
    assert set(circle("house", imports)) == {"kitchen", "hall"}
    assert circle("house.kitchen", imports) == []


def private_names(source):
    """The private names of optax_zoo, by line, that a source imports, reads or puts something else in the place of."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    foreign = {bound for node in imports for name, bound in _bindings(node) if not name.startswith("optax_zoo")}
    for node in imports:
        yield from (
            (node.lineno, name) for name, _ in _bindings(node) if name.startswith("optax_zoo") and PRIVATE(name)
        )
    for node in nodes:
        if isinstance(node, ast.Attribute) and PRIVATE(node.attr) and node.attr not in OF_NAMED_TUPLES:
            if ast.unparse(node.value) not in {"self", "cls", *foreign}:
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setattr"):
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            yield from ((node.lineno, text) for text in texts if PRIVATE(text))


def _bindings(node):
    """What an import statement imports, and as what."""
    start = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    return [(start + alias.name, alias.asname or alias.name.partition(".")[0]) for alias in node.names]


def test_tests_docs_and_examples_use_no_private_names():
    found = {path: list(private_names(path.read_text(encoding="utf-8"))) for path in OUTSIDE}
    assert len(found) > 50 and {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import optax_zoo._checks",
        "from optax_zoo import _checks",
        "from optax_zoo._checks import decay",
        "from optax_zoo.primitives.norms import _norm",
        "from optax_zoo import registry\nregistry._known",
        "found()._known",
        "monkeypatch.setattr(registry, '_known', {})",
        "monkeypatch.setattr('optax_zoo.registry._known', {})",
    ],
)
def test_a_private_name_is_found(source):
    assert len(list(private_names(source))) == 1


def test_what_others_call_private_is_theirs():
    source = (
        "import os\nos._exit(1)\nself._x = point._replace(y=1)\nzoo.__version__\nmonkeypatch.setattr(jax, 'devices', f)"
    )
    assert list(private_names(source)) == []
