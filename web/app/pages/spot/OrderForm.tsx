import { type FormEvent, type KeyboardEvent, useState } from "react";
import { isOpen } from "../../account/orders";
import { signInToDemo, useAccount } from "../../account/store";
import { placeOrder } from "../../account/trading";
import { type Fixed, mulFloor, parse, toDigits, toText } from "../../lib/decimal";
import { amount, group, money } from "../../lib/format";
import { checkOrder, estimateMarket, type Field, type MarketView, type OrderType, type Problem, qtyForPercent, type TimeInForce } from "../../lib/order";
import type { SymbolInfo } from "../../lib/symbols";
import { useFeed } from "../../market/feed";
import { useSymbol } from "../../market/store";
import { open } from "../../shell/ui";
import { afterSent, setPrice, setQty, setSide, setTotal, setType, stepPrice, useForm } from "./form-state";

const TYPES: [OrderType, string][] = [["LIMIT", "Limit"], ["MARKET", "Market"], ["LIMIT_MAKER", "Post-only"]];

export function OrderForm() {
  const info = useSymbol()!;
  const form = useForm();
  const view = useMarketView(info, form.side);
  const signedIn = useAccount((account) => account.keys !== null);
  const [sending, setSending] = useState(false);
  const problems = checkOrder(form, info, view);
  const blocking = problems.filter((problem) => !problem.mild);
  // Empty fields are not held against the user before the first attempt to send.
  const shown = problems.filter((problem) => form.checked || problem.mild || !isEmpty(problem.field, form));

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (sending || !signedIn) return;
    useForm.setState({ checked: true, refusal: null });
    if (blocking.length > 0) {
      const field = blocking.find((problem) => problem.field)?.field;
      if (field) document.getElementById(`order-${field}`)?.focus();
      return;
    }
    setSending(true);
    const refusal = await placeOrder(form, info);
    setSending(false);
    if (refusal) useForm.setState({ refusal });
    else afterSent();
  };

  return (
    <form className={`order-form ${form.side === "BUY" ? "buying" : "selling"}`} noValidate onSubmit={(event) => void submit(event)}>
      <h2 className="visually-hidden">Place an order</h2>
      <div className="sides" role="radiogroup" aria-label="Side">
        {(["BUY", "SELL"] as const).map((side) => (
          <label key={side} className={side === "BUY" ? "buy" : "sell"}>
            <input type="radio" name="side" value={side} checked={form.side === side} onChange={() => setSide(side)} />
            <span>{side === "BUY" ? "Buy" : "Sell"}</span>
          </label>
        ))}
      </div>
      <div className="segments types" role="group" aria-label="Order type">
        {TYPES.filter(([type]) => info.orderTypes.includes(type)).map(([type, name]) => (
          <button key={type} type="button" aria-pressed={form.type === type} onClick={() => setType(type)}>{name}</button>
        ))}
      </div>
      <Available info={info} free={view.free} />
      {form.type === "MARKET" ? <MarketFields info={info} problems={shown} /> : <LimitFields info={info} view={view} problems={shown} />}
      <PercentSlider info={info} view={view} />
      {form.type === "LIMIT" && <ForceSelect />}
      <Summary info={info} />
      {shown.filter((problem) => problem.field === null).map((problem) => <p key={problem.text} className="refusal" role="alert">{problem.text}</p>)}
      {form.refusal && <p className="refusal" role="alert" data-testid="refusal">{form.refusal.text} <span className="fine">{form.refusal.fine}</span></p>}
      {signedIn ? (
        <button type="submit" className={`button submit ${form.side === "BUY" ? "buy" : "sell"}`} data-testid="submit" aria-busy={sending}>
          {sending ? "Sending" : `${form.side === "BUY" ? "Buy" : "Sell"} ${info.base}`}
        </button>
      ) : <SignInButton />}
    </form>
  );
}

function SignInButton() {
  const demo = useAccount((account) => account.demo);
  const busy = useAccount((account) => account.signingIn);
  if (demo === false) return <button type="button" className="button primary submit" onClick={() => open("keys")}>Sign in to trade</button>;
  return <button type="button" className="button primary submit" disabled={busy || demo === null} onClick={() => void signInToDemo()}>Start trading with demo funds</button>;
}

