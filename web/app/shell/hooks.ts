import { useEffect, useState, useSyncExternalStore } from "react";
import { isDark, usePrefs } from "./prefs";

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const list = matchMedia(query);
      list.addEventListener("change", changed);
      return () => list.removeEventListener("change", changed);
    },
    () => matchMedia(query).matches,
  );
}

/** One column: telephones and narrow windows. */
export const useNarrow = () => useMedia("(max-width: 767.98px)");

export function useDark(): boolean {
  const theme = usePrefs((prefs) => prefs.theme);
  useMedia("(prefers-color-scheme: dark)");
  return isDark(theme);
}

/** The size of an element's content box, followed. */
export function useHeight(ref: React.RefObject<HTMLElement | null>): number {
  const [height, setHeight] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setHeight(entry?.contentRect.height ?? 0));
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return height;
}
