/**
 * One market's order book, built as documented for the API: listen to the diff stream, take a REST snapshot, drop what
 * the snapshot already holds, then apply every event in order without a gap. Prices and quantities are integers.
 */
import { ceilTo, dec, type Fixed, floorTo } from "../lib/decimal";

export interface DepthEvent {
  /** First and last update id of this event. */
  U: number;
  u: number;
  b: [string, string][];
  a: [string, string][];
}

export interface DepthSnapshot {
  lastUpdateId: number;
  bids: [string, string][];
  asks: [string, string][];
}

export type Level = readonly [price: Fixed, qty: Fixed];

/** One side, best price first. */
class Ladder {
  levels: Level[] = [];
  constructor(readonly descending: boolean) {}

  load(raw: [string, string][]): void {
    this.levels = raw.map(([price, qty]) => [dec(price), dec(qty)] as const);
    this.levels.sort((x, y) => (x[0] === y[0] ? 0 : this.#before(x[0], y[0]) ? -1 : 1));
  }

  set(price: Fixed, qty: Fixed): void {
    let lo = 0;
    let hi = this.levels.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (this.#before(this.levels[mid]![0], price)) lo = mid + 1;
      else hi = mid;
    }
    const found = this.levels[lo]?.[0] === price;
    if (qty === 0n) {
      if (found) this.levels.splice(lo, 1);
    } else {
      this.levels.splice(lo, found ? 1 : 0, [price, qty]);
    }
  }

  #before(x: Fixed, y: Fixed): boolean {
    return this.descending ? x > y : x < y;
  }
}

export type Applied = "applied" | "buffered" | "stale" | "gap";

export class Book {
  #bids = new Ladder(true);
  #asks = new Ladder(false);
  #lastId: number | null = null;
  #buffer: DepthEvent[] = [];

  get bids(): readonly Level[] {
    return this.#bids.levels;
  }

  get asks(): readonly Level[] {
    return this.#asks.levels;
  }

  /** The update id up to which this book is complete; `null` while it waits for a snapshot. */
  get lastId(): number | null {
    return this.#lastId;
  }

  /** Forgets the order of events, but goes on showing the levels until the next snapshot. */
  desync(): void {
    this.#lastId = null;
    this.#buffer = [];
  }

  /**
   * Takes a snapshot and what was buffered since. `false`: the snapshot is older than the first buffered event, or the
   * buffer has a hole, so another snapshot is needed.
   */
  load(snapshot: DepthSnapshot): boolean {
    const fresh = this.#buffer.filter((event) => event.u > snapshot.lastUpdateId);
    const first = fresh[0];
    if (first && first.U > snapshot.lastUpdateId + 1) return false;
    for (let i = 1; i < fresh.length; i++) {
      if (fresh[i]!.U !== fresh[i - 1]!.u + 1) {
        this.#buffer = fresh.slice(i);
        return false;
      }
    }
    this.#bids.load(snapshot.bids);
    this.#asks.load(snapshot.asks);
    this.#lastId = snapshot.lastUpdateId;
    this.#buffer = [];
    for (const event of fresh) this.#change(event);
    return true;
  }

  apply(event: DepthEvent): Applied {
    if (this.#lastId === null) {
      this.#buffer.push(event);
      return "buffered";
    }
    if (event.u <= this.#lastId) return "stale";
    if (event.U > this.#lastId + 1) {
      this.desync();
      this.#buffer.push(event);
      return "gap";
    }
    this.#change(event);
    return "applied";
  }

  #change(event: DepthEvent): void {
    for (const [price, qty] of event.b) this.#bids.set(dec(price), dec(qty));
    for (const [price, qty] of event.a) this.#asks.set(dec(price), dec(qty));
    this.#lastId = event.u;
  }
}

export interface Row {
  price: Fixed;
  qty: Fixed;
  /** Sum of the quantities from the touch to this row. */
  depth: Fixed;
}

/**
 * The first `count` rows of a side with prices gathered on a coarser grid: bids downwards and asks upwards, so that a
 * gathered row never looks better than what is in it.
 */
export function gather(levels: readonly Level[], side: "bid" | "ask", step: Fixed, count: number): Row[] {
  const rows: Row[] = [];
  let depth = 0n;
  for (const [price, qty] of levels) {
    const at = side === "bid" ? floorTo(price, step) : ceilTo(price, step);
    const last = rows[rows.length - 1];
    if (last && last.price === at) {
      last.qty += qty;
      depth += qty;
      last.depth = depth;
    } else {
      if (rows.length === count) break;
      depth += qty;
      rows.push({ price: at, qty, depth });
    }
  }
  return rows;
}

/** Useful grids for a market at about this price: the tick and its multiples by ten, at most a hundredth of the price. */
export function groupings(tick: Fixed, price: Fixed): Fixed[] {
  const steps: Fixed[] = [];
  for (let step = tick === 0n ? 1n : tick; steps.length < 6 && (steps.length === 0 || step * 100n <= price); step *= 10n) steps.push(step);
  return steps;
}
