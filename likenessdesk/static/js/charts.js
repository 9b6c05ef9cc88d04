// Draws each chart from the specification beside it; its table says the same without it.
for (const place of document.querySelectorAll("[data-chart]")) {
  const spec = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  vegaEmbed(place, spec, { ast: true, actions: false, renderer: "svg" });
}
