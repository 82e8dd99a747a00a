"""What is public of the algorithms is found: at run time by import, for type checkers in a stub."""

import ast
import inspect
import runpy
from pathlib import Path

import optax_zoo as zoo
from optax_zoo import _discovered, _stub, algorithms


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
    stub = ast.parse(_stub.stub())
    imported = [alias.name for each in stub.body if isinstance(each, ast.ImportFrom) for alias in each.names]
    assert sorted(imported) == _discovered.__all__


def test_the_build_can_write_the_stub_without_the_package():
    imported = {each for each in ast.walk(ast.parse(inspect.getsource(_stub))) if isinstance(each, ast.ImportFrom)}
    assert {each.module for each in imported} == {"pathlib"}
    assert runpy.run_path(_stub.__file__)["stub"]() == _stub.stub()
