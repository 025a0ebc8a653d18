import {
  CandlestickSeries, createChart, HistogramSeries, type IChartApi, type IPriceLine, type ISeriesApi, LineStyle, type UTCTimestamp,
} from "lightweight-charts";
import { useEffect, useRef, useState } from "react";
import { isOpen } from "../../account/orders";
import { useAccount } from "../../account/store";
import { publicGet } from "../../lib/api";
import { dec, decimalsOf, toNumber, toText } from "../../lib/decimal";
import { compact, dateTimeOf, group } from "../../lib/format";
import type { SymbolInfo } from "../../lib/symbols";
import { type Candle, candleFromEvent, candleFromRest, joinCandles, type KlineEvent, type RestKline, withTrade } from "../../market/candles";
import { useFeed } from "../../market/feed";
import { streams, useSymbol } from "../../market/store";
import { useDark } from "../../shell/hooks";

const PAGE = 500;

interface Plot {
  chart: IChartApi;
  candles: ISeriesApi<"Candlestick">;
  volume: ISeriesApi<"Histogram">;
}

export default function Chart({ interval }: { interval: string }) {
  const info = useSymbol()!;
  const host = useRef<HTMLDivElement>(null);
  const [plot, setPlot] = useState<Plot | null>(null);
  const [hovered, setHovered] = useState<Candle | null>(null);
  const [newest, setNewest] = useState<Candle | null>(null);
  const [note, setNote] = useState<string | null>("Loading candles");
  const dark = useDark();

  useEffect(() => {
    const made = makePlot(host.current!, info);
    setPlot(made);
    return () => {
      setPlot(null);
      // After the other effects have let go of it.
      queueMicrotask(() => made.chart.remove());
    };
  }, [info.symbol]);
  useEffect(() => {
    if (plot) paint(plot);
  }, [plot, dark]);
  useEffect(() => plot ? follow(plot, info, interval, setNewest, setHovered, setNote) : undefined, [plot, interval]);
  useOwnOrders(plot, info, dark);

  const candle = hovered ?? newest;
  const summary = newest ? `${info.base}/${info.quote} candles of ${interval}. Last: open ${newest.o}, high ${newest.h}, low ${newest.l}, close ${newest.c}.` : `${info.base}/${info.quote} candles of ${interval}.`;
  return (
    <div className="chart">
      {candle && <Legend candle={candle} info={info} />}
      <div ref={host} className="chart-canvas" role="img" aria-label={summary} data-testid="chart" />
      {note && <p className="overlay-note" role="status">{note}</p>}
    </div>
  );
}

function Legend({ candle, info }: { candle: Candle; info: SymbolInfo }) {
  const n = (value: number) => group(value.toFixed(info.priceDigits));
  const change = candle.o === 0 ? 0 : ((candle.c - candle.o) / candle.o) * 100;
  const tone = candle.c < candle.o ? "down" : "up";
  return (
    <p className="legend" dir="ltr">
      <span>{dateTimeOf(candle.t).slice(0, -3)}</span>
      <span>O <b className={tone}>{n(candle.o)}</b></span>
      <span>H <b className={tone}>{n(candle.h)}</b></span>
      <span>L <b className={tone}>{n(candle.l)}</b></span>
      <span>C <b className={tone}>{n(candle.c)}</b></span>
      <span className={tone}>{change < 0 ? "\u2212" : "+"}{Math.abs(change).toFixed(2)}%</span>
      <span>Vol <b>{compact(dec(candle.v.toFixed(8)))}</b></span>
    </p>
  );
}

