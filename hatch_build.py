"""Build hook: an installation has the stub that tells editors and type checkers the names of the algorithms."""

import runpy
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WritesStub(BuildHookInterface):
    """Writes `optax_zoo/_discovered.pyi`."""

    def initialize(self, version, build_data):
        runpy.run_path(str(Path(self.root) / "optax_zoo" / "_stub.py"))["write"]()
