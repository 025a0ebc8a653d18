/** What this browser remembers of how the user likes the page. */
import { create } from "zustand";

export type Theme = "system" | "light" | "dark";
export type Direction = "ltr" | "rtl";

interface Prefs {
  theme: Theme;
  dir: Direction;
  /** Single-key shortcuts can be turned off, since they get in the way of speech input. */
  shortcuts: boolean;
  interval: string;
  favourites: string[];
}

const KEY = "highwater.prefs";
const DEFAULTS: Prefs = { theme: "system", dir: "ltr", shortcuts: true, interval: "5m", favourites: [] };

function stored(): Partial<Prefs> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Prefs>;
  } catch {
    return {};
  }
}

export const usePrefs = create<Prefs>(() => ({ ...DEFAULTS, ...stored() }));

function show({ theme, dir }: Prefs): void {
  const root = document.documentElement;
  root.dir = dir;
  if (theme === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme;
}

usePrefs.subscribe((prefs) => {
  localStorage.setItem(KEY, JSON.stringify(prefs));
  show(prefs);
});
show(usePrefs.getState());

export function isDark(theme: Theme): boolean {
  return theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
}

export function toggleTheme(): void {
  const next = isDark(usePrefs.getState().theme) ? "light" : "dark";
  usePrefs.setState({ theme: next });
}

export function toggleFavourite(symbol: string): void {
  const { favourites } = usePrefs.getState();
  usePrefs.setState({ favourites: favourites.includes(symbol) ? favourites.filter((s) => s !== symbol) : [...favourites, symbol] });
}