function useMarketView(info: SymbolInfo, side: "BUY" | "SELL"): MarketView {
  const bestBid = useFeed((feed) => feed.bids[0]?.[0] ?? null);
  const bestAsk = useFeed((feed) => feed.asks[0]?.[0] ?? null);
  const last = useFeed((feed) => feed.last);
  const ready = useAccount((account) => account.ready);
  const balance = useAccount((account) => account.balances.get(side === "BUY" ? info.quote : info.base));
  const orders = useAccount((account) => account.orders);
  let openOrders = 0;
  for (const order of orders.values()) if (order.symbol === info.symbol && isOpen(order.status)) openOrders += 1;
  return { bestBid, bestAsk, last, free: ready ? (balance?.free ?? 0n) : null, openOrders };
}

function isEmpty(field: Field | null, form: { price: string; qty: string; total: string }): boolean {
  return field !== null && form[field] === "";
}

function Available({ info, free }: { info: SymbolInfo; free: Fixed | null }) {
  const side = useForm((form) => form.side);
  return (
    <p className="available">
      <span className="muted">Available</span>
      <span><bdi>{free === null ? "\u2013" : group(toDigits(free, side === "BUY" ? Math.max(2, info.priceDigits) : Math.max(2, info.qtyDigits)))}</bdi> {side === "BUY" ? info.quote : info.base}</span>
    </p>
  );
}

interface FieldProps {
  id: Field;
  label: string;
  unit: string;
  value: string;
  problems: Problem[];
  onChange: (text: string) => void;
  onKeyDown?: (event: KeyboardEvent<HTMLInputElement>) => void;
  children?: React.ReactNode;
}

function NumberField({ id, label, unit, value, problems, onChange, onKeyDown, children }: FieldProps) {
  const mine = problems.filter((problem) => problem.field === id);
  return (
    <div className={`field ${mine.some((problem) => !problem.mild) ? "wrong" : ""}`}>
      <label htmlFor={`order-${id}`}>{label}</label>
      <div className="box">
        <input
          id={`order-${id}`}
          inputMode="decimal"
          autoComplete="off"
          spellCheck={false}
          dir="ltr"
          placeholder="0"
          value={value}
          aria-invalid={mine.some((problem) => !problem.mild)}
          aria-describedby={mine.length > 0 ? `order-${id}-problems` : undefined}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <span className="unit">{unit}</span>
      </div>
      {children}
      {mine.length > 0 && (
        <div id={`order-${id}-problems`} className="problems">
          {mine.map((problem) => (
            <p key={problem.text} className={problem.mild ? "mild" : ""}>
              {problem.text}
              {problem.fix !== undefined && <button type="button" className="fix" onClick={() => onChange(problem.fix!)}>Use {group(problem.fix)}</button>}
            </p>
          ))}
        </div>
      )}
    </div>
  );
}

function LimitFields({ info, view, problems }: { info: SymbolInfo; view: MarketView; problems: Problem[] }) {
  const { price, qty, total } = useForm();
  const keys = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    stepPrice(event.key === "ArrowUp" ? 1n : -1n, event.shiftKey ? 10n : 1n);
  };
  return (
    <>
      <NumberField id="price" label="Price" unit={info.quote} value={price} problems={problems} onChange={(text) => setPrice(text)} onKeyDown={keys}>
        <div className="quick">
          {view.bestBid !== null && <button type="button" onClick={() => setPrice(toText(view.bestBid!))}>Bid <bdi>{money(view.bestBid, info.priceDigits)}</bdi></button>}
          {view.bestAsk !== null && <button type="button" onClick={() => setPrice(toText(view.bestAsk!))}>Ask <bdi>{money(view.bestAsk, info.priceDigits)}</bdi></button>}
        </div>
      </NumberField>
      <NumberField id="qty" label="Quantity" unit={info.base} value={qty} problems={problems} onChange={(text) => setQty(text)} />
      <NumberField id="total" label="Total" unit={info.quote} value={total} problems={problems} onChange={(text) => setTotal(text)} />
    </>
  );
}

function MarketFields({ info, problems }: { info: SymbolInfo; problems: Problem[] }) {
  const { qty, total, byTotal } = useForm();
  const choose = (next: boolean) => useForm.setState({ byTotal: next, percent: 0, refusal: null });
  return (
    <>
      {info.marketByTotal && (
        <div className="segments small" role="group" aria-label="Give the order as">
          <button type="button" aria-pressed={!byTotal} onClick={() => choose(false)}>Quantity</button>
          <button type="button" aria-pressed={byTotal} onClick={() => choose(true)}>Total</button>
        </div>
      )}
      {byTotal && info.marketByTotal
        ? <NumberField id="total" label="Total" unit={info.quote} value={total} problems={problems} onChange={(text) => setTotal(text)} />
        : <NumberField id="qty" label="Quantity" unit={info.base} value={qty} problems={problems} onChange={(text) => setQty(text)} />}
    </>
  );
}

