// A browser may keep this page in its back/forward cache and show it again after its session has ended. So the page is
// hidden when the user leaves it, and reloaded when the browser shows it again.
addEventListener("pagehide", event => { if (event.persisted) document.documentElement.hidden = true; });
addEventListener("pageshow", event => { if (event.persisted) location.reload(); });
