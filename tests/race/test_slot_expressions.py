"""Slot expressions: what prints reads back, and nothing but parts and literals is read at all."""

import jax
import jax.numpy as jnp
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optax_zoo as zoo
from optax_zoo.parts import Rule
from optax_zoo.race.ablation.slot_expressions import OPTAX, allowed, is_maker, parse, part_of, prints_completely
from optax_zoo.running.errors import RaceError

# Of few digits: a number prints to 15, so that one next to a default or to 1 prints as what it is not.
decays = st.integers(0, 9999).map(lambda x: x / 10_000)
small = st.builds(lambda digits, exponent: float(f"{digits}e{exponent}"), st.integers(0, 9999), st.integers(-30, 3))
statistics = st.sampled_from([zoo.square, zoo.absolute, zoo.leaf_sum(zoo.square), zoo.leaf_sum(zoo.absolute)])
seeds = st.sampled_from([None, "first_step", "while_zero"])
grown = decays | st.builds(zoo.growing_decay, decays, start=st.integers(0, 9))
estimators = st.builds(zoo.ema, grown, of=statistics, nesterov=st.booleans(), seeded=seeds) | st.builds(
    zoo.trace, decays, dampening=decays, accumulator_dtype=st.sampled_from([None, "bfloat16", "float32"])
)
weighed = st.recursive(
    st.builds(zoo.ema, grown, of=statistics),
    lambda inner: st.builds(zoo.root, inner, eps=small, eps_root=small) | st.builds(zoo.running_max, inner),
    max_leaves=4,
)
parts = st.recursive(
    estimators | st.builds(zoo.peak, decays, of=statistics) | st.builds(zoo.nesterov_ema, decays, momentum=grown),
    lambda inner: (
        st.builds(zoo.root, inner, eps=small, eps_root=small)
        | st.builds(zoo.debiased, weighed)
        | st.builds(zoo.deviation, inner, inner, eps=small)
        | st.builds(zoo.loss_feedback, inner, decays)
        | st.builds(zoo.serial, first=inner, second=inner)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(parts)
def test_what_a_part_prints_reads_back_as_the_same_part(part):
    text = repr(part)
    if len(text) <= 1000:
        assert repr(part_of(text)) == text
        assert prints_completely(part)
        assert repr(part_of(parse(text).text)) == text


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_one_sentence(text):
    try:
        part = part_of(text)
    except RaceError as error:
        assert "\n" not in str(error) and str(error).endswith(".")
    else:  # a text may be drawn from what stands in the code
        assert part is None or repr(part) == text


@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_the_slots_of_every_algorithm_read_back(name):
    for tx in (zoo.create(name), zoo.create(name, **zoo.describe(name).example)):
        for pipeline in tx.slots.values() if isinstance(tx, zoo.Route) else [tx]:
            for slot, part in pipeline.slots.items():
                if isinstance(part, optax.GradientTransformation) and "(pipeline(" not in repr(part):
                    assert repr(part_of(repr(part))) == repr(part), slot


# These print by name only.
@pytest.mark.parametrize(
    "part",
    [
        zoo.ema(0.9, initial=zoo.random_normal(0.1, jax.random.key(1))),
        zoo.coupled_decay(0.1, {"w": True}),
        zoo.damp_by_max(axis_name=("data", "model")),
        zoo.ema(0.9, of=zoo.leaf_sum(zoo.square, "data")),
        zoo.ema(0.9, accumulator_dtype=jnp.bfloat16),
        zoo.trace(optax.constant_schedule(0.9)),
        optax.trace(0.9),
    ],
    ids=["key", "mask", "axis", "axis of a statistic", "dtype", "schedule", "optax"],
)
def test_what_prints_by_name_only_does_not_read_back(part):
    assert not prints_completely(part)


def test_none_empties_a_slot():
    assert part_of("none") is None and part_of(" None ") is None
    assert prints_completely(None)


@pytest.mark.parametrize(
    "text, same",
    [
        ("root(ema(0.999, of=square), eps=1e-8)", zoo.root(zoo.ema(0.999, of=zoo.square))),
        ("root( ema( decay = 999e-3,of=square ) )", zoo.root(zoo.ema(0.999, of=zoo.square))),
        ("ema(0.9, seeded='first_step', nesterov=True)", zoo.ema(0.9, nesterov=True, seeded="first_step")),
        ("power_growth(0.5, offset=-0.5)", None),
        ("scale_by_ema(0.9)", zoo.debiased(zoo.ema(0.9))),
        ("clip_by_norm('l2', 1)", zoo.clip_by_norm("l2", 1.0)),
        ("orthogonalize(coefficients=((2, -1.5, 5e-1),))", zoo.orthogonalize(coefficients=((2.0, -1.5, 0.5),))),
    ],
)
def test_expressions_that_are_read(text, same):
    if same is None:
        text = f"thermostat(ema(0.9, of=square), euler, annealing={text})"
        same = part_of(text)
    assert repr(part_of(text)) == repr(same)


def test_a_part_of_optax():
    updates, _ = part_of("optax.clip(0.5)").update(jnp.asarray(-2.0), optax.EmptyState())
    assert updates == -0.5


def test_the_learning_rate_is_filled_in():
    expression = parse("converging_bound(base_learning_rate=learning_rate)")
    assert expression.needs_rate
    assert repr(expression(0.25)) == "converging_bound(base_learning_rate=0.25)"
    assert repr(parse("already_applied(learning_rate)")(0.5)) == "already_applied(0.5)"
    with pytest.raises(RaceError, match="needs a learning rate"):
        part_of("already_applied(learning_rate)")
    assert not parse("trace(0.9)").needs_rate


NAMES = r"\(allowed: literals, none, learning_rate, absolute, .*optax\.trace\)\.$"


@pytest.mark.parametrize(
    "text, message",
    [
        ("rot(ema(0.9))", f"'rot' is not known, did you mean 'root'. {NAMES}"),
        ("optax.trac(0.9)", f"'optax.trac' is not known, did you mean 'optax.trace'. {NAMES}"),
        ("optax.chain()", f"'optax.chain' is not known.* {NAMES}"),
        ("__import__('os')", f"'__import__' is not known {NAMES}"),
        ("adam(0.1)", f"'adam' is not known.* {NAMES}"),
        ("pipeline()", f"'pipeline' is not known.* {NAMES}"),
        ("ema(0.9).init", f"an attribute was found, 'ema.0.9..init' {NAMES}"),
        ("os.system('true')", f"an attribute was found, 'os.system' {NAMES}"),
        ("ema.__globals__['os']", f"a subscript was found.* {NAMES}"),
        ("ema(0.9, of=lambda x: x)", f"a lambda was found.* {NAMES}"),
        ("[ema(x) for x in 1]", f"a comprehension was found.* {NAMES}"),
        ("ema(1 - 0.1)", f"an operator was found, '1 - 0.1' {NAMES}"),
        ("ema(-True)", f"an operator was found.* {NAMES}"),
        ("ema(not 1)", f"an operator was found.* {NAMES}"),
        ("ema(1 if 1 else 2)", f"a condition was found.* {NAMES}"),
        ("ema((0.9, square))", f"a tuple was found.* {NAMES}"),
        ("ema(())", f"a tuple was found.* {NAMES}"),
        ("ema((0.9, 0.8))", "fails: decay is .0.9, 0.8., but must be a number"),
        ("ema({'a': 1})", f"a dict was found.* {NAMES}"),
        ("ema(f'{1}')", f"a formatted string was found.* {NAMES}"),
        ("ema(1j)", f"a constant was found, '1j' {NAMES}"),
        ("ema(b'1')", f"a constant was found.* {NAMES}"),
        ("ema(...)", f"a constant was found.* {NAMES}"),
        ("ema(*[0.9])", f"unpacking was found.* {NAMES}"),
        ("ema(**{'decay': 0.9})", f"unpacking was found.* {NAMES}"),
        ("(lambda: 1)()", f"a call of something other than a name was found.* {NAMES}"),
        ("ema(0.9)(1)", f"a call of something other than a name was found.* {NAMES}"),
        ("(x := 1)", f"an assignment was found.* {NAMES}"),
        ("", "must be one expression"),
        ("ema(0.9", "must be one expression"),
        ("ema(0.9); ema(0.8)", "must be one expression"),
        ("x = 1", "must be one expression"),
        ("ema(0.9)\0", "must be one expression"),
        ("ema('\\d')", "must be one expression"),
        ("root(" * 150 + "emma(0.9)" + ")" * 150, "'emma' is not known|one expression|nested too deeply"),
        ("-" * 900 + "1", "one expression|nested too deeply|operator"),
        ("e" * 1001, "has 1001 characters, but may have 1000"),
        ("root", "root must be called, as in root"),
        ("square", "'square' is not a part that fits a slot"),
        ("0.9", "'0.9' is not a part that fits a slot"),
        ("leaf_sum(square)", "is not a part that fits a slot"),
        ("square(0.9)", "square is used as it is, not called"),
        ("euler(1, 2)", "euler is used as it is"),
        ("ema(none)", "none empties a slot and must stand alone"),
        ("ema(2)", "fails: decay is 2, but must be at least 0 and below 1"),
        ("ema(1e400)", "fails: decay is inf"),
        ("root(ema(0.9, of=square), epss=1)", "fails: .*epss is not an argument of root; did you mean eps"),
        ("root(3)", "fails: "),
        ("ema(0.9, eps=" + "9" * 400 + ")", "fails: "),
        ("root(ema(0.9), eps=" + "9" * 400 + ")", "fails: "),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(RaceError, match=message) as refused:
        parse(text)
    assert "\n" not in str(refused.value)


def test_allowed_names_make_or_are_parts_statistics_and_decays():
    makers = {name for name in allowed() if is_maker(name)}
    assert {"ema", "root", "serial", "leaf_sum", "growing_decay", "power_growth", "scale_by_ema", *OPTAX} <= makers
    statistics = {"absolute", "identity", "shorter_axis_sum", "square"}
    others = {"by_preconditioner", "eigh_root", "euler", "several_axes", "symmetric_splitting"}
    assert allowed().keys() - makers == statistics | others
    kinds = {name for name, value in allowed().items() if isinstance(value, type)}
    assert not any(issubclass(allowed()[name], Rule | optax.GradientTransformation) for name in kinds)
