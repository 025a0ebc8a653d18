import { lazy, Suspense } from "react";
import { usePrefs } from "../../shell/prefs";

// The chart library is half of the page's code: everything else is there before it.
const Chart = lazy(() => import("./Chart"));

const SHORT = ["1s", "1m", "5m", "15m", "1h", "4h", "1d", "1w"];
const MORE = ["3m", "30m", "2h", "6h", "8h", "12h", "3d", "1M"];

export function ChartPanel() {
  const interval = usePrefs((prefs) => prefs.interval);
  const choose = (next: string) => usePrefs.setState({ interval: next });
  return (
    <>
      <header className="panel-head chart-head">
        <div className="segments" role="group" aria-label="Interval">
          {SHORT.map((each) => <button key={each} type="button" aria-pressed={each === interval} onClick={() => choose(each)}>{each}</button>)}
        </div>
        <label className="inline">
          <span className="visually-hidden">More intervals</span>
          <select value={MORE.includes(interval) ? interval : ""} onChange={(event) => event.target.value !== "" && choose(event.target.value)}>
            <option value="">More</option>
            {MORE.map((each) => <option key={each} value={each}>{each}</option>)}
          </select>
        </label>
        <a className="attribution" href="https://www.tradingview.com/" target="_blank" rel="noreferrer">Charts by TradingView</a>
      </header>
      <Suspense fallback={<div className="chart-wait" role="status">Loading the chart</div>}>
        <Chart interval={interval} />
      </Suspense>
    </>
  );
}
