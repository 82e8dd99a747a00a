/* Links into folded pages, and printing: everything unfolded, in light colours. */
"use strict";

const unfold = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  let opened = false;
  for (let each = target && target.closest("details"); each; each = each.parentNode.closest("details")) {
    opened = opened || !each.open || each.hidden;
    Object.assign(each, { open: true, hidden: false });
  }
  if (opened) target.scrollIntoView({ behavior: "instant" });
};
addEventListener("hashchange", unfold);
addEventListener("DOMContentLoaded", unfold);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link && link.hash === location.hash) unfold();
});

const printing = {
  now: false,
  folded: [],
  begin() {
    if (printing.now) return;
    printing.now = true;
    printing.folded = [...document.querySelectorAll("details:is(.page, .family):not([open])")];
    for (const details of printing.folded) details.open = true;
    dispatchEvent(new Event("paper"));
  },
  end() {
    if (!printing.now) return;
    printing.now = false;
    for (const details of printing.folded) details.open = false;
    dispatchEvent(new Event("paper"));
  },
};
addEventListener("beforeprint", printing.begin);
addEventListener("afterprint", printing.end);
matchMedia("print").addEventListener("change", (media) => (media.matches ? printing.begin() : printing.end()));
