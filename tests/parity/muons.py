"""What pytorch_optimizer's forms of Muon have in common; hyperparameters that a case lacks have their default there."""

from typing import Any

from sources import ascending, on_each_side

import optax_zoo as zoo

SCHEDULES = {  # the coefficients that pytorch_optimizer has names for
    "original": (3.4445, -4.7750, 2.0315),
    "quintic": (
        (4.0848, -6.8946, 2.9270),
        (3.9505, -6.3029, 2.6377),
        (3.7418, -5.5913, 2.3037),
        (2.8769, -3.1427, 1.2046),
        (2.8366, -3.0525, 1.2012),
    ),
    "polar_express": (
        (8.237312490495555, -23.157747414558198, 16.680568411445915),
        (4.082441999064835, -2.893047735332586, 0.5252849256975648),
        (3.9263479922546582, -2.8547468034765298, 0.5318022422894988),
        (3.2982187133085143, -2.424541981026706, 0.48632008358844075),
        (2.2970369434552573, -1.63662558125903, 0.4002628455953627),
        (1.8763805351440397, -1.2347896577722228, 0.35891887501668385),
        (1.8564423485617974, -1.2132449880935525, 0.3568003487825883),
        (1.8749994008682747, -1.2499988017229169, 0.3749994008546422),
    ),
    "polar_express_safer": (
        (8.156554524902461, -22.48329292557795, 15.878769915207462),
        (4.0429299351667245, -2.808917465908704, 0.5000178451051299),
        (3.8916678022926563, -2.7724841532176825, 0.5060648178503389),
        (3.285753657755658, -2.3681294933425394, 0.46449024233003117),
        (2.3005307116270983, -1.6111665557258408, 0.3833374427545273),
        (1.8631210546382593, -1.2042160621002727, 0.3421879560523383),
        (1.8382572152247512, -1.1779263289537742, 0.3396513038637379),
        (1.8749999923301852, -1.2499999836060613, 0.374999991275876),
    ),
}


def options(h: dict[str, Any]) -> dict[str, Any]:
    """Of `muon` and `normuon`."""
    coefficients = h.get("ns_coeffs", "original")
    return {
        "nesterov": h.get("nesterov", True),
        "ns_steps": h.get("ns_steps", 5),
        "ns_coefficients": SCHEDULES[coefficients]
        if isinstance(coefficients, str)
        else tuple(map(tuple, coefficients)),
        "shape_factor": "rms" if h.get("use_adjusted_lr", False) else "spectral",
        "weight_decay": h.get("weight_decay", 0.0),
        "rest": zoo.adamw(
            h.get("adamw_lr", 3e-4),
            *h.get("adamw_betas", (0.9, 0.95)),
            eps=h.get("adamw_eps", 1e-10),
            weight_decay=h.get("adamw_wd", 0.0),
        ),
        "outputs": "first",
    }


def with_common(tx: zoo.Route, h: dict[str, Any]) -> zoo.Route:
    """With `weight_decouple` and `maximize`, on both sides."""
    if not h.get("weight_decouple", True):
        decays = {"matrices": h.get("weight_decay", 0.0), "rest": h.get("adamw_wd", 0.0)}
        tx = tx.replace(**{name: {"gradient": zoo.coupled_decay(w), "decay": None} for name, w in decays.items() if w})
    return on_each_side(tx, lambda side: ascending(side, h))
