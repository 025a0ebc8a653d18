import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { isOpen } from "../../account/orders";
import { useAccount } from "../../account/store";
import { ceilTo, decimalsOf, type Fixed, floorTo, max, mulFloor, toDigits, toText } from "../../lib/decimal";
import { group, money, share } from "../../lib/format";
import type { SymbolInfo } from "../../lib/symbols";
import { gather, groupings, type Row } from "../../market/book";
import { useFeed } from "../../market/feed";
import { useSymbol } from "../../market/store";
import { useHeight } from "../../shell/hooks";
import { setPrice, setType, useForm } from "./form-state";

const ROW_PX = 24;
const HEAD_PX = 28;
const MIDDLE_PX = 40;

/** The order book: asks above, bids below, bars for the depth up to each row. */
export function BookPanel({ rows: fixedRows }: { rows?: number }) {
  const info = useSymbol()!;
  const feed = useFeed();
  const [choice, setChoice] = useState(0);
  const ladder = useRef<HTMLDivElement>(null);
  const height = useHeight(ladder);
  const rows = fixedRows ?? Math.max(3, Math.floor((height - HEAD_PX - MIDDLE_PX) / 2 / ROW_PX));
  const reference = feed.bids[0]?.[0] ?? feed.asks[0]?.[0] ?? feed.last ?? 0n;
  const steps = useMemo(() => groupings(info.price.step, reference), [info.price.step, bucket(reference)]);
  const step = steps[Math.min(choice, steps.length - 1)] ?? info.price.step;
  const asks = gather(feed.asks, "ask", step, rows);
  const bids = gather(feed.bids, "bid", step, rows);
  const deepest = max(asks[asks.length - 1]?.depth ?? 0n, bids[bids.length - 1]?.depth ?? 0n);
  return (
    <>
      <header className="panel-head">
        <h2>Order book</h2>
        <label className="inline">
          <span className="visually-hidden">Group prices by</span>
          <select value={choice} onChange={(event) => setChoice(Number(event.target.value))}>
            {steps.map((each, index) => <option key={index} value={index}>{toText(each)}</option>)}
          </select>
        </label>
      </header>
      <div ref={ladder} className="ladder" data-testid="book" aria-busy={!feed.synced} onKeyDown={moveInBook}>
        <table className="book">
          <thead>
            <tr><th scope="col">Price ({info.quote})</th><th scope="col">Qty ({info.base})</th><th scope="col">Depth</th></tr>
          </thead>
          <Side side="ask" rows={asks} deepest={deepest} info={info} step={step} />
          <tbody className="middle"><tr><td colSpan={3}><Middle info={info} /></td></tr></tbody>
          <Side side="bid" rows={bids} deepest={deepest} info={info} step={step} />
        </table>
        {!feed.synced && <p className="overlay-note" role="status">Loading the book</p>}
      </div>
    </>
  );
}

function Side({ side, rows, deepest, info, step }: { side: "ask" | "bid"; rows: Row[]; deepest: Fixed; info: SymbolInfo; step: Fixed }) {
  const digits = Math.min(info.priceDigits, decimalsOf(step));
  const shown = side === "ask" ? rows.toReversed() : rows;
  const own = useOwnPrices(side, info.symbol, step);
  return (
    <tbody className={side} aria-label={side === "ask" ? "Asks" : "Bids"}>
      {shown.map((row, index) => {
        const touch = side === "ask" ? index === shown.length - 1 : index === 0;
        return (
          <tr key={index}>
            <td>
              <span className="bar" aria-hidden="true" style={{ inlineSize: `${(share(row.depth, deepest) * 100).toFixed(1)}%` }} />
              <button type="button" tabIndex={touch ? 0 : -1} data-book-row onClick={() => take(row.price)}>
                {money(row.price, digits)}
                {own.has(row.price) && <span className="own" title="Your order is here"><span className="visually-hidden"> with your order</span></span>}
              </button>
            </td>
            <td>{qtyText(row.qty, info)}</td>
            <td>{qtyText(row.depth, info)}</td>
          </tr>
        );
      })}
    </tbody>
  );
}

/** The rows in which the user's own open orders stand. */
function useOwnPrices(side: "ask" | "bid", symbol: string, step: Fixed): Set<Fixed> {
  const orders = useAccount((account) => account.orders);
  return useMemo(() => {
    const mine = [...orders.values()].filter((order) => order.symbol === symbol && isOpen(order.status) && order.side === (side === "ask" ? "SELL" : "BUY"));
    return new Set(mine.map((order) => (side === "ask" ? ceilTo(order.price, step) : floorTo(order.price, step))));
  }, [orders, side, symbol, step]);
}

function Middle({ info }: { info: SymbolInfo }) {
  const last = useFeed((feed) => feed.last);
  const direction = useFeed((feed) => feed.direction);
  const bid = useFeed((feed) => feed.bids[0]?.[0] ?? null);
  const ask = useFeed((feed) => feed.asks[0]?.[0] ?? null);
  return (
    <div className="middle-line">
      <strong className={direction > 0 ? "up" : "down"}>
        <bdi>{last === null ? "\u2013" : money(last, info.priceDigits)}</bdi>
        <span aria-hidden="true">{direction > 0 ? " \u2191" : " \u2193"}</span>
      </strong>
      {bid !== null && ask !== null && <span className="muted">Spread <bdi>{money(ask - bid, info.priceDigits)}</bdi></span>}
    </div>
  );
}

function take(price: Fixed): void {
  if (useForm.getState().type === "MARKET") setType("LIMIT");
  setPrice(toText(price));
}

function moveInBook(event: KeyboardEvent<HTMLDivElement>): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-book-row]")];
  const next = rows[rows.indexOf(document.activeElement as HTMLElement) + (event.key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** Quantities keep their grid, but not more than five decimals, and large ones none. */
function qtyText(qty: Fixed, info: SymbolInfo): string {
  const large = mulFloor(qty, 1n) >= 10_000n;
  return group(toDigits(qty, large ? 0 : Math.min(5, info.qtyDigits)));
}

/** Changes only when the price changes its number of digits, so that the choice of grids holds still. */
function bucket(price: Fixed): number {
  return price.toString().length;
}
