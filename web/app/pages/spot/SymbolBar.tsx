import { toNumber } from "../../lib/decimal";
import { changePercent, compact, money, signed } from "../../lib/format";
import type { SymbolInfo } from "../../lib/symbols";
import { useFeed } from "../../market/feed";
import { useTicker } from "../../market/store";
import { Chevron } from "../../shell/icons";
import { open } from "../../shell/ui";

/** The chosen market: its name, which opens the picker, its price and its last 24 hours. */
export function SymbolBar({ info }: { info: SymbolInfo }) {
  const ticker = useTicker(info.symbol);
  const traded = useFeed((feed) => (feed.symbol === info.symbol ? feed.last : null));
  const direction = useFeed((feed) => feed.direction);
  const last = traded ?? ticker?.last ?? null;
  const change = ticker && last !== null ? toNumber(last - ticker.open) : 0;
  const tone = change < 0 ? "down" : "up";
  return (
    <section className="symbol-bar" aria-label="Market">
      <button type="button" className="symbol-button" data-testid="symbol" aria-haspopup="dialog" onClick={() => open("symbols")}>
        <span className="pair"><strong>{info.base}</strong><span>/{info.quote}</span></span>
        <Chevron />
        <span className="visually-hidden">Change market</span>
      </button>
      <div className={`last ${direction > 0 ? "up" : "down"}`} data-testid="last-price"><bdi>{last === null ? "\u2013" : money(last, info.priceDigits)}</bdi></div>
      {info.status !== "TRADING" && <span className="badge">{info.status.toLowerCase().replace("_", " ")}</span>}
      <dl className="stats">
        <div><dt>24h change</dt><dd className={tone}>{ticker && last !== null ? <bdi>{signed(last - ticker.open, info.priceDigits)} <span className="nowrap">({changePercent(ticker.open, last)})</span></bdi> : "\u2013"}</dd></div>
        <div><dt>24h high</dt><dd><bdi>{ticker ? money(ticker.high, info.priceDigits) : "\u2013"}</bdi></dd></div>
        <div><dt>24h low</dt><dd><bdi>{ticker ? money(ticker.low, info.priceDigits) : "\u2013"}</bdi></dd></div>
        <div><dt>24h volume <span className="of">({info.base})</span></dt><dd><bdi>{ticker ? compact(ticker.volume) : "\u2013"}</bdi></dd></div>
        <div><dt>24h turnover <span className="of">({info.quote})</span></dt><dd><bdi>{ticker ? compact(ticker.quoteVolume) : "\u2013"}</bdi></dd></div>
      </dl>
    </section>
  );
}
