/* One filter for all: rows of tables, pages of optimizers, and what stands out in figures. */
"use strict";

const MOST_ROWS = 25;
const known = read("known").map(([number, name, family]) => ({ number, name, family, text: `${name} ${family}`.toLowerCase() }));
const families = new Map(known.map(({ name, family }) => [name, family]));

const matches = (typed, family) => {
  const terms = typed.toLowerCase().split(/[\s,]+/).filter(Boolean);
  return new Set(
    known
      .filter((each) => (!family || each.family === family) && (!terms.length || terms.some((term) => each.text.includes(term))))
      .map(({ name }) => name),
  );
};

/* A long table shows its first rows, or those that match. */
class Rows {
  constructor(table) {
    this.table = table;
    this.shown = null;
    this.all = false;
    const rows = [...table.tBodies[0].rows];
    this.named = rows.every((row) => families.has(this.name(row)));
    if (!this.named || rows.length <= MOST_ROWS) this.all = true;
    else {
      this.button = document.createElement("button");
      this.button.type = "button";
      this.button.className = "more";
      this.button.addEventListener("click", () => {
        this.all = !this.all;
        this.update();
      });
      table.parentNode.after(this.button);
    }
    table.addEventListener("sorted", () => this.update());
    this.update();
  }

  name(row) {
    return row.querySelector("th").textContent.trim();
  }

  update() {
    if (!this.named) return;
    let count = 0;
    const rows = [...this.table.tBodies[0].rows];
    for (const row of rows) {
      const fits = !this.shown || this.shown.has(this.name(row));
      count += fits;
      row.hidden = !printing.now && (!fits || (!this.all && !this.shown && count > MOST_ROWS));
    }
    if (!this.button) return;
    this.button.hidden = Boolean(this.shown);
    this.button.textContent = this.all ? `Show the first ${MOST_ROWS}` : `Show all ${rows.length}`;
  }
}

const tables = [...document.querySelectorAll("table.rows")].map((table) => new Rows(table));
addEventListener("paper", () => tables.forEach((table) => table.update()));

const bar = document.getElementById("filter");
if (bar) {
  const [box, choice] = [bar.querySelector("input"), bar.querySelector("select")];
  const output = bar.querySelector("output");
  const apply = () => {
    const active = Boolean(box.value.trim() || choice.value);
    const found = active ? matches(box.value, choice.value) : null;
    for (const table of tables) {
      table.shown = found;
      table.update();
    }
    for (const page of document.querySelectorAll("details.page")) page.hidden = active && !found.has(page.dataset.name);
    for (const family of document.querySelectorAll("details.family")) {
      const fitting = [...family.querySelectorAll("details.page")].filter((page) => !page.hidden);
      family.hidden = !fitting.length;
      family.open = active && fitting.length > 0;
    }
    const numbers = active ? new Set(known.filter(({ name }) => found.has(name)).map(({ number }) => number)) : null;
    for (const figure of figures) figure.choose(numbers);
    output.textContent = active ? `${found.size} of ${known.length}` : `${known.length} optimizers`;
  };
  let soon = 0;
  box.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(apply, 120);
  });
  choice.addEventListener("change", apply);
  bar.addEventListener("reset", () => setTimeout(apply));
  bar.addEventListener("submit", (event) => event.preventDefault());
  bar.hidden = false;
  apply();
}
