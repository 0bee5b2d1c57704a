/* Light or dark before the first paint (a classic script in the head, so that nothing flashes), and the button that
   switches. The choice is remembered in this browser; without one the page follows the system. */
(() => {
  "use strict";
  const KEY = "curator.theme";
  const root = document.documentElement;

  const remembered = () => {
    try { return localStorage.getItem(KEY); } catch { return null; } // storage may be forbidden: follow the system
  };
  const choice = remembered();
  if (choice === "light" || choice === "dark") root.dataset.theme = choice;

  const shown = () =>
    root.dataset.theme || (window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    root.dataset.theme = shown() === "dark" ? "light" : "dark";
    try { localStorage.setItem(KEY, root.dataset.theme); } catch { /* the choice lasts for this page */ }
    document.dispatchEvent(new CustomEvent("themechange"));
  });
})();
