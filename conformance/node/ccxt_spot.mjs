// ccxt for Node, unmodified, with only its addresses changed.

import ccxt from 'ccxt';
import { check, equal, keepTrading, makeAccount, market, proxy, ready, sandbox, yes } from './board.mjs';

const SYMBOL = 'NCX/USDT';

const options = (account, ws = ready.ws) => ({
  urls: { api: { public: `${ready.rest}/api/v3`, private: `${ready.rest}/api/v3`, ws: { spot: `${ws}/ws`, 'ws-api': { spot: ready.wsapi } } } },
  options: { fetchMarkets: { types: ['spot'] }, fetchCurrencies: false, fetchMargins: false },
  enableRateLimit: false,
  timeout: 20000,
  ...(account && { apiKey: account.apiKey, secret: account.privateKey ?? account.secretKey }),
});

async function refusedAs(kind, work) {
  try {
    await work();
  } catch (error) {
    yes(error instanceof kind, `${error.constructor.name} instead of ${kind.name}: ${error.message}`);
    return;
  }
  throw new Error('was not refused');
}

const limited = (promise, seconds = 20) => Promise.race([promise, new Promise((_, no) => setTimeout(() => no(new Error(`nothing in ${seconds} s`)), seconds * 1000))]);

// ccxt for Node wants its agent loaded before it opens a socket without TLS.
async function client(account, ws) {
  const exchange = new ccxt.pro.binance(options(account, ws));
  await exchange.loadHttpProxyAgent();
  return exchange;
}

const { symbol, maker, churn } = await market('NCX');
const open = await client();
await check('markets', 'loadMarkets reads grids and limits', async () => {
  const found = (await open.loadMarkets())[SYMBOL];
  equal([found.precision.price, found.precision.amount, found.limits.cost.min], [0.01, 0.00001, 5]);
});
for (const [method, ...parameters] of [
  ['fetchTime'], ['fetchTicker', SYMBOL], ['fetchTickers', [SYMBOL]], ['fetchBidsAsks', [SYMBOL]], ['fetchOrderBook', SYMBOL], ['fetchTrades', SYMBOL], ['fetchOHLCV', SYMBOL, '1m'],
]) {
  await check('market data', method, async () => yes(await open[method](...parameters), 'empty'));
}

await maker.cancelAll(symbol);
const account = await makeAccount({ USDT: '100000' });
const exchange = await client(account);
await exchange.loadMarkets();
await check('trading', 'limit order: open, partially filled, closed', async () => {
  const order = await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.5, 100);
  equal([order.status, order.remaining], ['open', 0.5]);
  await maker.order(symbol, 'SELL', '0.2', '100.00');
  equal((await exchange.fetchOrder(order.id, SYMBOL)).filled, 0.2);
  await maker.order(symbol, 'SELL', '0.3', '100.00');
  equal((await exchange.fetchOrder(order.id, SYMBOL)).status, 'closed');
});
await check('trading', 'market order', async () => {
  await maker.order(symbol, 'SELL', '0.1', '101.00');
  const order = await exchange.createOrder(SYMBOL, 'market', 'buy', 0.1);
  equal([order.status, order.average], ['closed', 101]);
});
await check('trading', 'edit, open orders, cancel, cancel all', async () => {
  const order = await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.1, 95);
  const edited = await exchange.editOrder(order.id, SYMBOL, 'limit', 'buy', 0.2, 94);
  equal((await exchange.fetchOpenOrders(SYMBOL)).length, 1);
  equal((await exchange.cancelOrder(edited.id, SYMBOL)).status, 'canceled');
  await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.1, 93);
  await exchange.cancelAllOrders(SYMBOL);
  equal(await exchange.fetchOpenOrders(SYMBOL), []);
});
await check('account', 'balance, orders, my trades', async () => {
  yes((await exchange.fetchBalance()).USDT.free > 0, 'no money');
  yes((await exchange.fetchOrders(SYMBOL)).length >= 5, 'orders are missing');
  yes((await exchange.fetchMyTrades(SYMBOL)).length >= 3, 'trades are missing');
});
await check('errors', 'InsufficientFunds, OrderNotFound, BadRequest', async () => {
  await refusedAs(ccxt.InsufficientFunds, () => exchange.createOrder(SYMBOL, 'limit', 'buy', 8000, 100));
  await refusedAs(ccxt.OrderNotFound, () => exchange.fetchOrder('987654321', SYMBOL));
  await refusedAs(ccxt.BadRequest, () => exchange.createOrder(SYMBOL, 'limit', 'buy', 0.01, 100));
});
for (const keyType of ['RSA', 'ED25519']) {
  await check('keys', `${keyType} signs queries and orders`, async () => {
    const signer = new ccxt.binance(options(await makeAccount({ USDT: '1000' }, keyType)));
    await signer.loadMarkets();
    const order = await signer.createOrder(SYMBOL, 'limit', 'buy', 0.1, 90);
    equal((await signer.cancelOrder(order.id, SYMBOL)).status, 'canceled');
  });
}

const stop = keepTrading(churn);
for (const [method, ...parameters] of [
  ['watchTrades', SYMBOL], ['watchOHLCV', SYMBOL, '1m'], ['watchTicker', SYMBOL], ['watchBidsAsks', [SYMBOL]], ['watchOrderBook', SYMBOL],
]) {
  await check('streams', method, async () => {
    for (let i = 0; i < 3; i += 1) yes(await limited(open[method](...parameters)), 'empty');
  });
}
await check('reconnect', 'a cut connection is opened again and the stream goes on', async () => {
  const cuttable = await proxy(ready.ws);
  const cut = await client(undefined, cuttable.address);
  await limited(cut.watchTrades(SYMBOL));
  yes(cuttable.cut() > 0, 'there was no connection to cut');
  let again = false;
  for (let i = 0; i < 20 && !again; i += 1) {
    again = await limited(cut.watchTrades(SYMBOL)).then(Boolean, (error) => {
      if (error instanceof ccxt.NetworkError) return false;
      throw error;
    });
  }
  yes(again, 'did not come back');
  await cut.close();
  cuttable.close();
});
await stop();
await check('WebSocket API', 'createOrderWs, fetchOrderWs, cancelOrderWs, fetchBalanceWs', async () => {
  const order = await limited(exchange.createOrderWs(SYMBOL, 'limit', 'buy', 0.2, 95));
  equal((await limited(exchange.fetchOrderWs(order.id, SYMBOL))).status, 'open');
  equal((await limited(exchange.cancelOrderWs(order.id, SYMBOL))).status, 'canceled');
  yes((await limited(exchange.fetchBalanceWs())).info.balances.length, 'no balances');
});
await check('user data', 'watchOrders', async () => {
  const watching = exchange.watchOrders(SYMBOL);
  await new Promise((done) => setTimeout(done, 1000));
  const order = await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.1, 90);
  equal((await limited(watching)).at(-1).id, order.id);
});
await check('state', 'the audit is clean at the end', async () => equal((await sandbox('GET', '/state')).audit, 'ok'));
process.exit(0);
