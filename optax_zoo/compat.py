"""Names of jax that its oldest supported versions have elsewhere."""

import jax
import jax.experimental

# jax < 0.8 has it in jax.experimental alone.
enable_x64 = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64  # type: ignore[attr-defined]
# jax < 0.7.1 calls it jax.sharding.use_mesh.
set_mesh = jax.set_mesh if hasattr(jax, "set_mesh") else jax.sharding.use_mesh  # type: ignore[attr-defined]
