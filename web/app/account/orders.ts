/** Orders, fills and how news about them is put together, whichever of REST and stream brings it first. */
import { dec, type Fixed } from "../lib/decimal";

export interface OrderRow {
  symbol: string;
  orderId: number;
  clientOrderId: string;
  side: "BUY" | "SELL";
  type: string;
  tif: string;
  price: Fixed;
  qty: Fixed;
  quoteQty: Fixed;
  executedQty: Fixed;
  executedQuote: Fixed;
  status: string;
  time: number;
  updateTime: number;
}

export interface FillRow {
  symbol: string;
  tradeId: number;
  orderId: number;
  side: "BUY" | "SELL";
  price: Fixed;
  qty: Fixed;
  quote: Fixed;
  fee: Fixed;
  feeAsset: string;
  maker: boolean;
  time: number;
}

export interface RestOrder {
  symbol: string;
  orderId: number;
  clientOrderId: string;
  side: "BUY" | "SELL";
  type: string;
  timeInForce: string;
  price: string;
  origQty: string;
  origQuoteOrderQty?: string;
  executedQty: string;
  cummulativeQuoteQty: string;
  status: string;
  time?: number;
  updateTime?: number;
  transactTime?: number;
}

export interface RestFill {
  symbol: string;
  id: number;
  orderId: number;
  price: string;
  qty: string;
  quoteQty: string;
  commission: string;
  commissionAsset: string;
  time: number;
  isBuyer: boolean;
  isMaker: boolean;
}

export interface ExecutionReport {
  e: "executionReport";
  s: string;
  c: string;
  C: string;
  S: "BUY" | "SELL";
  o: string;
  f: string;
  q: string;
  p: string;
  x: string;
  X: string;
  r: string;
  i: number;
  l: string;
  z: string;
  L: string;
  n: string;
  N: string | null;
  T: number;
  t: number;
  m: boolean;
  O: number;
  Z: string;
  Y: string;
  Q: string;
}

export function isOpen(status: string): boolean {
  return status === "NEW" || status === "PARTIALLY_FILLED" || status === "PENDING_NEW";
}

export function orderKey(order: { symbol: string; orderId: number }): string {
  return `${order.symbol}:${order.orderId}`;
}

export function fromRest(raw: RestOrder): OrderRow {
  const time = raw.time ?? raw.transactTime ?? 0;
  return {
    symbol: raw.symbol,
    orderId: raw.orderId,
    clientOrderId: raw.clientOrderId,
    side: raw.side,
    type: raw.type,
    tif: raw.timeInForce,
    price: dec(raw.price),
    qty: dec(raw.origQty),
    quoteQty: dec(raw.origQuoteOrderQty ?? "0"),
    executedQty: dec(raw.executedQty),
    executedQuote: dec(raw.cummulativeQuoteQty),
    status: raw.status,
    time,
    updateTime: raw.updateTime ?? raw.transactTime ?? time,
  };
}

export function fromReport(report: ExecutionReport): OrderRow {
  return {
    symbol: report.s,
    orderId: report.i,
    // A cancel carries an id of its own; the order's is then in C.
    clientOrderId: report.C === "" ? report.c : report.C,
    side: report.S,
    type: report.o,
    tif: report.f,
    price: dec(report.p),
    qty: dec(report.q),
    quoteQty: dec(report.Q),
    executedQty: dec(report.z),
    executedQuote: dec(report.Z),
    status: report.X,
    time: report.O,
    updateTime: report.T,
  };
}

export function fillFromRest(raw: RestFill): FillRow {
  return {
    symbol: raw.symbol,
    tradeId: raw.id,
    orderId: raw.orderId,
    side: raw.isBuyer ? "BUY" : "SELL",
    price: dec(raw.price),
    qty: dec(raw.qty),
    quote: dec(raw.quoteQty),
    fee: dec(raw.commission),
    feeAsset: raw.commissionAsset,
    maker: raw.isMaker,
    time: raw.time,
  };
}

export function fillFromReport(report: ExecutionReport): FillRow | null {
  if (report.x !== "TRADE") return null;
  return {
    symbol: report.s,
    tradeId: report.t,
    orderId: report.i,
    side: report.S,
    price: dec(report.L),
    qty: dec(report.l),
    quote: dec(report.Y),
    fee: dec(report.n),
    feeAsset: report.N ?? "",
    maker: report.m,
    time: report.T,
  };
}

/** Whether `next` is later news of an order than `have`: closed beats open, then more executed, then the later time. */
export function supersedes(next: OrderRow, have: OrderRow): boolean {
  const nextOpen = isOpen(next.status);
  const haveOpen = isOpen(have.status);
  if (nextOpen !== haveOpen) return haveOpen;
  if (next.executedQty !== have.executedQty) return next.executedQty > have.executedQty;
  return next.updateTime >= have.updateTime;
}

export function mergeOrders(have: ReadonlyMap<string, OrderRow>, more: readonly OrderRow[]): Map<string, OrderRow> {
  const merged = new Map(have);
  for (const order of more) {
    const key = orderKey(order);
    const known = merged.get(key);
    if (!known || supersedes(order, known)) merged.set(key, known ? { ...order, time: order.time || known.time } : order);
  }
  return merged;
}

export function mergeFills(have: readonly FillRow[], more: readonly FillRow[]): FillRow[] {
  const byId = new Map<string, FillRow>();
  for (const fill of [...have, ...more]) byId.set(`${fill.symbol}:${fill.tradeId}:${fill.orderId}`, fill);
  return [...byId.values()].sort((x, y) => y.time - x.time || y.tradeId - x.tradeId);
}
