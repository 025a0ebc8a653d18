import { toDigits } from "../../lib/decimal";
import { group, money, timeOf } from "../../lib/format";
import { useFeed } from "../../market/feed";
import { useSymbol } from "../../market/store";

/** The latest trades, newest first. */
export function Tape({ titled = false }: { titled?: boolean }) {
  const info = useSymbol()!;
  const trades = useFeed((feed) => feed.trades);
  return (
    <>
      {titled && <header className="panel-head"><h2>Trades</h2></header>}
      <div className="scroll" tabIndex={0} role="region" aria-label="Trades, newest first" data-testid="tape">
        <table className="tape">
          <thead><tr><th scope="col">Price ({info.quote})</th><th scope="col">Qty ({info.base})</th><th scope="col">Time</th></tr></thead>
          <tbody>
            {trades.map((trade) => (
              <tr key={trade.id} data-trade={trade.id}>
                <td className={trade.aggressor === "BUY" ? "up" : "down"}><bdi>{money(trade.price, info.priceDigits)}</bdi></td>
                <td>{group(toDigits(trade.qty, Math.min(5, info.qtyDigits)))}</td>
                <td className="muted"><time>{timeOf(trade.time)}</time></td>
              </tr>
            ))}
          </tbody>
        </table>
        {trades.length === 0 && <p className="empty">No trade yet.</p>}
      </div>
    </>
  );
}
