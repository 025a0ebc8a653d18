/**
 * The exchange's REST API, same origin. Signed requests carry HMAC-SHA256 over the query string exactly as sent.
 * The clock is the exchange's: `now()` is this device's clock plus an offset measured from `/api/v3/time`.
 */
import { ApiError, NoAnswer } from "./errors";

export interface Keys {
  apiKey: string;
  secretKey: string;
}

type Params = readonly (readonly [string, string | number])[];

const RECV_WINDOW = 5000;
const TIMEOUT_MS = 15_000;

let offset = 0;
let measured = false;

/** The exchange's time in milliseconds, as well as we know it. */
export function now(): number {
  return Date.now() + offset;
}

/** Measures the clock offset: the sample with the shortest round trip of three counts. */
export async function measureClock(): Promise<void> {
  let best = Infinity;
  for (let i = 0; i < 3; i++) {
    const sent = performance.now();
    const wall = Date.now();
    const { serverTime } = (await publicGet("/api/v3/time")) as { serverTime: number };
    const trip = performance.now() - sent;
    if (trip < best) {
      best = trip;
      offset = Math.round(serverTime - (wall + trip / 2));
    }
  }
  measured = true;
}

export function query(params: Params): string {
  return params.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`).join("&");
}

export async function publicGet(path: string, params: Params = []): Promise<unknown> {
  return send("GET", params.length > 0 ? `${path}?${query(params)}` : path, {});
}

const keyCache = new Map<string, Promise<CryptoKey>>();

export async function sign(secret: string, payload: string): Promise<string> {
  const encoder = new TextEncoder();
  let key = keyCache.get(secret);
  if (!key) {
    key = crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    keyCache.set(secret, key);
  }
  const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", await key, encoder.encode(payload)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A signed call. After -1021 (clocks differ) the clock is measured anew and the call is made once more. */
export async function signed(keys: Keys, method: string, path: string, params: Params = []): Promise<unknown> {
  if (!measured) await measureClock();
  try {
    return await signedOnce(keys, method, path, params);
  } catch (error) {
    // The refusal came before execution, so sending again cannot double anything.
    if (!(error instanceof ApiError) || error.code !== -1021) throw error;
    await measureClock();
    return signedOnce(keys, method, path, params);
  }
}

async function signedOnce(keys: Keys, method: string, path: string, params: Params): Promise<unknown> {
  const payload = query([...params, ["recvWindow", RECV_WINDOW], ["timestamp", now()]]);
  const signature = await sign(keys.secretKey, payload);
  return send(method, `${path}?${payload}&signature=${signature}`, { headers: { "X-MBX-APIKEY": keys.apiKey } });
}

/** Parameters of a signed WebSocket API call: sorted by name, values raw. */
export async function signedParams(keys: Keys, params: Record<string, string | number>): Promise<Record<string, string | number>> {
  if (!measured) await measureClock();
  const all: Record<string, string | number> = { ...params, apiKey: keys.apiKey, recvWindow: RECV_WINDOW, timestamp: now() };
  const payload = Object.keys(all).sort().map((name) => `${name}=${all[name]}`).join("&");
  return { ...all, signature: await sign(keys.secretKey, payload) };
}

export async function postJson(path: string, body: unknown): Promise<unknown> {
  return send("POST", path, { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

/** Whether the exchange runs with its sandbox, which opens funded accounts. */
export async function hasSandbox(): Promise<boolean> {
  try {
    const response = await fetch("/sandbox/v1", { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.ok && (response.headers.get("content-type") ?? "").startsWith("application/json");
  } catch {
    return false;
  }
}

async function send(method: string, url: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { ...init, method, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    text = await response.text();
  } catch (cause) {
    throw new NoAnswer(cause);
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    if (response.status >= 500) throw new NoAnswer(new Error(`HTTP ${response.status}`));
    throw new ApiError(response.status, 0, `HTTP ${response.status} from ${url.split("?")[0]}`);
  }
  if (response.ok) return body;
  const { code, msg } = body as { code?: number; msg?: string };
  const retryAfter = response.headers.get("Retry-After");
  throw new ApiError(response.status, code ?? 0, msg ?? `HTTP ${response.status}`, retryAfter === null ? null : Number(retryAfter));
}
