// The feed of uses: quiet while nobody looks, and counted aloud for those who listen.
(() => {
  document.addEventListener("htmx:before:request", (event) => {
    if (document.hidden && event.target.id === "feed") event.preventDefault();
  });
  // A choice of month or twin puts another list in the place of the first, so all of it is watched.
  new MutationObserver((changes) => {
    const fresh = changes
      .flatMap((change) => [...change.addedNodes])
      .filter((node) => node.nodeType === Node.ELEMENT_NODE && "fresh" in node.dataset).length;
    const status = document.getElementById("feed-status");
    if (fresh && status) status.textContent = status.dataset.said.replace("%", fresh);
  }).observe(document.body, { childList: true, subtree: true });
})();
