// A browser may keep this page as it is and show it again on "back", also after its session has ended. It is hidden when
// it is left, and asked for again when it comes back.
addEventListener("pagehide", event => { if (event.persisted) document.documentElement.hidden = true; });
addEventListener("pageshow", event => { if (event.persisted) location.reload(); });
