/**
 * The order a form describes: what it would send, and what the symbol's filters would say to it.
 * The exchange checks everything again; this only saves a round trip and explains in plain words.
 */
import { ceilTo, divFloor, type Fixed, floorTo, isMultiple, min, mulCeil, mulFloor, nearest, parse, toText } from "./decimal";
import { amount, group } from "./format";
import type { Grid, SymbolInfo } from "./symbols";

export type Side = "BUY" | "SELL";
export type OrderType = "LIMIT" | "MARKET" | "LIMIT_MAKER";
export type TimeInForce = "GTC" | "IOC" | "FOK";

export interface Draft {
  side: Side;
  type: OrderType;
  tif: TimeInForce;
  /** As typed. */
  price: string;
  qty: string;
  total: string;
  /** MARKET only: the user gives a total in the quote asset instead of a quantity. */
  byTotal: boolean;
}

export interface MarketView {
  bestBid: Fixed | null;
  bestAsk: Fixed | null;
  last: Fixed | null;
  free: Fixed | null;
  openOrders: number;
}

export type Field = "price" | "qty" | "total";

export interface Problem {
  field: Field | null;
  text: string;
  /** A value for the field that would pass. */
  fix?: string;
  /** A remark that does not stop the order. */
  mild?: boolean;
}

export function checkOrder(draft: Draft, info: SymbolInfo, view: MarketView): Problem[] {
  if (info.status !== "TRADING") {
    return [{ field: null, text: `${info.symbol} is not open for orders now (status ${info.status}).` }];
  }
  const problems: Problem[] = [];
  if (info.maxOrders > 0 && view.openOrders >= info.maxOrders && draft.type !== "MARKET") {
    problems.push({ field: null, text: `You have ${view.openOrders} open orders here; the limit is ${info.maxOrders}. Cancel one first.` });
  }
  if (draft.type === "MARKET") {
    checkMarket(draft, info, view, problems);
  } else {
    checkLimit(draft, info, view, problems);
  }
  return problems;
}

function checkLimit(draft: Draft, info: SymbolInfo, view: MarketView, problems: Problem[]): void {
  const price = readField(draft.price, "price", "Price", problems);
  const qty = readField(draft.qty, "qty", "Quantity", problems);
  if (price !== null) checkGrid(price, info.price, "price", "Price", info.quote, problems);
  if (qty !== null) checkGrid(qty, info.qty, "qty", "Quantity", info.base, problems);
  if (price !== null) checkPercent(price, draft.side, info, view, problems);
  if (price !== null && draft.type === "LIMIT_MAKER") checkPostOnly(price, draft.side, view, problems);
  if (price !== null && draft.type === "LIMIT") remarkFarPrice(price, draft.side, view, problems);
  if (price === null || qty === null) return;
  const notional = mulFloor(price, qty);
  checkNotional(notional, info, true, true, "qty", () => toText(ceilTo(divFloor(info.minNotional, price) + 1n, info.qty.step)), problems);
  const cost = draft.side === "BUY" ? mulCeil(price, qty) : qty;
  checkFree(cost, draft.side, info, view, "qty", problems);
}

function checkMarket(draft: Draft, info: SymbolInfo, view: MarketView, problems: Problem[]): void {
  const reference = view.last ?? view.bestAsk ?? view.bestBid;
  if (draft.byTotal) {
    const total = readField(draft.total, "total", "Total", problems);
    if (total === null) return;
    checkNotional(total, info, info.minNotionalOnMarket, info.maxNotionalOnMarket, "total", () => toText(info.minNotional), problems);
    if (draft.side === "BUY") checkFree(total, "BUY", info, view, "total", problems);
    return;
  }
  const qty = readField(draft.qty, "qty", "Quantity", problems);
  if (qty === null) return;
  checkGrid(qty, info.qty, "qty", "Quantity", info.base, problems);
  checkGrid(qty, info.marketQty, "qty", "Quantity of a market order", info.base, problems);
  if (reference !== null) {
    const fix = () => toText(ceilTo(divFloor(info.minNotional, reference) + 1n, info.qty.step));
    checkNotional(mulFloor(reference, qty), info, info.minNotionalOnMarket, info.maxNotionalOnMarket, "qty", fix, problems);
  }
  if (draft.side === "SELL") checkFree(qty, "SELL", info, view, "qty", problems);
}

function readField(text: string, field: Field, name: string, problems: Problem[]): Fixed | null {
  const value = parse(text);
  if (text === "" || (value !== null && value <= 0n)) {
    problems.push({ field, text: `${name} must be more than zero.` });
    return null;
  }
  if (value === null) {
    const tooFine = /^\d+\.\d{9,}$/.test(text);
    problems.push({ field, text: tooFine ? `${name} has more than eight decimals.` : `${name} must be a number like 0.25.` });
  }
  return value;
}

function checkGrid(value: Fixed, grid: Grid, field: Field, name: string, asset: string, problems: Problem[]): void {
  if (problems.some((problem) => problem.field === field)) return;
  if (grid.min > 0n && value < grid.min) {
    problems.push({ field, text: `${name} must be at least ${group(toText(grid.min))} ${asset}.`, fix: toText(grid.min) });
  } else if (grid.max > 0n && value > grid.max) {
    problems.push({ field, text: `${name} must be at most ${group(toText(grid.max))} ${asset}.`, fix: toText(floorTo(grid.max, grid.step)) });
  } else if (!isMultiple(value, grid.step)) {
    const fix = field === "price" ? nearest(value, grid.step) : floorTo(value, grid.step);
    problems.push({ field, text: `${name} must be a multiple of ${toText(grid.step)}.`, fix: toText(fix > 0n ? fix : grid.step) });
  }
}

