import { describe, expect, it } from "vitest";
import { fromRest, isOpen, mergeFills, mergeOrders, type RestOrder } from "../app/account/orders";
import { dec, toText } from "../app/lib/decimal";
import { ApiError, plainWords } from "../app/lib/errors";
import { changePercent, compact, group, signed } from "../app/lib/format";
import { checkOrder, type Draft, estimateMarket, type MarketView, orderParams, qtyForPercent } from "../app/lib/order";
import { pauseAfter } from "../app/lib/socket";
import { readSymbol } from "../app/lib/symbols";
import { candleFromRest, joinCandles, withTrade } from "../app/market/candles";
import { query, sign } from "../app/lib/api";

const info = readSymbol({
  symbol: "BTCUSDT", status: "TRADING", baseAsset: "BTC", quoteAsset: "USDT",
  filters: [
    { filterType: "PRICE_FILTER", minPrice: "0.01000000", maxPrice: "1000000.00000000", tickSize: "0.01000000" },
    { filterType: "LOT_SIZE", minQty: "0.00001000", maxQty: "9000.00000000", stepSize: "0.00001000" },
    { filterType: "MARKET_LOT_SIZE", minQty: "0.00000000", maxQty: "50.00000000", stepSize: "0.00000000" },
    { filterType: "NOTIONAL", minNotional: "5.00000000", applyMinToMarket: true, maxNotional: "9000000.00000000", applyMaxToMarket: false, avgPriceMins: 5 },
    { filterType: "MAX_NUM_ORDERS", maxNumOrders: 200 },
  ],
});
const view: MarketView = { bestBid: dec("100"), bestAsk: dec("100.02"), last: dec("100.01"), free: dec("1000"), openOrders: 0 };
const draft = (over: Partial<Draft>): Draft => ({ side: "BUY", type: "LIMIT", tif: "GTC", price: "100", qty: "1", total: "", byTotal: false, ...over });
const first = (over: Partial<Draft>, see: Partial<MarketView> = {}) => checkOrder(draft(over), info, { ...view, ...see })[0];

describe("checks before sending", () => {
  it("lets a good order pass", () => {
    expect(checkOrder(draft({}), info, view)).toEqual([]);
    expect(checkOrder(draft({ type: "MARKET", qty: "1" }), info, view)).toEqual([]);
  });
  it("explains each filter and offers a value that passes", () => {
    expect(first({ price: "100.005" })).toMatchObject({ field: "price", fix: "100.01" });
    expect(first({ price: "0.001" })).toMatchObject({ field: "price", fix: "0.01" });
    expect(first({ qty: "0.123456" })).toMatchObject({ field: "qty", fix: "0.12345" });
    expect(first({ qty: "0.04" })).toMatchObject({ field: "qty", fix: "0.05001" });
    expect(first({ qty: "11" })?.text).toMatch(/1,000.00 USDT free/);
    expect(first({ side: "SELL", qty: "2" }, { free: dec("1.5") })?.text).toMatch(/1.50 BTC free/);
    expect(first({ type: "MARKET", qty: "51", side: "SELL" }, { free: dec("99") })).toMatchObject({ field: "qty", fix: "50" });
    expect(first({ type: "MARKET", byTotal: true, total: "4" })).toMatchObject({ field: "total", fix: "5" });
    expect(first({}, { openOrders: 200 })?.field).toBeNull();
    expect(first({ qty: "" })?.text).toMatch(/more than zero/);
  });
  it("remarks without stopping", () => {
    expect(first({ type: "LIMIT_MAKER", price: "100.02" })).toMatchObject({ mild: true, fix: "100" });
    expect(first({ price: "106" })).toMatchObject({ mild: true, fix: "100.02" });
  });
  it("stops everything while the market is closed", () => {
    expect(checkOrder(draft({}), { ...info, status: "HALT" }, view)[0]?.text).toMatch(/not open/);
  });
});

describe("what is sent", () => {
  it("has exactly the parameters of each type, in plain decimals", () => {
    expect(query(orderParams(draft({ price: "100.10", qty: "0.5000" }), "BTCUSDT", "x"))).toBe(
      "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.5&price=100.1&newClientOrderId=x&newOrderRespType=FULL");
    expect(query(orderParams(draft({ type: "LIMIT_MAKER" }), "BTCUSDT", "x"))).not.toMatch(/timeInForce/);
    expect(query(orderParams(draft({ type: "MARKET", byTotal: true, total: "50." }), "BTCUSDT", "x"))).toBe(
      "symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=50&newClientOrderId=x&newOrderRespType=FULL");
  });
  it("is signed as the documented example", async () => {
    const secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    expect(await sign(secret, "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"))
      .toBe("c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71");
  });
  it("never costs more than the share of the balance", () => {
    for (const percent of [1, 33, 50, 99, 100]) {
      const qty = qtyForPercent(percent, "BUY", dec("999.99"), dec("97.31"), info.qty.step);
      expect(qty % info.qty.step).toBe(0n);
      expect(qty * dec("97.31") <= (dec("999.99") * 100_000_000n * BigInt(percent)) / 100n).toBe(true);
    }
    expect(toText(qtyForPercent(100, "SELL", dec("1.234567"), 0n, info.qty.step))).toBe("1.23456");
    expect(qtyForPercent(50, "BUY", dec("10"), 0n, info.qty.step)).toBe(0n);
  });
  it("estimates a market order through the levels", () => {
    const levels = [[dec("100"), dec("1")], [dec("110"), dec("1")]] as const;
    expect(estimateMarket(levels, { qty: dec("2") })).toMatchObject({ mean: dec("105"), worst: dec("110"), short: false });
    expect(estimateMarket(levels, { qty: dec("3") })?.short).toBe(true);
    expect(estimateMarket(levels, { total: dec("155") })).toMatchObject({ qty: dec("1.5"), total: dec("155"), short: false });
    expect(estimateMarket([], { qty: dec("1") })).toBeNull();
  });
});

