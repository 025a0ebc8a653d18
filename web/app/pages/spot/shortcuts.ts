import type { OrderType, Side } from "../../lib/order";
import { toggleTheme } from "../../shell/prefs";
import { open, type Shortcut } from "../../shell/ui";
import { setSide, setType } from "./form-state";

function goTo(side: Side): void {
  setSide(side);
  focusForm();
}

function choose(type: OrderType): void {
  setType(type);
  focusForm();
}

function focusForm(): void {
  requestAnimationFrame(() => document.querySelector<HTMLInputElement>("#order-qty, #order-total")?.focus());
}

function show(id: string): void {
  document.querySelector<HTMLElement>(`[data-tab="${id}"]`)?.click();
}

export const shortcuts: readonly Shortcut[] = [
  { key: "/", does: "Find a market", run: () => open("symbols") },
  { key: "b", does: "Buy: go to the order form", run: () => goTo("BUY") },
  { key: "s", does: "Sell: go to the order form", run: () => goTo("SELL") },
  { key: "l", does: "Limit order", run: () => choose("LIMIT") },
  { key: "m", does: "Market order", run: () => choose("MARKET") },
  { key: "p", does: "Post-only order", run: () => choose("LIMIT_MAKER") },
  { key: "o", does: "Show open orders", run: () => show("open") },
  { key: "h", does: "Show order history", run: () => show("history") },
  { key: "c", does: "Cancel open orders", run: () => open("cancel-all") },
  { key: "t", does: "Light or dark colours", run: toggleTheme },
  { key: "?", does: "This list", run: () => open("shortcuts") },
];
