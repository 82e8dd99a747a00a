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