/** A share of the free balance, kept on the market's grid. */
function PercentSlider({ info, view }: { info: SymbolInfo; view: MarketView }) {
  const { percent, side, type, byTotal, price } = useForm();
  const apply = (next: number) => {
    const free = view.free ?? 0n;
    if (type === "MARKET" && byTotal) {
      const reference = view.bestBid ?? 0n;
      const worth = side === "BUY" ? free : mulFloor(free, reference);
      return setTotal(toText((worth * BigInt(next)) / 100n), next);
    }
    // A market buy pays the asks, and perhaps not only the best one: half a percent is left aside.
    const at = type === "MARKET" ? ((view.bestAsk ?? view.last ?? 0n) * 1005n) / 1000n : (parse(price) ?? 0n);
    const qty = qtyForPercent(next, side, free, at, info.qty.step);
    setQty(qty > 0n ? toText(qty) : "", next);
  };
  return (
    <div className="percent">
      <input
        type="range" min={0} max={100} step={1} value={percent} list="percent-marks" disabled={view.free === null || view.free === 0n}
        aria-label="Share of the available balance" aria-valuetext={`${percent}%`} style={{ "--filled": `${percent}%` } as React.CSSProperties}
        onChange={(event) => apply(Number(event.target.value))}
      />
      <div className="marks">
        {[0, 25, 50, 75, 100].map((mark) => (
          <button key={mark} type="button" aria-label={`${mark}% of the available balance`} aria-pressed={percent === mark} disabled={view.free === null} onClick={() => apply(mark)}>{mark}%</button>
        ))}
      </div>
    </div>
  );
}

const FORCES: [TimeInForce, string][] = [["GTC", "Until canceled"], ["IOC", "At once, rest expires"], ["FOK", "All at once or nothing"]];

function ForceSelect() {
  const tif = useForm((form) => form.tif);
  return (
    <label className="force">
      <span className="muted">Time in force</span>
      <select value={tif} onChange={(event) => useForm.setState({ tif: event.target.value as TimeInForce })}>
        {FORCES.map(([value, does]) => <option key={value} value={value}>{value} ({does.toLowerCase()})</option>)}
      </select>
    </label>
  );
}

/** What the order would probably get and cost. */
function Summary({ info }: { info: SymbolInfo }) {
  const form = useForm();
  const levels = useFeed((feed) => (form.side === "BUY" ? feed.asks : feed.bids));
  const fees = useAccount((account) => account.fees.get(info.symbol));
  const text = form.type === "MARKET" && form.byTotal ? form.total : form.qty;
  const value = parse(text);
  const market = form.type === "MARKET" && value !== null && value > 0n ? estimateMarket(levels, form.byTotal ? { total: value } : { qty: value }) : null;
  const received = form.side === "BUY" ? (market?.qty ?? parse(form.qty)) : (market?.total ?? parse(form.total));
  const rate = fees && (form.type === "LIMIT_MAKER" ? fees.maker : fees.taker);
  const unit = form.side === "BUY" ? info.base : info.quote;
  return (
    <dl className="summary">
      {form.type === "MARKET" && <div><dt>Expected price</dt><dd><bdi>{market ? money(market.mean, info.priceDigits) : "\u2013"}</bdi></dd></div>}
      {form.type === "MARKET" && !form.byTotal && <div><dt>Expected total</dt><dd><bdi>{market ? money(market.total, Math.min(8, Math.max(2, info.priceDigits))) : "\u2013"}</bdi> {info.quote}</dd></div>}
      {form.type === "MARKET" && form.byTotal && <div><dt>Expected quantity</dt><dd><bdi>{market ? money(market.qty, info.qtyDigits) : "\u2013"}</bdi> {info.base}</dd></div>}
      <div><dt>{form.type === "LIMIT" ? "Fee at most" : "Fee"}</dt><dd><bdi>{rate !== undefined && received !== null && received > 0n ? `${amount(mulFloor(received, rate))} ${unit}` : rate !== undefined ? `${toText(rate * 100n)}%` : "\u2013"}</bdi></dd></div>
      {market?.short && <p className="problems"><span className="mild">The book in view does not hold enough for the whole order; the rest would expire.</span></p>}
    </dl>
  );
}
