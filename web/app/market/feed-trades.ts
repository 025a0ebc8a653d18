/** The tape: the latest trades of one symbol. */
import type { Fixed } from "../lib/decimal";

export interface TapeTrade {
  id: number;
  price: Fixed;
  qty: Fixed;
  time: number;
  /** The side of the order that came last and took. */
  aggressor: "BUY" | "SELL";
}

/** Newest first, each trade once. */
export function mergeTrades(have: readonly TapeTrade[], more: readonly TapeTrade[], keep: number): TapeTrade[] {
  if (more.length === 1 && more[0]!.id > (have[0]?.id ?? -1)) return [more[0]!, ...have.slice(0, keep - 1)];
  const byId = new Map<number, TapeTrade>();
  for (const trade of have) byId.set(trade.id, trade);
  for (const trade of more) byId.set(trade.id, trade);
  return [...byId.values()].sort((x, y) => y.id - x.id).slice(0, keep);
}