describe("news of orders", () => {
  const raw = (over: Partial<RestOrder>): RestOrder => ({
    symbol: "BTCUSDT", orderId: 7, clientOrderId: "c", side: "BUY", type: "LIMIT", timeInForce: "GTC", price: "100", origQty: "2",
    executedQty: "0", cummulativeQuoteQty: "0", status: "NEW", transactTime: 10, ...over,
  });
  const after = (...list: RestOrder[]) => list.reduce((map, each) => mergeOrders(map, [fromRest(each)]), new Map()).get("BTCUSDT:7");
  it("never goes backwards, in whatever order it comes", () => {
    const filled = raw({ status: "FILLED", executedQty: "2", transactTime: 11 });
    const partly = raw({ status: "PARTIALLY_FILLED", executedQty: "1", transactTime: 11 });
    expect(after(raw({}), partly, filled).status).toBe("FILLED");
    expect(after(filled, partly, raw({ transactTime: 12 })).status).toBe("FILLED");
    expect(after(partly, raw({})).executedQty).toBe(dec("1"));
    expect(isOpen(after(raw({}), raw({ status: "CANCELED", transactTime: 12 })).status)).toBe(false);
  });
  it("holds each fill once", () => {
    const fill = (tradeId: number, time: number) => ({ symbol: "BTCUSDT", tradeId, orderId: 7, side: "BUY" as const, price: 1n, qty: 1n, quote: 1n, fee: 0n, feeAsset: "BTC", maker: false, time });
    expect(mergeFills([fill(1, 10)], [fill(2, 11), fill(1, 10)]).map((each) => each.tradeId)).toEqual([2, 1]);
  });
});

describe("words and numbers for people", () => {
  it("groups, shortens and signs", () => {
    expect(group("1234567.891")).toBe("1,234,567.891");
    expect([compact(dec("999.5")), compact(dec("1234")), compact(dec("45600000")), compact(dec("0.001234"))]).toEqual(["999.50", "1.23K", "45.60M", "0.001234"]);
    expect(changePercent(dec("100"), dec("97.5"))).toBe("\u22122.50%");
    expect(changePercent(dec("100"), dec("102.04"))).toBe("+2.04%");
    expect(changePercent(0n, dec("1"))).toBe("0.00%");
    expect(signed(dec("-1939.96"), 2)).toBe("\u22121,939.96");
  });
  it("says refusals plainly", () => {
    expect(plainWords(new ApiError(400, -1013, "Filter failure: LOT_SIZE"), info)).toMatch(/multiple of 0.00001/);
    expect(plainWords(new ApiError(400, -2010, "Account has insufficient balance for requested action."))).toMatch(/not enough free balance/);
    expect(plainWords(new ApiError(400, -2010, "Order would immediately match and take."))).toMatch(/post-only/);
    expect(plainWords(new ApiError(429, -1003, "Too many requests.", 7))).toMatch(/7 s/);
    expect(plainWords(new ApiError(400, -9999, "Something new."))).toBe("Something new.");
  });
});

describe("candles and reconnecting", () => {
  const candle = (t: number, c = "1") => candleFromRest([t, "1", "2", "0.5", c, "9", t + 59]);
  it("joins history without doubling and follows trades", () => {
    expect(joinCandles([candle(0), candle(60)], [candle(60, "1.5"), candle(120)]).map((each) => [each.t, each.c])).toEqual([[0, 1], [60, 1.5], [120, 1]]);
    expect(withTrade(candle(60), 70, 3)).toMatchObject({ c: 3, h: 3, l: 0.5 });
    expect(withTrade(candle(60), 120, 3)).toBeNull();
  });
  it("waits longer after each failure, within bounds", () => {
    expect(pauseAfter(1, 1)).toBe(400);
    expect(pauseAfter(2, 1)).toBe(800);
    expect(pauseAfter(1, 0)).toBe(200);
    expect(pauseAfter(50, 1)).toBe(15_000);
  });
});
