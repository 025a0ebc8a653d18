/** Which dialog is open, and the single-key shortcuts. */
import { create } from "zustand";
import { usePrefs } from "./prefs";

export type DialogName = "symbols" | "shortcuts" | "keys" | "account" | "cancel-all";

export const useUi = create<{ dialog: DialogName | null }>(() => ({ dialog: null }));

export const open = (dialog: DialogName) => useUi.setState({ dialog });
export const closeDialog = () => useUi.setState({ dialog: null });

export interface Shortcut {
  key: string;
  does: string;
  run: () => void;
}

/** Listens for single keys outside of text fields and dialogs. The answer stops it. */
export function listenForShortcuts(shortcuts: readonly Shortcut[]): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || useUi.getState().dialog !== null) return;
    const target = event.target as HTMLElement;
    if (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName)) return;
    if (target instanceof HTMLInputElement && !/^(range|checkbox|radio|button)$/.test(target.type)) return;
    const shortcut = shortcuts.find(({ key }) => key === event.key);
    // The list itself stays reachable, so that the keys can be turned on again.
    if (!shortcut || (!usePrefs.getState().shortcuts && shortcut.key !== "?")) return;
    event.preventDefault();
    shortcut.run();
  };
  addEventListener("keydown", onKey);
  return () => removeEventListener("keydown", onKey);
}
