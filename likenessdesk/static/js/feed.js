// The feed of uses: quiet while nobody looks, and counted aloud for those who listen.
(() => {
  const rows = document.getElementById("use-rows");
  const status = document.getElementById("feed-status");
  if (!rows || !status) return;
  document.addEventListener("htmx:before:request", (event) => {
    if (document.hidden && event.target.id === "feed") event.preventDefault();
  });
  new MutationObserver((changes) => {
    const fresh = changes
      .flatMap((change) => [...change.addedNodes])
      .filter((node) => node.nodeType === Node.ELEMENT_NODE && "fresh" in node.dataset).length;
    if (fresh) status.textContent = status.dataset.said.replace("%", fresh);
  }).observe(rows, { childList: true });
})();
