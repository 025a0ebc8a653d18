/** Candles for the chart: history by REST, the newest by stream, and the live one kept moving by each trade. Drawing only: floats. */
export interface Candle {
  /** Opening time in milliseconds. */
  t: number;
  /** Last millisecond of the candle. */
  end: number;
  o: number;
  h: number;
  l: number;
  c: number;
  v: number;
}

export type RestKline = [number, string, string, string, string, string, number, ...unknown[]];

export interface KlineEvent {
  k: { t: number; T: number; o: string; h: string; l: string; c: string; v: string };
}

export function candleFromRest(k: RestKline): Candle {
  return { t: k[0], end: k[6], o: Number(k[1]), h: Number(k[2]), l: Number(k[3]), c: Number(k[4]), v: Number(k[5]) };
}

export function candleFromEvent({ k }: KlineEvent): Candle {
  return { t: k.t, end: k.T, o: Number(k.o), h: Number(k.h), l: Number(k.l), c: Number(k.c), v: Number(k.v) };
}

/** Joins two runs; where both have a candle, the one of `newer` counts. Ascending by time. */
export function joinCandles(older: readonly Candle[], newer: readonly Candle[]): Candle[] {
  const byTime = new Map<number, Candle>();
  for (const candle of older) byTime.set(candle.t, candle);
  for (const candle of newer) byTime.set(candle.t, candle);
  return [...byTime.values()].sort((x, y) => x.t - y.t);
}

/** The candle after a trade at this time and price, or `null` when the trade is not in it. */
export function withTrade(candle: Candle, time: number, price: number): Candle | null {
  if (time < candle.t || time > candle.end || price === candle.c) return null;
  return { ...candle, c: price, h: Math.max(candle.h, price), l: Math.min(candle.l, price) };
}