function makePlot(host: HTMLElement, info: SymbolInfo): Plot {
  const chart = createChart(host, {
    autoSize: true,
    // The library's logo needs an inline style, which the page's policy forbids; the link above the chart takes its place.
    layout: { attributionLogo: false, fontFamily: '"Inter Variable", system-ui, sans-serif', fontSize: 11 },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.15, bottom: 0.24 } },
    timeScale: { borderVisible: false, timeVisible: true, secondsVisible: false, rightOffset: 6, barSpacing: 7 },
    crosshair: { mode: 0 },
    localization: { priceFormatter: (price: number) => group(price.toFixed(info.priceDigits)) },
  });
  const priceFormat = { type: "price", precision: decimalsOf(info.price.step), minMove: toNumber(info.price.step) || 1e-8 } as const;
  const candles = chart.addSeries(CandlestickSeries, { borderVisible: false, priceFormat });
  const volume = chart.addSeries(HistogramSeries, { priceScaleId: "", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
  volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
  return { chart, candles, volume };
}

function paint({ chart, candles, volume }: Plot): void {
  const c = readColours();
  palette = c;
  chart.applyOptions({
    layout: { background: { color: c.surface }, textColor: c.muted },
    grid: { vertLines: { color: c.grid }, horzLines: { color: c.grid } },
    crosshair: { vertLine: { color: c.muted, labelBackgroundColor: c.brand }, horzLine: { color: c.muted, labelBackgroundColor: c.brand } },
  });
  candles.applyOptions({ upColor: c.up, downColor: c.down, wickUpColor: c.up, wickDownColor: c.down });
  volume.setData(volume.data().map((bar) => ("value" in bar && "customValues" in bar ? { ...bar, color: bar.customValues?.["up"] ? c.upSoft : c.downSoft } : bar)));
}

let palette: ReturnType<typeof readColours> | null = null;

function colours() {
  return (palette ??= readColours());
}

/** The page's own colours as the chart wants them: resolved to plain values for the present theme. */
function readColours() {
  const probe = document.createElement("span");
  document.body.append(probe);
  const resolve = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const all = {
    surface: resolve("surface"), grid: resolve("grid"), muted: resolve("muted"), brand: resolve("brand-strong"),
    up: resolve("up"), down: resolve("down"), upSoft: resolve("up-volume"), downSoft: resolve("down-volume"),
  };
  probe.remove();
  return all;
}

/** Chart time is in seconds and drawn as UTC; shifting it shows the reader's own clock. */
function chartTime(ms: number): UTCTimestamp {
  return (Math.floor(ms / 1000) - new Date(ms).getTimezoneOffset() * 60) as UTCTimestamp;
}

/** Loads and follows the candles of one interval; the answer stops it. */
function follow(
  plot: Plot, info: SymbolInfo, interval: string,
  onNewest: (candle: Candle) => void, onHover: (candle: Candle | null) => void, onNote: (note: string | null) => void,
): () => void {
  const { chart, candles, volume } = plot;
  let run: Candle[] = [];
  let paging = false;
  let complete = false;
  let closed = false;
  let loaded = false;
  let retry: ReturnType<typeof setTimeout> | undefined;

  const bar = (c: Candle) => ({ time: chartTime(c.t), open: c.o, high: c.h, low: c.l, close: c.c });
  const column = (c: Candle, p: ReturnType<typeof readColours>) => ({ time: chartTime(c.t), value: c.v, color: c.c >= c.o ? p.upSoft : p.downSoft, customValues: { up: c.c >= c.o } });
  const drawAll = () => {
    const p = colours();
    candles.setData(run.map(bar));
    volume.setData(run.map((c) => column(c, p)));
    const last = run.at(-1);
    if (last) onNewest(last);
  };
  const put = (candle: Candle) => {
    if (!loaded) return;
    const last = run.at(-1);
    if (last && candle.t < last.t) return;
    if (last?.t === candle.t) run[run.length - 1] = candle;
    else run.push(candle);
    candles.update(bar(candle));
    volume.update(column(candle, colours()));
    onNewest(candle);
    onNote(null);
  };
  const page = async (endTime?: number) => {
    const params: [string, string | number][] = [["symbol", info.symbol], ["interval", interval], ["limit", PAGE]];
    if (endTime !== undefined) params.push(["endTime", endTime]);
    return ((await publicGet("/api/v3/klines", params)) as RestKline[]).map(candleFromRest);
  };
  const loadNewest = async () => {
    clearTimeout(retry);
    try {
      const fresh = await page();
      if (closed) return;
      const joins = run.length > 0 && fresh[0] !== undefined && fresh[0].t <= run.at(-1)!.end + 1;
      if (!joins) complete = fresh.length < PAGE;
      run = joins ? joinCandles(run, fresh) : fresh;
      const first = !loaded;
      loaded = true;
      drawAll();
      if (first) chart.timeScale().scrollToRealTime();
      onNote(run.length === 0 ? "No trade yet in this market" : null);
    } catch (error) {
      if (closed) return;
      console.info("candles could not be loaded", error);
      onNote("Candles could not be loaded. Trying again.");
      retry = setTimeout(() => void loadNewest(), 3000);
    }
  };
  const loadOlder = async () => {
    const first = run[0];
    if (paging || complete || !first) return;
    paging = true;
    try {
      const older = await page(first.t - 1);
      if (closed) return;
      complete = older.length < PAGE;
      run = joinCandles(older, run);
      drawAll();
    } catch (error) {
      console.info("older candles could not be loaded", error);
    } finally {
      paging = false;
    }
  };

  onNote("Loading candles");
  onHover(null);
  chart.timeScale().applyOptions({ secondsVisible: interval === "1s" });
  const onRange = (range: { from: number } | null) => {
    if (range && range.from < 20) void loadOlder();
  };
  const onCross = (event: { time?: unknown }) => {
    onHover(event.time === undefined ? null : (run.find((candle) => chartTime(candle.t) === event.time) ?? null));
  };
  chart.timeScale().subscribeVisibleLogicalRangeChange(onRange);
  chart.subscribeCrosshairMove(onCross);
  // Loading starts when the stream is live, so nothing can fall between history and stream.
  const unlisten = streams.listen(`${info.symbol.toLowerCase()}@kline_${interval}`, {
    onLive: () => void loadNewest(),
    onData: (event: KlineEvent) => put(candleFromEvent(event)),
  });
  const untrade = useFeed.subscribe(({ trades, symbol }) => {
    const trade = trades[0];
    const last = run.at(-1);
    const next = trade && last && symbol === info.symbol ? withTrade(last, trade.time, toNumber(trade.price)) : null;
    if (next) put(next);
  });
  return () => {
    closed = true;
    clearTimeout(retry);
    unlisten();
    untrade();
    chart.timeScale().unsubscribeVisibleLogicalRangeChange(onRange);
    chart.unsubscribeCrosshairMove(onCross);
    candles.setData([]);
    volume.setData([]);
  };
}

/** The user's open orders as lines. */
function useOwnOrders(plot: Plot | null, info: SymbolInfo, dark: boolean): void {
  const orders = useAccount((account) => account.orders);
  const lines = useRef<IPriceLine[]>([]);
  const mine = [...orders.values()].filter((order) => order.symbol === info.symbol && isOpen(order.status) && order.price > 0n);
  const key = mine.map((order) => `${order.side}${order.price}:${order.qty - order.executedQty}`).join();
  useEffect(() => {
    if (!plot) return;
    const c = colours();
    lines.current = mine.slice(0, 50).map((order) => plot.candles.createPriceLine({
      price: toNumber(order.price),
      color: order.side === "BUY" ? c.up : c.down,
      lineWidth: 1,
      lineStyle: LineStyle.Dashed,
      axisLabelVisible: true,
      title: `${order.side === "BUY" ? "Buy" : "Sell"} ${toText(order.qty - order.executedQty)}`,
    }));
    return () => {
      for (const line of lines.current) plot.candles.removePriceLine(line);
    };
  }, [plot, key, dark]);
}
