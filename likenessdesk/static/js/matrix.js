// The matrix editor by keyboard and mouse. Without this file it is a plain form that does the same.
(() => {
  "use strict";
  const form = document.querySelector("[data-matrix]");
  if (!form) return;
  const grid = form.querySelector("[role=grid]");
  const panel = form.querySelector("#panel");
  const shown = form.elements.panel;
  const why = form.querySelector("#panel-why");
  const above = form.querySelector("#panel-above");
  const title = form.querySelector("#panel-name");
  const silent = above.dataset.silent;
  const rows = [...grid.tBodies[0].rows].map((row) => [...row.cells].slice(1));
  const STANCES = { a: "allow", k: "ask", d: "deny", i: "" };
  const STRICTNESS = { "": 9, allow: 0, ask: 1, deny: 2 };
  const MOVES = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  const selectOf = (cell) => cell.querySelector("select");
  const heldOf = (cell) => cell.querySelector("input[type=hidden]");
  const cellOf = (key) => grid.querySelector(`td[data-key="${CSS.escape(key)}"]`);
  const ownFields = () => [...panel.querySelectorAll("[name^='scope-']")];

  form.classList.add("matrix-scripted");

  // One stop for Tab in the whole grid.
  const stops = () => rows.flat().forEach((cell) => {
    selectOf(cell).tabIndex = cell.dataset.key === shown.value ? 0 : -1;
    cell.querySelector("button").tabIndex = -1;
  });

  const sent = () => {
    const pairs = [...new FormData(form)].filter(([name, value]) => name.startsWith("scope-") && value);
    return new URLSearchParams(pairs).toString();
  };

  const keep = () => {
    const cell = cellOf(shown.value);
    heldOf(cell).value = sent();
    const said = new URLSearchParams(heldOf(cell).value);
    const codes = ["languages", "territories"].flatMap((name) =>
      (said.get(`scope-${name}`) || "").split(",").map((code) => code.trim().toUpperCase()).filter(Boolean));
    cell.querySelector("button").textContent = codes.length
      ? (codes.length > 2 ? `${codes.length}…` : codes.join(" "))
      : ([...said.values()].length ? "•" : "…");
  };

  // Why a stance can't be given, before the server says the same.
  const reason = (cell) => {
    const held = new URLSearchParams(heldOf(cell).value);
    const floor = held.has("scope-overrules_agency") ? cell.dataset.fixed : cell.dataset.floor;
    const stance = selectOf(cell).value;
    const looser = floor && stance && STRICTNESS[stance] < STRICTNESS[floor];
    return looser ? `${cell.dataset.name}: ${cell.dataset.above}` : "";
  };

  const judge = (cell) => {
    const said = reason(cell);
    const select = selectOf(cell);
    cell.dataset.stance = select.value;
    select.toggleAttribute("aria-invalid", Boolean(said));
    if (said) select.setAttribute("aria-invalid", "true");
    cell.toggleAttribute("data-looser", Boolean(said));
    if (cell.dataset.key === shown.value) why.textContent = said || cell.dataset.error || "";
  };

  const fill = (text) => {
    const said = new URLSearchParams(text);
    for (const field of ownFields()) {
      if (field.type === "checkbox") {
        field.checked = said.getAll(field.name).includes(field.value);
      } else {
        field.value = said.get(field.name) || "";
      }
    }
    panel.querySelectorAll(".errorlist").forEach((list) => list.remove());
  };

  const open = (cell) => {
    if (cell.dataset.key !== shown.value) {
      keep();
      cellOf(shown.value).removeAttribute("data-current");
      shown.value = cell.dataset.key;
      cell.setAttribute("data-current", "");
      title.textContent = cell.dataset.name;
      above.textContent = cell.dataset.above || silent;
      fill(heldOf(cell).value);
    }
    judge(cell);
    stops();
  };

  grid.addEventListener("focusin", (event) => {
    const cell = event.target.closest("td[data-key]");
    if (cell) open(cell);
  });
  grid.addEventListener("change", (event) => judge(event.target.closest("td")));
  grid.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=open]");
    if (!button) return;
    event.preventDefault();
    open(button.closest("td"));
    ownFields()[0].focus();
  });

  grid.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td[data-key]");
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const select = selectOf(cell);
    const row = rows.findIndex((cells) => cells.includes(cell));
    const column = rows[row].indexOf(cell);
    const ends = { Home: [row, 0], End: [row, rows[row].length - 1] };
    if (event.key in MOVES || event.key in ends) {
      const [down, right] = MOVES[event.key] || [0, 0];
      const [r, c] = ends[event.key] || [row + down, column + right];
      const next = rows[r] && rows[r][c];
      event.preventDefault();
      if (next) selectOf(next).focus();
    } else if (event.key in STANCES) {
      event.preventDefault();
      const wanted = [...select.options].find((option) => option.value === STANCES[event.key]);
      if (select.disabled) return;
      if (wanted.disabled) {
        why.textContent = `${cell.dataset.name}: ${cell.dataset.above}`;
      } else {
        select.value = wanted.value;
        judge(cell);
      }
    } else if (event.key === "Enter") {
      event.preventDefault();
      open(cell);
      ownFields()[0].focus();
    }
  });

  panel.addEventListener("input", (event) => {
    const list = event.target.name.replace(/^scope-/, "");
    const say = panel.querySelector(`[name="scope-${list}_say"]`);
    if (say && event.target.value && !say.value) say.value = "only";
    keep();
    judge(cellOf(shown.value));
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      selectOf(cellOf(shown.value)).focus();
    }
  });

  stops();
  rows.flat().forEach(judge);
})();
