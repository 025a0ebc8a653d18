import { type ReactNode, useState } from "react";
import { type FillRow, isOpen, type OrderRow, orderKey } from "../../account/orders";
import { type Balance, signInToDemo, useAccount } from "../../account/store";
import { cancelOrder } from "../../account/trading";
import { divFloor, type Fixed, mulFloor, toDigits } from "../../lib/decimal";
import { amount, dateTimeOf, money, word } from "../../lib/format";
import type { SymbolInfo } from "../../lib/symbols";
import { chooseSymbol, type Ticker, useMarket } from "../../market/store";
import { open } from "../../shell/ui";
import { type Column, DataTable } from "./DataTable";
import { Tabs } from "./Tabs";

type TabId = "open" | "history" | "trades" | "balances";

export function OrdersPanel() {
  const [tab, setTab] = useState<TabId>("open");
  const [hereOnly, setHereOnly] = useState(false);
  const symbol = useMarket((state) => state.symbol);
  const keys = useAccount((account) => account.keys);
  const orders = useAccount((account) => account.orders);
  const all = [...orders.values()].sort((x, y) => y.time - x.time || y.orderId - x.orderId);
  const openOrders = all.filter((order) => isOpen(order.status));
  const shownOpen = hereOnly ? openOrders.filter((order) => order.symbol === symbol) : openOrders;
  return (
    <>
      <header className="panel-head orders-head">
        <Tabs
          label="Your account"
          value={tab}
          onChange={(id) => setTab(id as TabId)}
          tabs={[["open", "Open orders", openOrders.length], ["history", "Order history"], ["trades", "Trade history"], ["balances", "Balances"]]}
        />
        {keys && tab === "open" && (
          <div className="head-tools">
            <label className="check"><input type="checkbox" checked={hereOnly} onChange={(event) => setHereOnly(event.target.checked)} /> {symbol} only</label>
            <button type="button" className="button quiet" disabled={openOrders.length === 0} data-testid="cancel-all" onClick={() => open("cancel-all")}>Cancel all</button>
          </div>
        )}
      </header>
      <div className="orders-body" role="tabpanel" aria-label={tab} data-testid={`panel-${tab}`}>
        {!keys ? <SignedOut /> : tab === "open" ? <OpenOrders rows={shownOpen} /> : tab === "history" ? <History rows={all.filter((order) => order.symbol === symbol)} /> : tab === "trades" ? <Fills symbol={symbol} /> : <Balances />}
      </div>
    </>
  );
}

function SignedOut() {
  const demo = useAccount((account) => account.demo);
  return (
    <div className="empty">
      <p>Your orders, trades and balances appear here.</p>
      {demo === true && <button type="button" className="button" onClick={() => void signInToDemo()}>Open a demo account</button>}
      {demo === false && <button type="button" className="button" onClick={() => open("keys")}>Sign in</button>}
    </div>
  );
}

function useInfo(): (symbol: string) => SymbolInfo | undefined {
  const symbols = useMarket((state) => state.symbols);
  return (symbol) => symbols.get(symbol);
}

const tone = (row: { side: "BUY" | "SELL" }) => (row.side === "BUY" ? "up" : "down");

function Num({ children }: { children: ReactNode }) {
  return <bdi>{children}</bdi>;
}

function orderColumns(info: (symbol: string) => SymbolInfo | undefined): Record<string, Column<OrderRow>> {
  const digits = (row: OrderRow) => info(row.symbol)?.priceDigits ?? 8;
  const qtyDigits = (row: OrderRow) => info(row.symbol)?.qtyDigits ?? 8;
  return {
    market: { name: "Market", cell: (row) => <strong>{row.symbol}</strong> },
    time: { name: "Time", cell: (row) => <time>{dateTimeOf(row.time)}</time> },
    side: { name: "Side", cell: (row) => word(row.side), className: tone },
    type: { name: "Type", cell: (row) => word(row.type) + (row.type === "LIMIT" && row.tif !== "GTC" ? ` ${row.tif}` : "") },
    price: { name: "Price", numeric: true, cell: (row) => <Num>{row.price > 0n ? money(row.price, digits(row)) : "Market"}</Num> },
    mean: { name: "Mean fill", numeric: true, cell: (row) => <Num>{row.executedQty > 0n ? money(divFloor(row.executedQuote, row.executedQty), digits(row)) : "\u2013"}</Num> },
    qty: { name: "Quantity", numeric: true, cell: (row) => <Num>{row.qty > 0n ? money(row.qty, qtyDigits(row)) : "\u2013"}</Num> },
    filled: { name: "Filled", numeric: true, cell: (row) => <Num>{money(row.executedQty, qtyDigits(row))}{row.qty > 0n && <span className="muted"> ({toDigits((row.executedQty * 100n * 100_000_000n) / row.qty, 0)}%)</span>}</Num> },
    total: { name: "Total", numeric: true, cell: (row) => <Num>{money(mulFloor(row.price, row.qty), Math.max(2, digits(row)))}</Num> },
    status: { name: "Status", cell: (row) => word(row.status) },
  };
}

