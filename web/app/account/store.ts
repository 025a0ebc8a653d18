/** The signed-in account: keys, balances, orders and fills. The exchange is the authority; this follows it. */
import { create } from "zustand";
import { hasSandbox, type Keys, postJson, signed } from "../lib/api";
import { dec, type Fixed } from "../lib/decimal";
import { fine, isBadKey, plainWords } from "../lib/errors";
import { useMarket } from "../market/store";
import { notify } from "../shell/notices";
import {
  type FillRow, fillFromRest, fromRest, isOpen, mergeFills, mergeOrders, type OrderRow, orderKey, type RestFill, type RestOrder,
} from "./orders";
import { UserStream } from "./user-stream";

export interface Balance {
  free: Fixed;
  locked: Fixed;
}

interface StoredKeys extends Keys {
  accountId?: number;
}

export interface FeeRates {
  maker: Fixed;
  taker: Fixed;
}

interface AccountState {
  keys: StoredKeys | null;
  /** Whether this exchange opens funded demo accounts; `null` while unknown. */
  demo: boolean | null;
  /** Balances and open orders have been loaded. */
  ready: boolean;
  live: boolean;
  signingIn: boolean;
  balances: Map<string, Balance>;
  orders: Map<string, OrderRow>;
  fills: FillRow[];
  /** Symbols whose order and trade history has been loaded. */
  historyOf: Set<string>;
  fees: Map<string, FeeRates>;
}

const KEY = "highwater.keys";

const BLANK = {
  ready: false,
  live: false,
  signingIn: false,
  balances: new Map<string, Balance>(),
  orders: new Map<string, OrderRow>(),
  fills: [] as FillRow[],
  historyOf: new Set<string>(),
  fees: new Map<string, FeeRates>(),
};

export const useAccount = create<AccountState>(() => ({ ...BLANK, keys: storedKeys(), demo: null }));

/** Enough of everything that the demo market trades. */
const DEMO_FUNDS: Record<string, string> = { USDT: "100000", BTC: "1", ETH: "10", SOL: "100", TIDE: "10000", XRP: "10000" };

let stream: UserStream | null = null;
/** Orders that changed while a snapshot of the open orders was under way. */
const touched = new Set<string>();

function storedKeys(): StoredKeys | null {
  try {
    const keys = JSON.parse(localStorage.getItem(KEY) ?? "null") as StoredKeys | null;
    return keys && typeof keys.apiKey === "string" && typeof keys.secretKey === "string" ? keys : null;
  } catch {
    return null;
  }
}

export async function startAccount(): Promise<void> {
  useMarket.subscribe((state, before) => {
    if (state.symbol !== before.symbol) void loadHistory(state.symbol);
  });
  if (useAccount.getState().keys) connect();
  useAccount.setState({ demo: await hasSandbox() });
}

export async function signInToDemo(): Promise<void> {
  if (useAccount.getState().signingIn) return;
  useAccount.setState({ signingIn: true });
  try {
    const keys = (await postJson("/sandbox/v1/accounts", { balances: DEMO_FUNDS })) as StoredKeys;
    signIn({ accountId: keys.accountId, apiKey: keys.apiKey, secretKey: keys.secretKey });
    notify("good", "Your demo account is open", "It holds 100,000 USDT and some of every asset. None of it is real money.");
  } catch (error) {
    useAccount.setState({ signingIn: false });
    notify("bad", "No demo account could be opened", plainWords(error), fine(error));
  }
}

/** Takes keys that the user brought, once the exchange has accepted them. */
export async function signInWithKeys(keys: Keys): Promise<void> {
  useAccount.setState({ signingIn: true });
  try {
    await signed(keys, "GET", "/api/v3/account");
    signIn(keys);
  } finally {
    useAccount.setState({ signingIn: false });
  }
}

function signIn(keys: StoredKeys): void {
  localStorage.setItem(KEY, JSON.stringify(keys));
  stream?.close();
  useAccount.setState({ ...BLANK, keys });
  connect();
}

export function signOut(): void {
  localStorage.removeItem(KEY);
  stream?.close();
  stream = null;
  useAccount.setState({ ...BLANK, keys: null });
}

