import { useEffect, useRef, useState } from "react";
import { useMarket, useSymbol } from "../../market/store";
import { money } from "../../lib/format";
import { useFeed } from "../../market/feed";
import { useMedia, useNarrow } from "../../shell/hooks";
import { BookPanel } from "./BookPanel";
import { ChartPanel } from "./ChartPanel";
import { followMarket, setSide } from "./form-state";
import { Holdings } from "./Holdings";
import { OrderForm } from "./OrderForm";
import { OrdersPanel } from "./OrdersPanel";
import { SymbolBar } from "./SymbolBar";
import { Tabs } from "./Tabs";
import { Tape } from "./Tape";

export function SpotPage() {
  const info = useSymbol();
  const failure = useMarket((state) => state.failure);
  useEffect(followMarket, []);
  useTitle();
  if (!info) return <main className="loading" aria-busy="true"><p role="status">{failure ?? "Loading the market"}</p></main>;
  return (
    <main className="spot" id="main">
      <h1 className="visually-hidden">Trade {info.base} against {info.quote}</h1>
      <SymbolBar info={info} />
      <Panels key={info.symbol} />
    </main>
  );
}

function Panels() {
  const narrow = useNarrow();
  const medium = useMedia("(max-width: 1179.98px)");
  const [view, setView] = useState("chart");
  if (narrow) {
    return (
      <>
        <section className="panel market-tabs" aria-label="Chart, book and trades">
          <Tabs label="Market" value={view} onChange={setView} tabs={[["chart", "Chart"], ["book", "Book"], ["tape", "Trades"]]} />
          {view === "chart" ? <ChartPanel /> : view === "book" ? <BookPanel rows={9} /> : <Tape />}
        </section>
        <section className="panel order-panel" id="order" aria-label="Place an order"><OrderForm /></section>
        <section className="panel orders-panel" aria-label="Your orders and balances"><OrdersPanel /></section>
        <MobileBar />
      </>
    );
  }
  return (
    <>
      <section className="panel chart-panel" aria-label="Chart"><ChartPanel /></section>
      <section className="panel book-panel" aria-label="Order book"><BookPanel /></section>
      {!medium && <section className="panel tape-panel" aria-label="Latest trades"><Tape titled /></section>}
      <section className="panel order-panel" id="order" aria-label="Place an order">
        <OrderForm />
        <Holdings />
      </section>
      <section className="panel orders-panel" aria-label="Your orders and balances"><OrdersPanel /></section>
    </>
  );
}

/** On a telephone the form is below the market; these bring it up. They step aside when the form is in view. */
function MobileBar() {
  const [shown, setShown] = useState(true);
  const ref = useRef<HTMLDivElement>(null);
  const base = useSymbol()?.base;
  useEffect(() => {
    const form = document.getElementById("order");
    if (!form) return;
    const observer = new IntersectionObserver(([entry]) => setShown(!entry?.isIntersecting), { rootMargin: "0px 0px -45% 0px" });
    observer.observe(form);
    return () => observer.disconnect();
  }, []);
  const go = (side: "BUY" | "SELL") => {
    setSide(side);
    document.getElementById("order")?.scrollIntoView({ block: "start" });
  };
  return (
    <div ref={ref} className="mobile-bar" hidden={!shown}>
      <button type="button" className="button buy" onClick={() => go("BUY")}>Buy {base}</button>
      <button type="button" className="button sell" onClick={() => go("SELL")}>Sell {base}</button>
    </div>
  );
}

/** The price in the browser's tab, at most once a second. */
function useTitle(): void {
  useEffect(() => {
    const timer = setInterval(() => {
      const { last, symbol } = useFeed.getState();
      const info = useMarket.getState().symbols.get(symbol);
      if (info && last !== null) document.title = `${money(last, info.priceDigits)} ${info.base}/${info.quote} \u00b7 Highwater`;
    }, 1000);
    return () => clearInterval(timer);
  }, []);
}
