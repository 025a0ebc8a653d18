/** What the page knows of a symbol, read from exchangeInfo. */
import { dec, decimalsOf, type Fixed } from "./decimal";

export interface RawFilter {
  filterType: string;
  [field: string]: unknown;
}

export interface RawSymbol {
  symbol: string;
  status: string;
  baseAsset: string;
  quoteAsset: string;
  orderTypes?: string[];
  quoteOrderQtyMarketAllowed?: boolean;
  filters?: RawFilter[];
}

export interface Grid {
  min: Fixed;
  max: Fixed;
  step: Fixed;
}

export interface Percent {
  bidUp: Fixed;
  bidDown: Fixed;
  askUp: Fixed;
  askDown: Fixed;
}

export interface SymbolInfo {
  symbol: string;
  status: string;
  base: string;
  quote: string;
  orderTypes: string[];
  marketByTotal: boolean;
  /** A zero in any field means that this limit is off. */
  price: Grid;
  qty: Grid;
  marketQty: Grid;
  minNotional: Fixed;
  maxNotional: Fixed;
  minNotionalOnMarket: boolean;
  maxNotionalOnMarket: boolean;
  percent: Percent | null;
  maxOrders: number;
  priceDigits: number;
  qtyDigits: number;
}

const OFF: Grid = { min: 0n, max: 0n, step: 0n };

function field(filter: RawFilter | undefined, name: string): Fixed {
  const value = filter?.[name];
  return typeof value === "string" ? dec(value) : 0n;
}

function grid(filter: RawFilter | undefined, lo: string, hi: string, step: string): Grid {
  return filter ? { min: field(filter, lo), max: field(filter, hi), step: field(filter, step) } : OFF;
}

export function readSymbol(raw: RawSymbol): SymbolInfo {
  const of = (type: string) => raw.filters?.find((filter) => filter.filterType === type);
  const notional = of("NOTIONAL") ?? of("MIN_NOTIONAL");
  const sided = of("PERCENT_PRICE_BY_SIDE");
  const both = of("PERCENT_PRICE");
  const price = grid(of("PRICE_FILTER"), "minPrice", "maxPrice", "tickSize");
  const qty = grid(of("LOT_SIZE"), "minQty", "maxQty", "stepSize");
  const info: SymbolInfo = {
    symbol: raw.symbol,
    status: raw.status,
    base: raw.baseAsset,
    quote: raw.quoteAsset,
    orderTypes: raw.orderTypes ?? ["LIMIT", "LIMIT_MAKER", "MARKET"],
    marketByTotal: raw.quoteOrderQtyMarketAllowed ?? true,
    price,
    qty,
    marketQty: grid(of("MARKET_LOT_SIZE"), "minQty", "maxQty", "stepSize"),
    minNotional: field(notional, "minNotional"),
    maxNotional: field(notional, "maxNotional"),
    minNotionalOnMarket: (notional?.["applyMinToMarket"] ?? notional?.["applyToMarket"] ?? false) === true,
    maxNotionalOnMarket: notional?.["applyMaxToMarket"] === true,
    percent: null,
    maxOrders: Number(of("MAX_NUM_ORDERS")?.["maxNumOrders"] ?? 0),
    priceDigits: decimalsOf(price.step),
    qtyDigits: decimalsOf(qty.step),
  };
  if (sided) {
    info.percent = {
      bidUp: field(sided, "bidMultiplierUp"),
      bidDown: field(sided, "bidMultiplierDown"),
      askUp: field(sided, "askMultiplierUp"),
      askDown: field(sided, "askMultiplierDown"),
    };
  } else if (both) {
    const up = field(both, "multiplierUp");
    const down = field(both, "multiplierDown");
    info.percent = { bidUp: up, bidDown: down, askUp: up, askDown: down };
  }
  return info;
}
