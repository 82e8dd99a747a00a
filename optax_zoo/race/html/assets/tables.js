/* Tables that sort by a click on a heading, or Enter or Space: first ascending, then descending. */
"use strict";

const sortTable = (table, column, heading) => {
  const descending = heading.getAttribute("aria-sort") === "ascending";
  const numeric = heading.classList.contains("number");
  const body = table.tBodies[0];
  const value = (row) => row.cells[column].dataset.value;
  const compare = (a, b) => (numeric ? a - b : a.localeCompare(b, undefined, { numeric: true }));
  const rows = [...body.rows].sort((first, second) => {
    const [a, b] = [value(first), value(second)];
    if (a === "" || b === "") return (a === "") - (b === "");
    return descending ? compare(b, a) : compare(a, b);
  });
  for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  body.append(...rows);
  table.dispatchEvent(new Event("sorted"));
  const name = heading.firstElementChild.firstChild.textContent.trim();
  document.getElementById("status").textContent = `sorted by ${name}, ${heading.getAttribute("aria-sort")}`;
};

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    heading.firstElementChild.addEventListener("click", () => sortTable(table, column, heading));
  });
}
