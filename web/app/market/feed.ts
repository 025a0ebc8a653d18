/** The chosen symbol's book and tape, kept in step with the streams and published at most ten times a second. */
import { create } from "zustand";
import { publicGet } from "../lib/api";
import { dec, type Fixed } from "../lib/decimal";
import { Book, type DepthEvent, type DepthSnapshot, type Level } from "./book";
import { mergeTrades, type TapeTrade } from "./feed-trades";
import { streams, useMarket } from "./store";

interface FeedState {
  symbol: string;
  bids: readonly Level[];
  asks: readonly Level[];
  /** Complete and in step with the stream. */
  synced: boolean;
  trades: readonly TapeTrade[];
  last: Fixed | null;
  /** Where the last price moved: 1 up, -1 down. */
  direction: 1 | -1;
}

const EMPTY: FeedState = { symbol: "", bids: [], asks: [], synced: false, trades: [], last: null, direction: 1 };

export const useFeed = create<FeedState>(() => EMPTY);

const KEEP_TRADES = 60;
const SNAPSHOT_LEVELS = 1000;
const PUBLISH_MS = 100;

interface TradeEvent {
  t: number;
  p: string;
  q: string;
  T: number;
  m: boolean;
}

interface RestTrade {
  id: number;
  price: string;
  qty: string;
  time: number;
  isBuyerMaker: boolean;
}

class Feed {
  #book = new Book();
  #trades: TapeTrade[] = [];
  #closed = false;
  #loading = false;
  #pause = 250;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #unlisten: (() => void)[];

  constructor(readonly symbol: string) {
    useFeed.setState({ ...EMPTY, symbol }, true);
    const name = symbol.toLowerCase();
    this.#unlisten = [
      streams.listen(`${name}@depth@100ms`, {
        onData: (event: DepthEvent) => {
          if (this.#book.apply(event) === "gap") void this.#sync();
          this.#publishSoon();
        },
        onLive: () => {
          this.#book.desync();
          void this.#sync();
        },
      }),
      streams.listen(`${name}@trade`, {
        onData: (trade: TradeEvent) => {
          this.#merge([{ id: trade.t, price: dec(trade.p), qty: dec(trade.q), time: trade.T, aggressor: trade.m ? "SELL" : "BUY" }]);
        },
        onLive: () => void this.#loadTrades(),
      }),
    ];
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    for (const unlisten of this.#unlisten) unlisten();
  }

  /** Gets snapshots until one joins the stream without a gap. */
  async #sync(): Promise<void> {
    clearTimeout(this.#retry);
    if (this.#loading || this.#closed) return;
    this.#loading = true;
    let joined = false;
    try {
      const snapshot = await publicGet("/api/v3/depth", [["symbol", this.symbol], ["limit", SNAPSHOT_LEVELS]]);
      joined = !this.#closed && this.#book.load(snapshot as DepthSnapshot);
    } catch (error) {
      console.info("the book could not be loaded", error);
    }
    this.#loading = false;
    if (this.#closed) return;
    if (joined) {
      this.#pause = 250;
      this.#publishSoon();
    } else {
      this.#retry = setTimeout(() => void this.#sync(), this.#pause);
      this.#pause = Math.min(8000, this.#pause * 2);
    }
  }

  async #loadTrades(): Promise<void> {
    try {
      const list = (await publicGet("/api/v3/trades", [["symbol", this.symbol], ["limit", KEEP_TRADES]])) as RestTrade[];
      if (this.#closed) return;
      this.#merge(list.map((t) => ({ id: t.id, price: dec(t.price), qty: dec(t.qty), time: t.time, aggressor: t.isBuyerMaker ? "SELL" : "BUY" })));
    } catch (error) {
      console.info("the latest trades could not be loaded", error);
    }
  }

  #merge(more: TapeTrade[]): void {
    this.#trades = mergeTrades(this.#trades, more, KEEP_TRADES);
    this.#publishSoon();
  }

  #publishSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#publish();
    }, PUBLISH_MS);
  }

  #publish(): void {
    const before = useFeed.getState();
    const last = this.#trades[0]?.price ?? null;
    useFeed.setState({
      bids: this.#book.bids.slice(),
      asks: this.#book.asks.slice(),
      synced: this.#book.lastId !== null,
      trades: this.#trades,
      last,
      direction: last === null || before.last === null || last === before.last ? before.direction : last > before.last ? 1 : -1,
    });
  }
}

/** Follows the chosen symbol once the exchange has said that it exists. */
export function startFeed(): void {
  let feed: Feed | null = null;
  const follow = () => {
    const { symbol, symbols } = useMarket.getState();
    if (!symbols.has(symbol) || feed?.symbol === symbol) return;
    feed?.close();
    feed = new Feed(symbol);
  };
  useMarket.subscribe(follow);
  follow();
}
