import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { changePercent, compact, money } from "../../lib/format";
import type { SymbolInfo } from "../../lib/symbols";
import { chooseSymbol, type Ticker, useMarket } from "../../market/store";
import { Dialog } from "../../shell/Dialog";
import { Search, Star } from "../../shell/icons";
import { toggleFavourite, usePrefs } from "../../shell/prefs";
import { closeDialog } from "../../shell/ui";

/** All markets with live prices. Typing filters; the arrow keys move through the list. */
export function SymbolPicker() {
  const symbols = useMarket((state) => state.symbols);
  const tickers = useMarket((state) => state.tickers);
  const favourites = usePrefs((prefs) => prefs.favourites);
  const [text, setText] = useState("");
  const [quote, setQuote] = useState("all");
  const list = useRef<HTMLUListElement>(null);
  const quotes = useMemo(() => [...new Set([...symbols.values()].map((info) => info.quote))], [symbols]);
  const shown = filterSymbols([...symbols.values()], tickers, text, quote, favourites);
  const pick = (symbol: string) => {
    chooseSymbol(symbol);
    closeDialog();
  };
  const move = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const rows = [...(list.current?.querySelectorAll<HTMLElement>(".market") ?? [])];
    const index = rows.indexOf(document.activeElement as HTMLElement);
    const next = rows[index + (event.key === "ArrowDown" ? 1 : -1)];
    event.preventDefault();
    if (next) next.focus();
    else if (event.key === "ArrowUp") document.getElementById("symbol-search")?.focus();
  };
  return (
    <Dialog title="Markets" className="picker" onClose={closeDialog}>
      <div onKeyDown={move} className="picker-body">
        <div className="search">
          <Search />
          <input
            id="symbol-search"
            autoFocus
            autoComplete="off"
            spellCheck={false}
            placeholder="Search, for example ETH"
            aria-label="Search markets"
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => event.key === "Enter" && shown[0] && pick(shown[0].symbol)}
          />
        </div>
        <div className="chips" role="group" aria-label="Show">
          {["all", "favourites", ...quotes].map((each) => (
            <button key={each} type="button" className="chip" aria-pressed={quote === each} onClick={() => setQuote(each)}>
              {each === "all" ? "All" : each === "favourites" ? "Favourites" : each}
            </button>
          ))}
        </div>
        <ul ref={list} className="markets">
          {shown.map((info) => <MarketRow key={info.symbol} info={info} ticker={tickers.get(info.symbol)} favourite={favourites.includes(info.symbol)} onPick={pick} />)}
        </ul>
        {shown.length === 0 && <p className="empty">No market matches.</p>}
      </div>
    </Dialog>
  );
}

function MarketRow({ info, ticker, favourite, onPick }: { info: SymbolInfo; ticker: Ticker | undefined; favourite: boolean; onPick: (symbol: string) => void }) {
  const tone = ticker && ticker.last < ticker.open ? "down" : "up";
  return (
    <li>
      <button type="button" className={`icon-button star ${favourite ? "on" : ""}`} aria-pressed={favourite} aria-label={`Favourite ${info.symbol}`} onClick={() => toggleFavourite(info.symbol)}><Star on={favourite} /></button>
      <button type="button" className="market" data-symbol={info.symbol} onClick={() => onPick(info.symbol)}>
        <span className="pair"><strong>{info.base}</strong><span>/{info.quote}</span></span>
        <span className="num"><bdi>{ticker ? money(ticker.last, info.priceDigits) : "\u2013"}</bdi></span>
        <span className={`num ${tone}`}><bdi>{ticker ? changePercent(ticker.open, ticker.last) : "\u2013"}</bdi></span>
        <span className="num volume muted"><bdi>{ticker ? compact(ticker.quoteVolume) : ""}</bdi></span>
      </button>
    </li>
  );
}

/** By name first when the user types, otherwise by turnover. */
function filterSymbols(all: SymbolInfo[], tickers: Map<string, Ticker>, text: string, quote: string, favourites: string[]): SymbolInfo[] {
  const wanted = text.toUpperCase().replace(/[\s/]/g, "");
  const turnover = (info: SymbolInfo) => tickers.get(info.symbol)?.quoteVolume ?? 0n;
  return all
    .filter((info) => info.symbol.includes(wanted))
    .filter((info) => quote === "all" || (quote === "favourites" ? favourites.includes(info.symbol) : info.quote === quote))
    .sort((x, y) => Number(y.symbol.startsWith(wanted)) - Number(x.symbol.startsWith(wanted)) || (turnover(y) > turnover(x) ? 1 : turnover(y) < turnover(x) ? -1 : x.symbol < y.symbol ? -1 : 1));
}
