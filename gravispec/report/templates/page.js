// Tables sort by the heading that is clicked or entered; tips stand below their heading; print opens details but the bulky ones.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const empty = (text) => (text === "" ? 1 : 0);
      const compare = (a, b) => head.classList.contains("number") ? a - b : a.localeCompare(b);
      const rows = [...table.tBodies[0].rows].map((row) => [value(row), row]);
      rows.sort(([a], [b]) => empty(a) - empty(b) || (down ? -1 : 1) * compare(a, b));
      table.tBodies[0].append(...rows.map(([, row]) => row));
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    });
    const place = () => {
      const box = head.getBoundingClientRect(), tip = head.querySelector(".tip");
      tip.style.left = `${Math.max(4, Math.min(box.left, innerWidth - 360))}px`;
      tip.style.top = `${box.bottom + 2}px`;
    };
    head.addEventListener("pointerenter", place);
    head.addEventListener("focusin", place);
  });
}
addEventListener("keydown", (event) => { if (event.key === "Escape") document.activeElement.blur(); });
const closed = [];
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details:not([open], .bulky)")) { one.open = true; closed.push(one); }
});
addEventListener("afterprint", () => { while (closed.length) closed.pop().open = false; });
