import { describe, expect, it } from "vitest";
import { dec, toText } from "../app/lib/decimal";
import { Book, type DepthEvent, gather, groupings, type Level } from "../app/market/book";
import { mergeTrades } from "../app/market/feed-trades";

const event = (U: number, u: number, b: [string, string][] = [], a: [string, string][] = []): DepthEvent => ({ U, u, b, a });
const snapshot = (lastUpdateId: number) => ({ lastUpdateId, bids: [["99", "1"], ["98", "2"]] as [string, string][], asks: [["101", "3"], ["102", "4"]] as [string, string][] });
const show = (levels: readonly Level[]) => levels.map(([price, qty]) => `${toText(price)}x${toText(qty)}`);

describe("building the book", () => {
  it("drops what the snapshot holds and applies the rest in order", () => {
    const book = new Book();
    expect(book.apply(event(5, 8, [["99", "9"]]))).toBe("buffered");
    expect(book.apply(event(9, 12, [["99", "5"], ["97", "1"]]))).toBe("buffered");
    expect(book.apply(event(13, 13, [], [["101", "0"]]))).toBe("buffered");
    expect(book.load(snapshot(10))).toBe(true);
    expect(show(book.bids)).toEqual(["99x5", "98x2", "97x1"]);
    expect(show(book.asks)).toEqual(["102x4"]);
    expect(book.lastId).toBe(13);
    expect(book.apply(event(14, 15, [["100", "7"]], [["101.5", "1"]]))).toBe("applied");
    expect(show(book.bids)).toEqual(["100x7", "99x5", "98x2", "97x1"]);
    expect(show(book.asks)).toEqual(["101.5x1", "102x4"]);
  });
  it("refuses a snapshot older than the stream and takes the next", () => {
    const book = new Book();
    book.apply(event(20, 22));
    expect(book.load(snapshot(10))).toBe(false);
    expect(book.lastId).toBeNull();
    expect(book.load(snapshot(21))).toBe(true);
    expect(book.lastId).toBe(22);
  });
  it("sees a gap, also one inside the buffer", () => {
    const book = new Book();
    book.load(snapshot(10));
    expect(book.apply(event(8, 10))).toBe("stale");
    expect(book.apply(event(12, 14, [["90", "1"]]))).toBe("gap");
    expect(book.lastId).toBeNull();
    expect(book.load(snapshot(13))).toBe(true);
    expect(show(book.bids)).toContain("90x1");
    book.desync();
    book.apply(event(15, 16));
    book.apply(event(18, 19));
    expect(book.load(snapshot(15))).toBe(false);
    expect(book.load(snapshot(18))).toBe(true);
    expect(book.lastId).toBe(19);
  });
  it("equals a plain map under a long run of changes", () => {
    const book = new Book();
    const plain = new Map<number, number>();
    book.load({ lastUpdateId: 0, bids: [], asks: [] });
    let state = 42;
    for (let id = 1; id <= 5000; id++) {
      state = (state * 1103515245 + 12345) % 2147483648;
      const price = 100 + (state % 200);
      const qty = (state >> 8) % 4;
      if (qty === 0) plain.delete(price);
      else plain.set(price, qty);
      book.apply(event(id, id, [[String(price), String(qty)]]));
    }
    expect(show(book.bids)).toEqual([...plain].sort((x, y) => y[0] - x[0]).map(([price, qty]) => `${price}x${qty}`));
  });
});

describe("gathering rows", () => {
  const levels: Level[] = [[dec("100.01"), dec("1")], [dec("100.09"), dec("2")], [dec("100.11"), dec("4")]];
  it("moves asks up and bids down, so that no row looks better than it is", () => {
    expect(gather(levels, "ask", dec("0.1"), 9).map((row) => [toText(row.price), toText(row.qty), toText(row.depth)])).toEqual([["100.1", "3", "3"], ["100.2", "4", "7"]]);
    expect(gather(levels.toReversed(), "bid", dec("0.1"), 9).map((row) => toText(row.price))).toEqual(["100.1", "100"]);
  });
  it("fills the last row whole before it stops", () => {
    expect(gather(levels, "ask", dec("0.1"), 1).map((row) => toText(row.qty))).toEqual(["3"]);
  });
  it("offers the tick and coarser grids, but no coarser than a hundredth of the price", () => {
    expect(groupings(dec("0.01"), dec("61000")).map((step) => toText(step))).toEqual(["0.01", "0.1", "1", "10", "100"]);
    expect(groupings(dec("0.00000001"), dec("0.00001")).map((step) => toText(step))).toEqual(["0.00000001", "0.0000001"]);
    expect(groupings(dec("1"), dec("5")).map((step) => toText(step))).toEqual(["1"]);
  });
});

describe("the tape", () => {
  const trade = (id: number) => ({ id, price: 1n, qty: 1n, time: id, aggressor: "BUY" as const });
  it("joins history and stream newest first, each trade once", () => {
    expect(mergeTrades([trade(5), trade(4)], [trade(6)], 3).map((t) => t.id)).toEqual([6, 5, 4]);
    expect(mergeTrades([trade(5)], [trade(3), trade(4), trade(5)], 2).map((t) => t.id)).toEqual([5, 4]);
  });
});
