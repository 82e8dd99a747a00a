"""`optax-zoo show NAME --tree TREE`: which leaf goes where, why, and as what it is seen."""

import jax
import jax.numpy as jnp
import pytest

import optax_zoo as zoo
from optax_zoo import cli
from optax_zoo.placement import Placement, folded, placements


def shown(capsys, *arguments, columns=200):
    """What is printed, in lines without blanks at their ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        assert cli.main(["show", *arguments]) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_muon_on_gpt2(capsys):
    lines = shown(capsys, "muon", "--tree", "gpt2-small", "--but", "token_embedding, position_embedding")
    assert "matrices 48 84,934,656 68.3% 324.0 MiB 4" in lines
    assert "rest 98 39,503,616 31.7% 301.4 MiB 8" in lines
    assert "all 146 124,438,272 100.0% 625.4 MiB 5.27" in lines
    assert "block00..11/attention/kernel 12 768 2304 2 axes 768 x 2304" in lines
    assert "block00..11/attention_norm/{bias,scale} 24 768 1 axis" in lines
    assert "token_embedding 1 50257 768 named token_embedding" in lines
    assert "rescale as seen above serial(orthogonalize=orthogonalize(), shape=scale_by_shape())" in lines
    assert "rest numerator all alike debiased(ema(0.9))" in lines
    assert lines.index("Leaves of matrices") < lines.index("Leaves of rest")


def test_scanned_layers_heads_and_convolutions(capsys):
    rules = ("--but", "embedding,head,bias,scale", "--stacked", "layers", "--outputs", "query,key,value")
    lines = shown(capsys, "muon", "--tree", "clip-b32", *rules)
    kernels = "text/layers/attention/{key,query,value}/kernel 3 12 512 8 64 3 axes + layers 12 of 512 x 512"
    assert kernels in lines and "vision/patches/kernel 1 32 32 3 768 4 axes 3072 x 768" in lines
    assert "text/layers/attention/out/kernel 1 12 8 64 512 3 axes + layers 12 of 512 x 512" in lines
    assert "logit_scale 1 () 0 axes" in lines


def test_rows_without_sides_say_what_parts_see(capsys):
    lines = shown(capsys, "soap", "--tree", "gpt2-small")
    assert "token_embedding 1 50257 768 factors of 768, none of 50257" in lines
    assert "block00..11/attention/bias 12 2304 no factors" in lines
    assert "basis as seen above eigenbasis()" in lines and "numerator all alike debiased(ema(0.95))" in lines
    lines = shown(capsys, "adafactor", "--tree", "resnet50")
    assert "head/kernel 1 2048 1000 rows 2048, columns 1000" in lines and "head/bias 1 1000 not factored" in lines


def test_what_treats_all_leaves_alike_and_what_is_not_made_of_parts(capsys):
    lines = shown(capsys, "adam", "--tree", "thousand-leaves")
    assert "w000..999 1,000 64 64" in lines and "all 1,000 4,096,000 100.0% 31.3 MiB 8" in lines
    assert not any("as seen above" in line for line in lines)
    lines = shown(capsys, "optax.adam", "--tree", "one-16m")
    assert "It is not made of parts, so how it sees leaves cannot be known." in lines


def test_groups_of_weight_decay_and_of_layers(capsys):
    embeddings = "token_embedding,position_embedding"
    lines = shown(capsys, "adamw", "--tree", "gpt2-small", "--no-decay", embeddings, "--layer-decay", "0.75")
    assert "leaf x shape decay rate" in lines
    assert "block00..11/attention/kernel 12 768 2304 yes 0.0317..0.75" in lines
    assert "block00..11/attention_norm/{bias,scale} 24 768 no 0.0317..0.75" in lines
    assert "token_embedding 1 50257 768 no 0.0238" in lines
    assert f"decay as seen above decoupled_decay(0.01, {zoo.decay_mask(tuple(embeddings.split(',')))})" in lines
    lines = shown(capsys, "adamw", "--tree", "clip-b32", "--stacked", "layers", "--no-decay")
    assert "text/layers/mlp/up/kernel 1 12 512 2048 yes" in lines and "text/layers/mlp/up/bias 1 12 2048 no" in lines
    rules = ("--layer-decay", "0.5", "--layers", "block", "--last", "fc")
    lines = shown(capsys, "optax.sgd", "--tree", "test_show_tree:numbers", *rules)
    assert "block0..1 2 3 0.25..0.5" in lines and "fc1..2 2 3 1" in lines


def numbers():
    return {name: jax.ShapeDtypeStruct((3,), jnp.float32) for name in ("block0", "block1", "fc1", "fc2")}


@pytest.mark.parametrize("tree", ["gpt2-small", "clip-b32"])
def test_it_fits_a_terminal(capsys, tree):
    lines = shown(capsys, "muon", "--tree", tree, columns=80)
    assert max(map(len, lines)) <= 80 and len(lines) < 90 and not any("…" in line for line in lines)


@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_every_row_is_shown(name):
    known = zoo.describe(name)
    tree = {"w": jnp.ones((4, 3)), "b": jnp.ones(3)}
    assert len(placements(known.factory(**known.example), tree)) == 2


def own():
    return {"w": jax.ShapeDtypeStruct((3, 4), jnp.float32)}


def broken():
    return zoo.muon(by=lambda path, leaf: "other")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("muon", "--tree", "gpt2"), "tree is 'gpt2', but must be one-16m, gpt2-small"),
        (("moun", "--tree", "gpt2-small"), "Did you mean 'muon'?"),
        (("adam", "--tree", "1b", "--but", "head"), "but is for optimizers that take by=, but adam does not."),
        (("adam", "--tree", "1b", "--outputs", "q"), "outputs is for optimizers that take outputs=, but adam does"),
        (("adam", "--tree", "1b", "--no-decay"), "no-decay is for optimizers that decay weights, but adam by default"),
        (("optax.adamw", "--tree", "1b", "--no-decay"), "no-decay is for optimizers that take weight_decay_mask="),
        (("adam", "--tree", "1b", "--layer-decay", "2"), "layer-decay is 2.0, but must be above 0 and at most 1"),
        (("adam", "--tree", "1b", "--first", "x"), "first is about layers: give the factor of their rates by layer-"),
        (("adam", "--layer-decay", "0.5"), "--layer-decay is about the leaves of a tree: name one by --tree."),
        (("muon", "--but", "head"), "--but is about the leaves of a tree: name one by --tree."),
        (
            ("test_show_tree:broken", "--tree", "test_show_tree:own"),
            "fails on test_show_tree:own: ValueError: by",
        ),
    ],
)
def test_wrong_input_is_one_line(capsys, arguments, message):
    assert cli.main(["show", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and message in captured.err


def test_a_tree_of_a_users_own(capsys):
    assert "w 1 3 4 2 axes 3 x 4" in shown(capsys, "muon", "--tree", "test_show_tree:own")


def test_routes_in_routes_and_in_parts():
    def by(path, leaf):
        return "wide" if leaf.shape[-1] > 4 else "narrow"

    inner = zoo.route(wide=zoo.sgd(0.1), narrow=zoo.soap(), by=by)
    tx = zoo.sam(zoo.route(matrices=inner, rest=zoo.sgd(0.1)))
    found = placements(tx, {"a": jnp.ones((3, 9)), "b": jnp.ones((3, 4)), "c": jnp.ones(3)})
    name = "test_routes_in_routes_and_in_parts(...)"
    assert found == [
        Placement("matrices/wide", f"2 axes, by {name}"),
        Placement("matrices/narrow", f"2 axes, by {name}", ("factors of 3, 4",)),
        Placement("rest", "1 axis"),
    ]


def test_equal_leaves_are_folded():
    leaf = jnp.ones(3)
    layers = [{"w": leaf, "v": leaf}, {"w": leaf, "v": leaf}, {"w": leaf, "v": jnp.ones(4)}]
    tree = {"layers": layers, "ends": {"9": leaf, "1": leaf, "5": leaf}}
    lines = folded(tree, [Placement()] * len(jax.tree.leaves(tree)))
    found = {line.path: (line.count, line.shape) for line in lines}
    assert found == {
        "ends/1,5,9": (3, (3,)),
        "layers/0..1/v": (2, (3,)),
        "layers/0..2/w": (3, (3,)),
        "layers/2/v": (1, (4,)),
    }