export async function addDemoFunds(asset: string, quantity: string): Promise<void> {
  const { keys } = useAccount.getState();
  if (keys?.accountId === undefined) return;
  try {
    await postJson(`/sandbox/v1/accounts/${keys.accountId}/fund`, { asset, amount: quantity });
    await loadBalances();
    notify("good", `Added ${quantity} ${asset}`);
  } catch (error) {
    notify("bad", "Nothing was added", plainWords(error), fine(error));
  }
}

function connect(): void {
  const { keys } = useAccount.getState();
  if (!keys) return;
  stream = new UserStream(keys, {
    // From here on every change is told; what happened before comes by REST.
    onSubscribed: () => {
      useAccount.setState({ live: true });
      void loadAll();
    },
    onLost: () => useAccount.setState({ live: false }),
    onRefused: (error) => refused(error),
    onOrder: (order, fill) => {
      touched.add(orderKey(order));
      useAccount.setState((state) => ({
        orders: mergeOrders(state.orders, [order]),
        fills: fill ? mergeFills(state.fills, [fill]) : state.fills,
      }));
    },
    onBalances: (list) => {
      const balances = new Map(useAccount.getState().balances);
      for (const { a, f, l } of list) balances.set(a, { free: dec(f), locked: dec(l) });
      useAccount.setState({ balances });
    },
    onTransfer: () => void loadBalances(),
  });
}

function refused(error: unknown): void {
  if (!isBadKey(error)) return;
  signOut();
  notify("info", "You were signed out", "This exchange does not know the stored API key. The demo may have started with fresh data.", fine(error));
}

async function attempt(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isBadKey(error)) refused(error);
    else notify("bad", `Could not load ${what}`, plainWords(error), fine(error));
  }
}

async function call(method: string, path: string, params: readonly (readonly [string, string | number])[] = []): Promise<unknown> {
  const { keys } = useAccount.getState();
  if (!keys) throw new Error("Sign in first.");
  return signed(keys, method, path, params);
}

async function loadAll(): Promise<void> {
  await attempt("your account", async () => {
    await Promise.all([loadBalances(), loadOpenOrders()]);
    useAccount.setState({ ready: true });
  });
  useAccount.setState({ historyOf: new Set() });
  await loadHistory(useMarket.getState().symbol);
}

async function loadBalances(): Promise<void> {
  const { balances } = (await call("GET", "/api/v3/account", [["omitZeroBalances", "true"]])) as {
    balances: { asset: string; free: string; locked: string }[];
  };
  useAccount.setState({ balances: new Map(balances.map(({ asset, free, locked }) => [asset, { free: dec(free), locked: dec(locked) }])) });
}

async function loadOpenOrders(): Promise<void> {
  touched.clear();
  const open = ((await call("GET", "/api/v3/openOrders")) as RestOrder[]).map(fromRest);
  const present = new Set(open.map(orderKey));
  useAccount.setState((state) => {
    // What we thought open and the exchange no longer lists has closed while we were not told.
    const kept = [...state.orders].filter(([key, order]) => !isOpen(order.status) || present.has(key) || touched.has(key));
    return { orders: mergeOrders(new Map(kept), open) };
  });
}

export async function loadHistory(symbol: string): Promise<void> {
  const { keys, historyOf } = useAccount.getState();
  if (!keys || historyOf.has(symbol) || !useMarket.getState().symbols.has(symbol)) return;
  useAccount.setState({ historyOf: new Set(historyOf).add(symbol) });
  await attempt("your history", async () => {
    const [orders, fills, commission] = (await Promise.all([
      call("GET", "/api/v3/allOrders", [["symbol", symbol], ["limit", 200]]),
      call("GET", "/api/v3/myTrades", [["symbol", symbol], ["limit", 200]]),
      call("GET", "/api/v3/account/commission", [["symbol", symbol]]),
    ])) as [RestOrder[], RestFill[], { standardCommission: { maker: string; taker: string } }];
    const { maker, taker } = commission.standardCommission;
    useAccount.setState((state) => ({
      orders: mergeOrders(state.orders, orders.map(fromRest)),
      fills: mergeFills(state.fills, fills.map(fillFromRest)),
      fees: new Map(state.fees).set(symbol, { maker: dec(maker), taker: dec(taker) }),
    }));
  });
}

/** Takes the exchange's answer to an order or a cancel. */
export function takeOrder(raw: RestOrder): void {
  const order = fromRest(raw);
  touched.add(orderKey(order));
  useAccount.setState((state) => ({ orders: mergeOrders(state.orders, [order]) }));
}

export { call };
