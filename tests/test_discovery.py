"""What is public of the algorithms is found: at run time by import, for type checkers in a stub."""

import ast
import inspect
import runpy
from pathlib import Path

import optax_zoo as zoo
from optax_zoo import algorithms

STUB = Path(zoo.__file__).with_name("_stub.py")


def test_every_registered_algorithm_is_public():
    assert set(zoo.list_algorithms()) <= set(zoo.__all__)
    for name in zoo.list_algorithms():
        assert getattr(zoo, name) is zoo.describe(name).factory


def test_every_family_has_a_sentence_and_algorithms():
    for family in Path(algorithms.__file__).parent.glob("*/"):
        modules = {path.stem for path in family.glob("*.py")}
        if modules:
            assert ast.get_docstring(ast.parse((family / "__init__.py").read_text())) and len(modules) > 1


def test_the_stub_names_what_is_found():
    stub = ast.parse(runpy.run_path(str(STUB))["stub"]())
    imported = [alias.name for each in stub.body if isinstance(each, ast.ImportFrom) for alias in each.names]
    public = [value for name in zoo.__all__ if inspect.isfunction(value := getattr(zoo, name))]
    assert set(imported) == {f.__name__ for f in public if f.__module__.startswith(f"{algorithms.__name__}.")}


def test_the_build_can_write_the_stub_without_the_package():
    imports = [each for each in ast.walk(ast.parse(STUB.read_text())) if isinstance(each, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(each) for each in imports] == ["import ast", "from pathlib import Path"]
