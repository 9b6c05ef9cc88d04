// Names the theme's searchable choices after their labels: select2 names them after their value
// alone, so that they have no name as long as nothing is chosen.
(() => {
  const name = (root) => {
    for (const select of root.querySelectorAll("select.select2-hidden-accessible")) {
      const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
      if (!label) continue;
      label.id ||= `${select.id}-label`;
      const parts = "[role=combobox], [role=textbox], input";
      for (const part of select.nextElementSibling.querySelectorAll(parts)) {
        const value = part.getAttribute("aria-labelledby") || "";
        part.setAttribute("aria-labelledby", `${label.id} ${value}`.trim());
      }
    }
  };
  // jQuery keeps its order: whatever was to be drawn on the page or in a new row is drawn by then.
  const whenDrawn = (root) => window.django?.jQuery?.(() => name(root));
  window.addEventListener("load", () => whenDrawn(document));
  document.addEventListener("formset:added", (event) => whenDrawn(event.target));
})();
