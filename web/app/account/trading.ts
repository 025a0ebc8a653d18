/** Sending and canceling orders. */
import { toText } from "../lib/decimal";
import { ApiError, fine, NoAnswer, plainWords } from "../lib/errors";
import { group, word } from "../lib/format";
import { type Draft, orderParams } from "../lib/order";
import type { SymbolInfo } from "../lib/symbols";
import { notify } from "../shell/notices";
import { fromRest, isOpen, type OrderRow, type RestOrder } from "./orders";
import { call, takeOrder, useAccount } from "./store";

function newClientOrderId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `web-${Array.from(bytes, (byte) => byte.toString(36).padStart(2, "0")).join("")}`;
}

/** Sends an order. The answer is what stopped it, in plain words, or `null` when the exchange took it. */
export async function placeOrder(draft: Draft, info: SymbolInfo): Promise<{ text: string; fine: string } | null> {
  const id = newClientOrderId();
  try {
    const raw = (await call("POST", "/api/v3/order", orderParams(draft, info.symbol, id))) as RestOrder;
    accepted(raw, info);
    return null;
  } catch (error) {
    const unsure = error instanceof NoAnswer || (error instanceof ApiError && (error.code === -1007 || error.code === -1006));
    if (!unsure) return { text: plainWords(error, info), fine: fine(error) };
    return findOut(id, info);
  }
}

/** No answer came: the order may exist. Its client order id tells. */
async function findOut(id: string, info: SymbolInfo): Promise<{ text: string; fine: string } | null> {
  for (let pause = 500; pause <= 4000; pause *= 2) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    try {
      accepted((await call("GET", "/api/v3/order", [["symbol", info.symbol], ["origClientOrderId", id]])) as RestOrder, info);
      return null;
    } catch (error) {
      if (error instanceof ApiError && error.code === -2013) return { text: "The order did not reach the exchange. Nothing was placed.", fine: "" };
    }
  }
  return { text: "The exchange does not answer, so it is not known whether the order was placed. Look at your open orders before sending again.", fine: "" };
}

function accepted(raw: RestOrder, info: SymbolInfo): void {
  takeOrder(raw);
  const order = fromRest(raw);
  const what = `${word(order.side)} ${info.base}`;
  const filled = `${group(toText(order.executedQty))} ${info.base}`;
  const of = `${filled} of ${group(toText(order.qty))}`;
  if (order.status === "FILLED") notify("good", `${what}: filled`, `${filled} for ${group(toText(order.executedQuote))} ${info.quote}.`);
  else if (isOpen(order.status) && order.executedQty > 0n) notify("good", `${what}: partly filled`, `${of}; the rest is in the book.`);
  else if (isOpen(order.status)) notify("good", `${what}: in the book`, `${group(toText(order.qty))} ${info.base} at ${group(toText(order.price))}.`);
  else if (order.executedQty > 0n) notify("info", `${what}: partly filled`, order.qty > 0n ? `${of}; the rest expired.` : `${filled}; the rest expired.`);
  else notify("info", `${what}: ${word(order.status).toLowerCase()}`, "Nothing was filled.");
}

export async function cancelOrder(order: OrderRow): Promise<void> {
  try {
    takeCanceled((await call("DELETE", "/api/v3/order", [["symbol", order.symbol], ["orderId", order.orderId]])) as CanceledOrder);
    notify("good", "Order canceled", `${word(order.side)} ${order.symbol} at ${group(toText(order.price))}.`);
  } catch (error) {
    notify("bad", "The order was not canceled", plainWords(error), fine(error));
  }
}

interface CanceledOrder extends RestOrder {
  origClientOrderId?: string;
}

function takeCanceled(raw: CanceledOrder): void {
  // The answer's transactTime is when it was canceled, not when the order was made; that is already known.
  const known = useAccount.getState().orders.get(`${raw.symbol}:${raw.orderId}`);
  takeOrder({ ...raw, clientOrderId: raw.origClientOrderId ?? raw.clientOrderId, ...(known ? { time: known.time, updateTime: raw.transactTime ?? known.updateTime } : {}) });
}

/** Cancels every open order of one symbol, or of all. */
export async function cancelAll(symbol: string | null): Promise<void> {
  const open = [...useAccount.getState().orders.values()].filter((order) => isOpen(order.status) && (symbol === null || order.symbol === symbol));
  let canceled = 0;
  for (const each of new Set(open.map((order) => order.symbol))) {
    try {
      const answers = (await call("DELETE", "/api/v3/openOrders", [["symbol", each]])) as CanceledOrder[];
      // An order list answers with its legs' reports by stream; single orders carry an orderId.
      for (const raw of answers) if (raw.orderId !== undefined) takeCanceled(raw);
      canceled += answers.length;
    } catch (error) {
      if (error instanceof ApiError && error.code === -2011) continue;
      notify("bad", `The orders in ${each} were not canceled`, plainWords(error), fine(error));
    }
  }
  if (canceled > 0) notify("good", canceled === 1 ? "1 order canceled" : `${canceled} orders canceled`);
}
