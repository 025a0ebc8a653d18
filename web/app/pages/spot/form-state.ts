/** What stands in the order form. The book, the balances and the shortcuts write into it too. */
import { create } from "zustand";
import { divFloor, type Fixed, floorTo, mulCeil, mulFloor, parse, toText } from "../../lib/decimal";
import type { Draft, OrderType, Side } from "../../lib/order";
import { useFeed } from "../../market/feed";
import { useMarket } from "../../market/store";

interface FormState extends Draft {
  percent: number;
  /** The user has typed a price: the form stops following the market. */
  ownPrice: boolean;
  /** Problems are shown once the user has tried to send or left a field. */
  checked: boolean;
  /** What the exchange said to the last attempt. */
  refusal: { text: string; fine: string } | null;
}

const EMPTY: Omit<FormState, "side" | "type" | "tif" | "byTotal"> = { price: "", qty: "", total: "", percent: 0, ownPrice: false, checked: false, refusal: null };

export const useForm = create<FormState>(() => ({ ...EMPTY, side: "BUY", type: "LIMIT", tif: "GTC", byTotal: false }));

function step(): Fixed {
  const { symbols, symbol } = useMarket.getState();
  return symbols.get(symbol)?.qty.step ?? 1n;
}

/** Commas are taken as points, and what can never be part of a number is dropped. */
export function clean(text: string): string {
  return text.replaceAll(",", ".").replace(/[^\d.]/g, "");
}

export function setSide(side: Side): void {
  useForm.setState({ side, percent: 0, refusal: null, checked: false });
  if (!useForm.getState().ownPrice) useForm.setState({ price: "" });
}

export function setType(type: OrderType): void {
  useForm.setState({ type, percent: 0, refusal: null, checked: false });
}

export function setPrice(text: string, own = true): void {
  const price = clean(text);
  useForm.setState({ price, ownPrice: own, refusal: null, total: totalOf(price, useForm.getState().qty) });
}

export function setQty(text: string, percent = 0): void {
  const qty = clean(text);
  useForm.setState({ qty, percent, refusal: null, total: totalOf(useForm.getState().price, qty) });
}

export function setTotal(text: string, percent = 0): void {
  const total = clean(text);
  const { type, price } = useForm.getState();
  if (type === "MARKET") return useForm.setState({ total, percent, refusal: null });
  const p = parse(price);
  const t = parse(total);
  const qty = p === null || t === null || p <= 0n ? "" : toText(floorTo(divFloor(t, p), step()));
  useForm.setState({ total, qty, percent, refusal: null });
}

/** One tick up or down. */
export function stepPrice(direction: 1n | -1n, times: bigint): void {
  const { symbols, symbol } = useMarket.getState();
  const tick = symbols.get(symbol)?.price.step ?? 0n;
  const price = parse(useForm.getState().price);
  if (tick === 0n || price === null) return;
  const next = floorTo(price, tick) + direction * times * tick;
  if (next > 0n) setPrice(toText(next));
}

/** Clears what was sent, but keeps side, type and price. */
export function afterSent(): void {
  useForm.setState({ qty: "", total: "", percent: 0, checked: false, refusal: null });
}

function totalOf(price: string, qty: string): string {
  const p = parse(price);
  const q = parse(qty);
  if (p === null || q === null || p <= 0n || q <= 0n) return "";
  return toText(useForm.getState().side === "BUY" ? mulCeil(p, q) : mulFloor(p, q));
}

/** Fills in the touch as price until the user gives one of their own. */
export function followMarket(): () => void {
  return useFeed.subscribe(({ bids, asks }) => {
    const { price, side, ownPrice } = useForm.getState();
    if (price !== "" || ownPrice) return;
    const touch = side === "BUY" ? bids[0] : asks[0];
    if (touch) setPrice(toText(touch[0]), false);
  });
}

useMarket.subscribe((state, before) => {
  if (state.symbol !== before.symbol) useForm.setState({ ...EMPTY });
});
