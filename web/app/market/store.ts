/** The market as the page sees it: symbols, 24-hour statistics, the chosen symbol, the state of the connection. */
import { create } from "zustand";
import { measureClock, now, publicGet } from "../lib/api";
import { dec, type Fixed } from "../lib/decimal";
import type { Status } from "../lib/socket";
import { Streams } from "../lib/streams";
import { type RawSymbol, readSymbol, type SymbolInfo } from "../lib/symbols";

export interface Ticker {
  open: Fixed;
  high: Fixed;
  low: Fixed;
  last: Fixed;
  volume: Fixed;
  quoteVolume: Fixed;
}

interface MarketState {
  symbols: Map<string, SymbolInfo>;
  tickers: Map<string, Ticker>;
  symbol: string;
  status: Status;
  /** How long the newest market frame took to get here, in milliseconds. */
  lag: number | null;
  /** Why the market could not be loaded. */
  failure: string | null;
}

const FALLBACK_SYMBOL = "BTCUSDT";

export const useMarket = create<MarketState>(() => ({
  symbols: new Map(),
  tickers: new Map(),
  symbol: symbolOfPath() ?? localStorage.getItem("highwater.symbol") ?? FALLBACK_SYMBOL,
  status: "connecting",
  lag: null,
  failure: null,
}));

export const streams = new Streams(
  (status) => useMarket.setState({ status }),
  // The exchange announces that it stops: the line will break soon, and the reconnect finds the next process.
  () => useMarket.setState({ status: "waiting" }),
);

export function symbolOfPath(): string | null {
  const match = /^\/trade\/([^/]+)$/.exec(location.pathname);
  return match ? decodeURIComponent(match[1]!).toUpperCase() : null;
}

function pathOf(symbol: string): string {
  return `/trade/${encodeURIComponent(symbol)}`;
}

export function chooseSymbol(symbol: string, push = true): void {
  if (useMarket.getState().symbol === symbol) return;
  useMarket.setState({ symbol });
  localStorage.setItem("highwater.symbol", symbol);
  if (push) history.pushState(null, "", pathOf(symbol));
}

export function useSymbol(): SymbolInfo | undefined {
  return useMarket((state) => state.symbols.get(state.symbol));
}

export function useTicker(symbol: string): Ticker | undefined {
  return useMarket((state) => state.tickers.get(symbol));
}

interface RawTicker {
  symbol: string;
  openPrice: string;
  highPrice: string;
  lowPrice: string;
  lastPrice: string;
  volume: string;
  quoteVolume: string;
}

interface MiniTicker {
  E: number;
  s: string;
  o: string;
  h: string;
  l: string;
  c: string;
  v: string;
  q: string;
}

async function load(): Promise<void> {
  const [info, tickers] = (await Promise.all([
    publicGet("/api/v3/exchangeInfo"),
    publicGet("/api/v3/ticker/24hr"),
  ])) as [{ symbols: RawSymbol[] }, RawTicker[]];
  const symbols = new Map(info.symbols.map((raw) => [raw.symbol, readSymbol(raw)]));
  const state = useMarket.getState();
  const statistics = new Map(state.tickers);
  for (const raw of tickers) {
    statistics.set(raw.symbol, {
      open: dec(raw.openPrice),
      high: dec(raw.highPrice),
      low: dec(raw.lowPrice),
      last: dec(raw.lastPrice),
      volume: dec(raw.volume),
      quoteVolume: dec(raw.quoteVolume),
    });
  }
  const first = symbols.keys().next().value;
  const symbol = symbols.has(state.symbol) || first === undefined ? state.symbol : symbols.has(FALLBACK_SYMBOL) ? FALLBACK_SYMBOL : first;
  useMarket.setState({ symbols, tickers: statistics, symbol, failure: null });
  // So that the address names what is shown, and going back comes back to it.
  if (symbolOfPath() !== symbol) history.replaceState(null, "", pathOf(symbol));
}

function onMiniTickers(list: MiniTicker[]): void {
  const tickers = new Map(useMarket.getState().tickers);
  for (const t of list) {
    tickers.set(t.s, { open: dec(t.o), high: dec(t.h), low: dec(t.l), last: dec(t.c), volume: dec(t.v), quoteVolume: dec(t.q) });
  }
  const newest = list.reduce((latest, t) => Math.max(latest, t.E), 0);
  useMarket.setState({ tickers, lag: newest > 0 ? Math.max(0, Math.round(now() - newest)) : null });
}

let attempt = 0;

async function loadUntilDone(): Promise<void> {
  const mine = ++attempt;
  for (let pause = 500; mine === attempt; pause = Math.min(10_000, pause * 2)) {
    try {
      await Promise.all([measureClock(), load()]);
      return;
    } catch (error) {
      console.info("the market could not be loaded", error);
      if (useMarket.getState().symbols.size === 0) useMarket.setState({ failure: "The exchange does not answer. Trying again." });
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

export function startMarket(): void {
  addEventListener("popstate", () => {
    const symbol = symbolOfPath();
    if (symbol) chooseSymbol(symbol, false);
  });
  let seenLive = false;
  void loadUntilDone();
  streams.listen("!miniTicker@arr", {
    onData: onMiniTickers,
    // After a reconnect the exchange may be another process with other symbols.
    onLive: () => {
      if (seenLive) void loadUntilDone();
      seenLive = true;
    },
  });
}