function OpenOrders({ rows }: { rows: OrderRow[] }) {
  const c = orderColumns(useInfo());
  return (
    <DataTable
      label="Open orders"
      rows={rows}
      rowKey={orderKey}
      columns={[c["market"]!, c["time"]!, c["side"]!, c["type"]!, c["price"]!, c["qty"]!, c["filled"]!, c["total"]!]}
      empty={<p>No open orders. A limit order that does not trade at once waits here.</p>}
      action={(row) => <CancelButton row={row} />}
    />
  );
}

function CancelButton({ row }: { row: OrderRow }) {
  const [busy, setBusy] = useState(false);
  const cancel = async () => {
    setBusy(true);
    await cancelOrder(row);
    setBusy(false);
  };
  return <button type="button" className="button quiet small" disabled={busy} aria-label={`Cancel order ${row.orderId} in ${row.symbol}`} onClick={() => void cancel()}>Cancel</button>;
}

function History({ rows }: { rows: OrderRow[] }) {
  const c = orderColumns(useInfo());
  return (
    <DataTable
      label="Order history"
      rows={rows}
      rowKey={orderKey}
      columns={[c["market"]!, c["time"]!, c["side"]!, c["type"]!, c["price"]!, c["mean"]!, c["qty"]!, c["filled"]!, c["status"]!]}
      empty={<p>No orders in this market yet.</p>}
    />
  );
}

function Fills({ symbol }: { symbol: string }) {
  const fills = useAccount((account) => account.fills).filter((fill) => fill.symbol === symbol);
  const info = useInfo()(symbol);
  const columns: Column<FillRow>[] = [
    { name: "Market", cell: (row) => <strong>{row.symbol}</strong> },
    { name: "Time", cell: (row) => <time>{dateTimeOf(row.time)}</time> },
    { name: "Side", cell: (row) => word(row.side), className: tone },
    { name: "Price", numeric: true, cell: (row) => <Num>{money(row.price, info?.priceDigits ?? 8)}</Num> },
    { name: "Quantity", numeric: true, cell: (row) => <Num>{money(row.qty, info?.qtyDigits ?? 8)}</Num> },
    { name: "Total", numeric: true, cell: (row) => <Num>{amount(row.quote)} {info?.quote}</Num> },
    { name: "Fee", numeric: true, cell: (row) => <Num>{amount(row.fee)} {row.feeAsset}</Num> },
    { name: "Role", cell: (row) => (row.maker ? "Maker" : "Taker") },
  ];
  return <DataTable label="Trade history" rows={fills} rowKey={(fill) => `${fill.tradeId}-${fill.orderId}`} columns={columns} empty={<p>No trades in this market yet.</p>} />;
}

interface BalanceRow extends Balance {
  asset: string;
  worth: Fixed | null;
}

function Balances() {
  const balances = useAccount((account) => account.balances);
  const tickers = useMarket((state) => state.tickers);
  const symbols = useMarket((state) => state.symbols);
  const rows: BalanceRow[] = [...balances]
    .filter(([, { free, locked }]) => free > 0n || locked > 0n)
    .map(([asset, balance]) => ({ asset, ...balance, worth: worthOf(asset, balance.free + balance.locked, tickers) }))
    .sort((x, y) => ((y.worth ?? 0n) > (x.worth ?? 0n) ? 1 : (y.worth ?? 0n) < (x.worth ?? 0n) ? -1 : x.asset < y.asset ? -1 : 1));
  const sum = rows.reduce((total, row) => total + (row.worth ?? 0n), 0n);
  const columns: Column<BalanceRow>[] = [
    { name: "Asset", cell: (row) => <strong>{row.asset}</strong> },
    { name: "Free", numeric: true, cell: (row) => <Num>{amount(row.free)}</Num> },
    { name: "In orders", numeric: true, cell: (row) => <Num>{amount(row.locked)}</Num> },
    { name: "Worth (USDT)", numeric: true, cell: (row) => <Num>{row.worth === null ? "\u2013" : money(row.worth, 2)}</Num> },
  ];
  return (
    <>
      <p className="worth">Together about <strong><bdi>{money(sum, 2)}</bdi> USDT</strong></p>
      <DataTable
        label="Balances"
        rows={rows}
        rowKey={(row) => row.asset}
        columns={columns}
        empty={<p>This account holds nothing yet.</p>}
        action={(row) => (symbols.has(`${row.asset}USDT`) ? <button type="button" className="button quiet small" onClick={() => chooseSymbol(`${row.asset}USDT`)} aria-label={`Trade ${row.asset}`}>Trade</button> : null)}
      />
    </>
  );
}

function worthOf(asset: string, held: Fixed, tickers: Map<string, Ticker>): Fixed | null {
  if (asset === "USDT") return held;
  const ticker = tickers.get(`${asset}USDT`);
  return ticker && ticker.last > 0n ? mulFloor(held, ticker.last) : null;
}
