// The list of a page's keys, opened by ? or a link to it. Keys pressed alone can be switched off:
// those who speak to their computer would press them without meaning to.
(() => {
  "use strict";
  const OFF = "keys-alone-off";
  const isText = (place) => place.matches("textarea, input:not([type=checkbox], [type=radio])");
  const open = () => {
    const list = document.getElementById("keys");
    for (const line of list.querySelectorAll("[data-needs]")) {
      line.hidden = !document.querySelector(line.dataset.needs);
    }
    list.querySelector("[data-alone]").checked = !localStorage.getItem(OFF);
    if (!list.open) list.showModal();
  };

  // Before the theme's own listeners, so that switched off is off for them too.
  window.addEventListener("keydown", (event) => {
    const alone = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!alone || !["?", "/"].includes(event.key) || isText(event.target)) return;
    if (localStorage.getItem(OFF)) {
      event.stopImmediatePropagation();
      return;
    }
    const place = event.key === "?" ? null : document.querySelector("[aria-keyshortcuts='/']");
    if (event.key === "?") open();
    else if (place) place.focus();
    else return;
    event.preventDefault();
  }, true);

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("a[href='#keys']").forEach((link) => { link.hidden = false; });
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("a[href='#keys']")) return;
    event.preventDefault();
    open();
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-alone]")) return;
    if (event.target.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
})();
