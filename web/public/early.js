// Before the first paint: the theme and the direction that this browser remembers.
try {
  const prefs = JSON.parse(localStorage.getItem("highwater.prefs") || "{}");
  if (prefs.theme === "light" || prefs.theme === "dark") document.documentElement.dataset.theme = prefs.theme;
  if (prefs.dir === "rtl") document.documentElement.dir = "rtl";
} catch {
  // Nothing remembered, or storage is off: the page follows the system.
}
