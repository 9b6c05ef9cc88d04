// The wizard looks at what is chosen while one chooses. Without this file a button does that.
(() => {
  "use strict";
  const form = document.querySelector("[data-wizard]");
  if (!form) return;
  const wrong = document.getElementById("wizard-wrong");
  if (wrong) wrong.focus();
  if (!form.querySelector("[name=look]")) return;
  form.classList.add("wizard-scripted");
  const PARTS = ["wizard-words", "wizard-comes-to"];
  let asked = 0;
  let waits = 0;

  const look = async () => {
    const mine = ++asked;
    const sent = new FormData(form);
    sent.set("look", "1");
    const answer = await fetch(location.href, { method: "POST", body: sent });
    if (!answer.ok || mine !== asked) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const name of PARTS) {
      const [old, fresh] = [document.getElementById(name), page.getElementById(name)];
      if (old && fresh) old.replaceChildren(...fresh.childNodes);
    }
    for (const cell of form.querySelectorAll("[name=cells]")) {
      const fresh = page.getElementById(cell.id);
      const [was, is] = [cell, fresh].map((one) => one && one.closest("td").querySelector(".wizard-where"));
      if (was) was.remove();
      if (is) cell.closest("td").querySelector("label").after(is);
    }
  };

  form.addEventListener("input", () => {
    clearTimeout(waits);
    waits = setTimeout(look, 300);
  });
})();
