// What the Node scripts share: rows of the scoreboard, the sandbox gateway, keys, a plain signed HTTP client, a proxy to cut.

import { appendFileSync } from 'node:fs';
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import net from 'node:net';
import { isDeepStrictEqual } from 'node:util';

export const ready = JSON.parse(process.env.HIGHWATER_READY);

export function row(area, name, pass, detail = '') {
  const line = JSON.stringify({ area, check: name, pass, detail: String(detail).slice(0, 400) });
  if (process.env.HIGHWATER_ROWS) appendFileSync(process.env.HIGHWATER_ROWS, line + '\n');
  else if (!pass) console.log(line);
}

// One check: passes when its work throws nothing.
export async function check(area, name, work) {
  try {
    await work();
    row(area, name, true);
  } catch (error) {
    const line = /:(\d+):\d+\)?$/m.exec((error?.stack ?? '').split('\n').find((l) => l.includes('/conformance/node/') && !l.includes('board.mjs')) ?? '')?.[1];
    row(area, name, false, `${error?.name}: ${error?.message ?? error} [line ${line}]`);
  }
}

export function equal(actual, expected, what = 'value') {
  if (!isDeepStrictEqual(actual, expected)) throw new Error(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

export function yes(condition, what) {
  if (!condition) throw new Error(what);
}

export async function refused(work, code, msg) {
  let answer;
  try {
    answer = await work();
  } catch (error) {
    equal([error.code, error.message], [code, msg], 'code and message');
    return;
  }
  throw new Error(`was not refused: ${JSON.stringify(answer)?.slice(0, 200)}`);
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Waits for something to come about; the deadline is generous and only there so that nothing hangs.
export async function until(condition, what, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`did not come about in ${seconds} s: ${what}`);
    await sleep(20);
  }
}

export async function sandbox(method, path, body) {
  const answer = await fetch(ready.sandbox + path, { method, headers: { 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`sandbox ${method} ${path}: ${answer.status} ${text.slice(0, 200)}`);
  return text ? JSON.parse(text) : null;
}

const filters = [
  { filterType: 'PRICE_FILTER', minPrice: '0.01000000', maxPrice: '1000000.00000000', tickSize: '0.01000000' },
  { filterType: 'LOT_SIZE', minQty: '0.00001000', maxQty: '9000.00000000', stepSize: '0.00001000' },
  { filterType: 'NOTIONAL', minNotional: '5.00000000', applyMinToMarket: true, maxNotional: '9000000.00000000', applyMaxToMarket: false, avgPriceMins: 5 },
];

export async function makeSymbol(base) {
  await sandbox('POST', '/symbols', { symbol: `${base}USDT`, baseAsset: base, quoteAsset: 'USDT', filters });
}

export async function makeAccount(balances, keyType = 'HMAC') {
  const body = { balances, keyType };
  let pair;
  if (keyType !== 'HMAC') {
    pair = keyType === 'RSA' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519');
    body.publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' });
  }
  const account = await sandbox('POST', '/accounts', body);
  if (pair) account.privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
  return account;
}

// Signs by hand, so that the clients under test have somebody to trade with.
export class Plain {
  constructor(account) {
    this.account = account;
  }

  async call(method, path, params) {
    const query = new URLSearchParams({ ...params, timestamp: Date.now() }).toString();
    const signature = createHmac('sha256', this.account.secretKey).update(query).digest('hex');
    const answer = await fetch(`${ready.rest}${path}?${query}&signature=${signature}`, { method, headers: { 'X-MBX-APIKEY': this.account.apiKey } });
    const body = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(body.msg), body);
    return body;
  }

  order(symbol, side, quantity, price) {
    return this.call('POST', '/api/v3/order', { symbol, side, quantity, type: 'LIMIT', timeInForce: 'GTC', price });
  }

  async cancelAll(symbol) {
    await this.call('DELETE', '/api/v3/openOrders', { symbol }).catch((error) => {
      if (error.code !== -2011) throw error;
    });
  }
}

// Two accounts and a market with a little history; `churn` makes one trade and one change of the book.
export async function market(base) {
  await makeSymbol(base);
  const symbol = `${base}USDT`;
  const [maker, taker] = await Promise.all([0, 1].map(async () => new Plain(await makeAccount({ USDT: '10000000', [base]: '10000' }))));
  for (const price of ['100.00', '100.50', '99.50']) {
    await maker.order(symbol, 'SELL', '1', price);
    await taker.order(symbol, 'BUY', '1', price);
  }
  await maker.order(symbol, 'BUY', '1', '98.00');
  await maker.order(symbol, 'SELL', '1', '103.00');
  const churn = async () => {
    await maker.order(symbol, 'SELL', '0.1', '100.00');
    await taker.order(symbol, 'BUY', '0.1', '100.00');
    const resting = await maker.order(symbol, 'BUY', '0.1', '97.00');
    await maker.call('DELETE', '/api/v3/order', { symbol, orderId: resting.orderId });
  };
  return { symbol, maker, taker, churn };
}

// Trades until it is stopped.
export function keepTrading(churn) {
  let going = true;
  const done = (async () => {
    while (going) {
      await churn();
      await sleep(100);
    }
  })();
  return async () => {
    going = false;
    await done;
  };
}

// A TCP proxy whose connections can be cut, so that a client's reconnect is its own work.
export async function proxy(target) {
  const url = new URL(target.replace(/^ws/, 'http'));
  const sockets = new Set();
  const server = net.createServer((near) => {
    const far = net.connect(Number(url.port), url.hostname);
    for (const side of [near, far]) {
      sockets.add(side);
      side.on('error', () => {});
      side.on('close', () => sockets.delete(side));
    }
    near.pipe(far).pipe(near);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    address: `ws://127.0.0.1:${server.address().port}`,
    cut() {
      const count = sockets.size;
      for (const side of sockets) side.destroy();
      return count;
    },
    close() {
      server.close();
      this.cut();
    },
  };
}

export const unique = () => `n-${randomBytes(6).toString('hex')}`;
