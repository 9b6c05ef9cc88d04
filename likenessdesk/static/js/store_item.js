// Sends a file by parts, as tus 1.0 says. A part that was cut off is sent from where it arrived.
(() => {
  const form = document.querySelector("form[data-uploads]");
  const told = document.getElementById("how-far");
  const bar = document.getElementById("progress");
  const stop = document.getElementById("stop");
  const PART = 8 * 1024 * 1024;
  const headers = {
    "Tus-Resumable": "1.0.0",
    "X-CSRFToken": form.querySelector("[name=csrfmiddlewaretoken]").value,
  };
  let stopped = false;

  const encoded = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

  const metadata = () => {
    const fields = new Map();
    for (const [name, value] of new FormData(form)) {
      if (name === "csrfmiddlewaretoken" || typeof value !== "string") continue;
      fields.set(name, fields.has(name) ? `${fields.get(name)},${value}` : value);
    }
    return [...fields].map(([name, value]) => `${name} ${encoded(value)}`).join(",");
  };

  const refusal = async (answer) => {
    const said = await answer.json().catch(() => ({}));
    return said.detail || Object.values(said.errors || {}).flat().join(" ") || told.dataset.broken;
  };

  const begin = async (file) => {
    const answer = await fetch(form.dataset.uploads, {
      method: "POST",
      headers: { ...headers, "Upload-Length": file.size, "Upload-Metadata": metadata() },
    });
    if (answer.status !== 201) throw new Error(await refusal(answer));
    form.dataset.upload = answer.headers.get("Location");
    form.dataset.size = file.size;
  };

  const send = async (file) => {
    const at = await fetch(form.dataset.upload, { method: "HEAD", headers });
    if (!at.ok) throw new Error(told.dataset.broken);
    let offset = Number(at.headers.get("Upload-Offset"));
    while (offset < file.size && !stopped) {
      const answer = await fetch(form.dataset.upload, {
        method: "PATCH",
        headers: {
          ...headers,
          "Upload-Offset": offset,
          "Content-Type": "application/offset+octet-stream",
        },
        body: file.slice(offset, offset + PART),
      });
      if (answer.status !== 204) throw new Error(await refusal(answer));
      offset = Number(answer.headers.get("Upload-Offset"));
      bar.value = offset / file.size;
      told.textContent = `${Math.floor((100 * offset) / file.size)} %`;
    }
    return offset === file.size;
  };

  stop.addEventListener("click", () => {
    stopped = true;
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const file = document.getElementById("id_file").files[0];
    if (!file) return;
    if (form.dataset.size && Number(form.dataset.size) !== file.size) {
      told.textContent = told.dataset.other;
      return;
    }
    stopped = false;
    bar.hidden = stop.hidden = false;
    try {
      if (!form.dataset.upload) await begin(file);
      const done = await send(file);
      told.textContent = done ? told.dataset.done : told.dataset.stopped;
      if (done) window.location = form.dataset.items;
    } catch (error) {
      told.textContent = error.message || told.dataset.broken;
    } finally {
      stop.hidden = true;
    }
  });
})();
