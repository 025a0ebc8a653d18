/** The exchange's refusals in plain words. The code stays visible, since it is what the documentation lists. */
import { toText } from "./decimal";
import { group } from "./format";
import type { SymbolInfo } from "./symbols";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    readonly serverMessage: string,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(`${code}: ${serverMessage}`);
    this.name = "ApiError";
  }
}

/** The request may or may not have reached the exchange: no answer came back. */
export class NoAnswer extends Error {
  constructor(cause: unknown) {
    super("no answer from the exchange", { cause });
    this.name = "NoAnswer";
  }
}

const BY_MESSAGE: [RegExp, string][] = [
  [/insufficient balance/i, "There is not enough free balance for this order."],
  [/would immediately match/i, "A post-only order must not trade at once. Move the price to your side of the book."],
  [/liquidity is less/i, "There are not enough orders in the book to fill this now."],
  [/unknown order/i, "This order is no longer open: it has been filled, canceled or has expired."],
  [/order does not exist/i, "The exchange knows no such order."],
  [/duplicate order/i, "This order was sent already."],
  [/market is closed|not open|trading is disabled/i, "This market is not open for orders now."],
];

const BY_CODE: Record<number, string> = {
  [-1003]: "Too many requests. Wait a moment, then try again.",
  [-1007]: "The exchange did not confirm in time. Look at your open orders before sending again.",
  [-1015]: "Too many new orders. Wait a moment, then try again.",
  [-1021]: "The clocks of this device and of the exchange differ too much.",
  [-1022]: "The signature was not accepted. Check the secret key.",
  [-1102]: "A required value is missing.",
  [-1111]: "A number has more decimals than this market allows.",
  [-1121]: "The exchange does not list this symbol.",
  [-2014]: "This API key is malformed.",
  [-2015]: "The exchange does not know this API key, or it may not do this.",
};

export function plainWords(error: unknown, info?: SymbolInfo): string {
  if (error instanceof NoAnswer) return "The exchange did not answer. Check the connection.";
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const filter = /Filter failure: (\w+)/.exec(error.serverMessage)?.[1];
  if (filter) return filterWords(filter, info);
  for (const [pattern, text] of BY_MESSAGE) {
    if (pattern.test(error.serverMessage)) return text;
  }
  const known = BY_CODE[error.code];
  if (!known) return error.serverMessage;
  return error.retryAfterSeconds === null ? known : `${known} (${error.retryAfterSeconds} s)`;
}

/** The part shown small: the code and the message as sent. */
export function fine(error: unknown): string {
  return error instanceof ApiError ? `${error.code} ${error.serverMessage}` : "";
}

export function isBadKey(error: unknown): boolean {
  return error instanceof ApiError && (error.code === -2014 || error.code === -2015) && error.status !== 400;
}

function filterWords(filter: string, info: SymbolInfo | undefined): string {
  const n = (value: bigint) => group(toText(value));
  switch (filter) {
    case "PRICE_FILTER":
      return info ? `Price must be a multiple of ${toText(info.price.step)}, from ${n(info.price.min)} to ${n(info.price.max)}.` : "The price is off this market's grid or out of its range.";
    case "LOT_SIZE":
      return info ? `Quantity must be a multiple of ${toText(info.qty.step)}, from ${n(info.qty.min)} to ${n(info.qty.max)} ${info.base}.` : "The quantity is off this market's grid or out of its range.";
    case "MARKET_LOT_SIZE":
      return info ? `A market order may have at most ${n(info.marketQty.max)} ${info.base}.` : "The quantity is out of range for a market order.";
    case "NOTIONAL":
    case "MIN_NOTIONAL":
      return info ? `The order must be worth at least ${n(info.minNotional)} ${info.quote}.` : "The order is worth too little or too much.";
    case "PERCENT_PRICE":
    case "PERCENT_PRICE_BY_SIDE":
      return "The price is too far from the market.";
    case "MAX_NUM_ORDERS":
      return "You have too many open orders in this market. Cancel one first.";
    case "MAX_POSITION":
      return "You would hold more of this asset than this market allows.";
    default:
      return `This order breaks a rule of this market (${filter}).`;
  }
}
