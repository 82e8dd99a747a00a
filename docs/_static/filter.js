// Filters the tables of the algorithms: a row stays if all words are in it, a family if one of its rows does.
document.addEventListener("DOMContentLoaded", () => {
  const field = document.getElementById("filter");
  if (!field) return;
  const families = [...document.querySelectorAll("section")].filter((one) => one.querySelector(":scope > div table, :scope > table"));
  const slots = (table) => [...table.querySelectorAll("th")].map((cell) => cell.textContent);
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const family of families) {
      const heads = slots(family.querySelector("table"));
      let left = 0;
      for (const row of family.querySelectorAll("tbody tr")) {
        const filled = [...row.cells].map((cell, n) => (cell.textContent.trim() ? `${heads[n]} ${cell.textContent}` : ""));
        const text = filled.join(" ").toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        left += !row.hidden;
      }
      family.hidden = left === 0;
    }
  };
  field.addEventListener("input", show);
});

// Filters the map: a row stays if it has what is chosen in every box, "+" anything and "-" nothing, a family if a row does.
document.addEventListener("DOMContentLoaded", () => {
  const boxes = [...document.querySelectorAll(".map-filter select")];
  if (!boxes.length) return;
  const said = document.querySelector(".map-count");
  const has = (row, { dataset: { filter }, value }) => {
    const parts = filter === "family" ? row.parentElement.dataset.family : row.getAttribute(`data-${filter}`);
    return value === "+" ? parts !== null : value === "-" ? parts === null : (parts ?? "").split(" ").includes(value);
  };
  const show = () => {
    const chosen = boxes.filter((box) => box.value);
    const left = new Set();
    for (const family of document.querySelectorAll(".map tbody")) {
      const rows = [...family.querySelectorAll("tr[data-name]")];
      for (const row of rows) {
        row.hidden = !chosen.every((box) => has(row, box));
        if (!row.hidden) left.add(row.dataset.name);
      }
      family.hidden = rows.every((row) => row.hidden);
    }
    for (const box of boxes) box.classList.toggle("chosen", box.value !== "");
    said.textContent = `${left.size} of ${said.dataset.all} algorithms`;
  };
  boxes.forEach((box) => box.addEventListener("change", show));
  show(); // browsers keep what was chosen when a page is read again
});
