/** Numbers and times as people read them. Everything here is for display; nothing is parsed back. */
import { abs, type Fixed, ONE, toDigits, toNumber, toText } from "./decimal";

/** "61234.5" becomes "61,234.5". */
export function group(text: string): string {
  const [whole = "", fraction] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

export function money(value: Fixed, digits: number): string {
  return group(toDigits(value, digits));
}

/** An amount with all the decimals it has, but at least two. */
export function amount(value: Fixed): string {
  return group(toText(value, 2));
}

/** Short: 1.23K, 45.6M, 7.89B. */
export function compact(value: Fixed): string {
  const units: [bigint, string][] = [
    [1_000_000_000_000n, "T"],
    [1_000_000_000n, "B"],
    [1_000_000n, "M"],
    [1_000n, "K"],
  ];
  const size = abs(value);
  for (const [unit, letter] of units) {
    if (size >= unit * ONE) return toDigits(value / unit, 2) + letter;
  }
  return toDigits(value, size >= ONE || size === 0n ? 2 : 6);
}

/** The change from `open` to `last` in percent with two decimals and a sign; "0.00%" when there is no open price. */
export function changePercent(open: Fixed, last: Fixed): string {
  if (open === 0n) return "0.00%";
  const text = toDigits(((last - open) * 100n * ONE) / open, 2);
  return `${text.startsWith("-") ? "\u2212" + text.slice(1) : `+${text}`}%`;
}

/** A signed amount with a real minus sign. */
export function signed(value: Fixed, digits: number): string {
  return value < 0n ? `\u2212${money(-value, digits)}` : `+${money(value, digits)}`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { month: "short", day: "2-digit" });

export function timeOf(ms: number): string {
  return clock.format(ms);
}

export function dateTimeOf(ms: number): string {
  return `${day.format(ms)} ${clock.format(ms)}`;
}

/** 0 to 1 for the length of a bar. */
export function share(part: Fixed, whole: Fixed): number {
  return whole <= 0n ? 0 : Math.min(1, toNumber(part) / toNumber(whole));
}

const NAMES: Record<string, string> = {
  LIMIT: "Limit",
  LIMIT_MAKER: "Post-only",
  MARKET: "Market",
  STOP_LOSS: "Stop",
  STOP_LOSS_LIMIT: "Stop limit",
  TAKE_PROFIT: "Take profit",
  TAKE_PROFIT_LIMIT: "Take profit limit",
  NEW: "Open",
  PENDING_NEW: "Pending",
  PARTIALLY_FILLED: "Partly filled",
  FILLED: "Filled",
  CANCELED: "Canceled",
  REJECTED: "Rejected",
  EXPIRED: "Expired",
  EXPIRED_IN_MATCH: "Expired (own order)",
  BUY: "Buy",
  SELL: "Sell",
};

/** The plain word for an enum value of the API. */
export function word(value: string): string {
  return NAMES[value] ?? value.charAt(0) + value.slice(1).toLowerCase().replaceAll("_", " ");
}
