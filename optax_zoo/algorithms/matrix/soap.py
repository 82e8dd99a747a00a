"""SOAP."""

from optax import ScalarOrSchedule

from optax_zoo._checks import decay
from optax_zoo.algorithms._reasons import AS_MANY_AS_AXES, LAID_OUT_BY_JIT, WHOLE_MATRICES
from optax_zoo.parts import (
    debiased,
    decoupled_decay,
    eigenbasis,
    ema,
    normalize_by_norm,
    optional,
    root,
    scale_by_bias_correction,
    serial,
    square,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="SOAP: Shampoo with Adam in the preconditioner's eigenbasis",
    paper="Vyas, Morwani, Zhao, Shapira, Brandfonbrener, Janson and Kakade: SOAP: Improving and Stabilizing Shampoo "
    "using Adam",
    year=2024,
    url="https://arxiv.org/abs/2409.11321",
    example={"learning_rate": 1e-2, "weight_decay": 1e-4, "every": 2, "max_size": 4},
    claims=("apart", "order", "scale"),
    expected_failures={
        "map_params": AS_MANY_AS_AXES,
        "state_shardings_follow": LAID_OUT_BY_JIT,
        "shard_map_sharded": WHOLE_MATRICES,
    },
    proof="authors' code",
)
def soap(
    learning_rate: ScalarOrSchedule = 3e-3,
    b1: Scalar = 0.95,
    b2: Scalar = 0.95,
    *,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    every: int = 10,
    basis_decay: Scalar | None = None,
    max_size: int | None = None,
    of_vectors: bool = False,
    merge: bool = False,
    channels_last: bool = False,
    one_sided: bool = False,
    staggered: bool = False,
    debias: bool = True,
    normalize: bool = False,
    accumulator_dtype: DType = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner, which turns every few steps.

    .. math::

        L_t &= \beta L_{t-1} + (1 - \beta) G_t G_t^T, \qquad R_t = \beta R_{t-1} + (1 - \beta) G_t^T G_t \\
        G'_t &= Q_L^T G_t Q_R, \qquad \text{with eigenvectors Q of L and R, some steps old} \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) G'_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) G_t'^2 \\
        p_t &= (1 - \alpha_t \lambda) \left( p_{t-1} - \alpha_t Q_L
               \frac{m_t / (1 - \beta_1^t)}{(\sqrt{v_t} + \epsilon) / \sqrt{1 - \beta_2^t}} Q_R^T \right)

    The first step only makes the basis, and leaves the parameters alone.

    Of bad matrices: those without elements have updates without elements, those of one row or column a factor of 1 x 1
    on that side. Along directions that gradients do not have (low rank, zeros) the step is 0 up to rounding over eps.
    Entries beyond 1e12 count as that large; where squares are too small for float32, the step is the average gradient
    over eps.

    Args:
      learning_rate: ... Default of the authors' code, like all that follow.
      b1: decay of the average gradient, in [0, 1).
      b2: decay of the average squared gradient in the basis, in [0, 1).
      eps: added to the root before it is corrected.
      weight_decay: the coefficient lambda of the decay after the step, at least 0, or a schedule; None or 0 for none.
      every: how many steps a basis serves, at least 1.
      basis_decay: decay beta of L and R, in [0, 1); None for b2.
      max_size: axes longer than this have no basis (embeddings and heads); None stands for 10,000.
      of_vectors: whether leaves of one axis have a basis, too.
      merge: whether neighbouring axes are seen as one while their product is at most max_size (convolutions).
      channels_last: whether the last of four axes moves to the second place before they are merged.
      one_sided: whether leaves of several axes have a basis along the shortest of them alone (the one-sided variant of
        the paper: fewer products, and less state).
      staggered: whether leaves turn their bases at different steps, each once in `every`, so that steps take alike.
      debias: divide both averages by their weights.
      normalize: divide the step of each leaf by its root mean square.
      accumulator_dtype: dtype of m and v; by default the gradient's, at least float32.

    State:
      `state["numerator"]` and `state["denominator"]` as in `adam`, in the basis; `state["basis"].factors`: L and R, and
      `.vectors`: their eigenvectors, for each axis n a matrix (n, n) of a leaf, in float32 or wider whatever the
      parameters are. 24 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.soap(every=5).slots["basis"]
      eigenbasis(5)

    Claim:
      Use it when steps are dear, as of language models: it needs up to 40 % fewer than AdamW, and fewer tuned numbers
      than Shampoo.

    Source:
      N. Vyas et al. (2024); nikhilvyas/SOAP, which keeps m in the basis, too, and decays the parameters that the step
      has led to. `adam().replace(basis=eigenbasis())` is the same method with Adam's eps, which meets the corrected
      root.
    """
    decay("b1", b1)
    numerator = ema(b1, accumulator_dtype=accumulator_dtype)
    denominator = root(ema(b2, of=square, accumulator_dtype=accumulator_dtype), eps=eps)
    rescale = None
    if normalize:
        correction = {"correction": scale_by_bias_correction(b1, b2)} if debias else {}
        rescale = serial(norm=normalize_by_norm("avg_l2", eps=1e-30, stacked=stacked), **correction)
    elif debias:
        numerator, denominator = debiased(numerator), debiased(denominator)
    return pipeline(
        basis=eigenbasis(
            every,
            b2 if basis_decay is None else basis_decay,
            max_size=10_000 if max_size is None else max_size,
            of_vectors=of_vectors,
            merge=merge,
            channels_last=channels_last,
            one_sided=one_sided,
            staggered=staggered,
            stacked=stacked,
        ),
        numerator=numerator,
        denominator=denominator,
        rescale=rescale,
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask, of_new=True),
    )