function checkPercent(price: Fixed, side: Side, info: SymbolInfo, view: MarketView, problems: Problem[]): void {
  if (!info.percent || view.last === null || problems.some((problem) => problem.field === "price")) return;
  const [up, down] = side === "BUY" ? [info.percent.bidUp, info.percent.bidDown] : [info.percent.askUp, info.percent.askDown];
  const high = up > 0n ? floorTo(mulFloor(view.last, up), info.price.step) : 0n;
  const low = down > 0n ? ceilTo(mulCeil(view.last, down), info.price.step) : 0n;
  // The exchange compares with a mean of the last minutes, which the last price only approximates: a remark, not a stop.
  if (high > 0n && price > high) {
    problems.push({ field: "price", text: `Price is far above the market; the exchange takes at most about ${group(toText(high))}.`, fix: toText(high), mild: true });
  } else if (price < low) {
    problems.push({ field: "price", text: `Price is far below the market; the exchange takes at least about ${group(toText(low))}.`, fix: toText(low), mild: true });
  }
}

function checkPostOnly(price: Fixed, side: Side, view: MarketView, problems: Problem[]): void {
  if (side === "BUY" && view.bestAsk !== null && price >= view.bestAsk && view.bestBid !== null) {
    problems.push({ field: "price", text: `A post-only buy must be below the best ask, ${group(toText(view.bestAsk))}.`, fix: toText(view.bestBid), mild: true });
  } else if (side === "SELL" && view.bestBid !== null && price <= view.bestBid && view.bestAsk !== null) {
    problems.push({ field: "price", text: `A post-only sell must be above the best bid, ${group(toText(view.bestBid))}.`, fix: toText(view.bestAsk), mild: true });
  }
}

function remarkFarPrice(price: Fixed, side: Side, view: MarketView, problems: Problem[]): void {
  if (problems.some((problem) => problem.field === "price")) return;
  const touch = side === "BUY" ? view.bestAsk : view.bestBid;
  if (touch === null) return;
  const worse = side === "BUY" ? price * 100n > touch * 105n : price * 100n < touch * 95n;
  if (worse) {
    const text = `Your limit is more than 5% worse than the best ${side === "BUY" ? "ask" : "bid"}, ${group(toText(touch))}.`;
    problems.push({ field: "price", text, fix: toText(touch), mild: true });
  }
}

function checkNotional(
  value: Fixed, info: SymbolInfo, lower: boolean, upper: boolean, field: Field, fix: () => string, problems: Problem[],
): void {
  if (problems.some((problem) => problem.field === field && !problem.mild)) return;
  if (lower && info.minNotional > 0n && value < info.minNotional) {
    problems.push({ field, text: `The order must be worth at least ${amount(info.minNotional)} ${info.quote}.`, fix: fix() });
  } else if (upper && info.maxNotional > 0n && value > info.maxNotional) {
    problems.push({ field, text: `The order may be worth at most ${amount(info.maxNotional)} ${info.quote}.` });
  }
}

function checkFree(cost: Fixed, side: Side, info: SymbolInfo, view: MarketView, field: Field, problems: Problem[]): void {
  if (view.free === null || cost <= view.free) return;
  const asset = side === "BUY" ? info.quote : info.base;
  problems.push({ field, text: `You have ${amount(view.free)} ${asset} free; this order needs ${amount(cost)}.` });
}

/** The parameters of `POST /api/v3/order` for a draft that passed the checks. */
export function orderParams(draft: Draft, symbol: string, clientOrderId: string): [string, string][] {
  const params: [string, string][] = [["symbol", symbol], ["side", draft.side], ["type", draft.type]];
  if (draft.type === "LIMIT") params.push(["timeInForce", draft.tif]);
  if (draft.type === "MARKET" && draft.byTotal) params.push(["quoteOrderQty", plain(draft.total)]);
  else params.push(["quantity", plain(draft.qty)]);
  if (draft.type !== "MARKET") params.push(["price", plain(draft.price)]);
  params.push(["newClientOrderId", clientOrderId], ["newOrderRespType", "FULL"]);
  return params;
}

function plain(text: string): string {
  const value = parse(text);
  if (value === null) throw new Error(`not a decimal: ${text}`);
  return toText(value);
}

/** The quantity that `percent` of a balance buys or sells, on the symbol's grid and never more than is free. */
export function qtyForPercent(percent: number, side: Side, free: Fixed, price: Fixed, step: Fixed): Fixed {
  const part = (free * BigInt(Math.round(percent))) / 100n;
  if (side === "SELL") return floorTo(part, step);
  if (price <= 0n) return 0n;
  let qty = floorTo(divFloor(part, price), step);
  while (qty > 0n && mulCeil(qty, price) > part) qty -= step === 0n ? 1n : step;
  return qty;
}

export interface Estimate {
  qty: Fixed;
  total: Fixed;
  /** Mean price of the fill. */
  mean: Fixed;
  /** The price of the last level reached. */
  worst: Fixed;
  /** The visible book is not deep enough for the whole order. */
  short: boolean;
}

/** What a market order would get from the book as it is shown. `levels` are best first. */
export function estimateMarket(levels: readonly (readonly [Fixed, Fixed])[], want: { qty: Fixed } | { total: Fixed }): Estimate | null {
  let qty = 0n;
  let total = 0n;
  let worst = 0n;
  let short = true;
  for (const [price, available] of levels) {
    const left = "qty" in want ? want.qty - qty : divFloor(want.total - total, price);
    const take = min(left, available);
    if (take <= 0n) {
      short = false;
      break;
    }
    qty += take;
    total += mulFloor(price, take);
    worst = price;
    if (take === left) {
      short = false;
      break;
    }
  }
  return qty === 0n ? null : { qty, total, mean: divFloor(total, qty), worst, short };
}
