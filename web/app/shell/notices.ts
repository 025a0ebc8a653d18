/** Short notices at the edge of the page: what was done, what was refused and why. */
import { create } from "zustand";

export interface Notice {
  id: number;
  kind: "good" | "bad" | "info";
  title: string;
  text: string;
  fine: string;
}

const SHOWN_MS = { good: 5000, info: 6000, bad: 12_000 };
let nextId = 1;

export const useNotices = create<{ list: Notice[] }>(() => ({ list: [] }));

export function notify(kind: Notice["kind"], title: string, text = "", fine = ""): void {
  const id = nextId++;
  useNotices.setState(({ list }) => ({ list: [...list.slice(-3), { id, kind, title, text, fine }] }));
  setTimeout(() => dismiss(id), SHOWN_MS[kind]);
}

export function dismiss(id: number): void {
  useNotices.setState(({ list }) => ({ list: list.filter((notice) => notice.id !== id) }));
}
