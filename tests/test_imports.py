"""Who imports whom in the package: never in a circle. The modules are found, not listed here."""

import ast
import collections
import graphlib
from pathlib import Path

import pytest

import optax_zoo


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
