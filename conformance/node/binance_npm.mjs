// The community's Node client (npm `binance`), unmodified: REST, market streams, WebSocket API, user data.

import { MainClient, WebsocketAPIClient, WebsocketClient } from 'binance';
import { check, equal, keepTrading, makeAccount, market, ready, sandbox, until, yes } from './board.mjs';

const quiet = { trace() {}, info() {}, error() {} };
const keysOf = (account) => ({ api_key: account.apiKey, api_secret: account.privateKey ?? account.secretKey });
const rest = (account) => new MainClient({ baseUrl: ready.rest, disableTimeSync: true, ...(account ? keysOf(account) : {}) });

async function refused(work, code, message) {
  let answer;
  try {
    answer = await work();
  } catch (error) {
    equal([error.code, error.message], [code, message], 'code and message');
    return;
  }
  throw new Error(`was not refused: ${JSON.stringify(answer)?.slice(0, 200)}`);
}

async function publicMethods(api, symbol) {
  const table = [
    ['testConnectivity'], ['getExchangeInfo', { symbol }], ['getOrderBook', { symbol, limit: 5 }], ['getRecentTrades', { symbol }],
    ['getHistoricalTrades', { symbol }], ['getAggregateTrades', { symbol }], ['getKlines', { symbol, interval: '1m' }],
    ['getUIKlines', { symbol, interval: '1m' }], ['getAvgPrice', { symbol }], ['get24hrChangeStatistics', { symbol }],
    ['getTradingDayTicker', { symbol }], ['getSymbolPriceTicker', { symbol }], ['getSymbolOrderBookTicker', { symbol }], ['getRollingWindowTicker', { symbol }],
  ];
  for (const [method, parameters] of table) {
    await check('market data', method, async () => {
      const data = await api[method](parameters);
      if (method !== 'testConnectivity') yes(data === Object(data) ? Object.keys(data).length : data > 0, 'empty');
    });
  }
}

async function trading(api, symbol, maker) {
  // A function, because the client writes the order's id into what it is given.
  const limit = (change) => ({ symbol, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: 0.5, price: 100, ...change });
  const find = async (orderId) => (await api.getOrder({ symbol, orderId })).status;
  await check('trading', 'a limit order rests, is partially filled, filled', async () => {
    const order = await api.submitNewOrder(limit());
    equal(order.status, 'NEW');
    await maker.order(symbol, 'SELL', '0.2', '100.00');
    equal(await find(order.orderId), 'PARTIALLY_FILLED');
    await maker.order(symbol, 'SELL', '0.3', '100.00');
    equal(await find(order.orderId), 'FILLED');
  });
  await check('trading', 'cancel-replace, cancel, cancel all, order/test', async () => {
    const first = await api.submitNewOrder(limit({ price: 95 }));
    const replaced = await api.replaceOrder(limit({ price: 94, cancelReplaceMode: 'STOP_ON_FAILURE', cancelOrderId: first.orderId }));
    equal([replaced.cancelResult, replaced.newOrderResult], ['SUCCESS', 'SUCCESS']);
    equal((await api.cancelOrder({ symbol, orderId: replaced.newOrderResponse.orderId })).status, 'CANCELED');
    await api.submitNewOrder(limit({ price: 93 }));
    equal((await api.cancelAllSymbolOrders({ symbol })).length, 1);
    equal(await api.testNewOrder(limit()), {});
  });
  await check('order lists', 'an OCO is placed, found and canceled', async () => {
    const list = await api.submitNewOCO({ symbol, side: 'BUY', quantity: 0.5, price: 92, stopPrice: 130 });
    equal([list.contingencyType, list.orderReports.length], ['OCO', 2]);
    equal((await api.cancelOCO({ symbol, orderListId: list.orderListId })).listOrderStatus, 'ALL_DONE');
  });
  for (const [method, parameters] of [['getAccountInformation'], ['getAllOrders', { symbol }], ['getAccountTradeList', { symbol }], ['getOrderRateLimit']]) {
    await check('account', method, async () => yes(Object.keys(await api[method](parameters)).length, 'empty'));
  }
  await check('errors', 'code and message', async () => {
    await refused(() => api.submitNewOrder(limit({ price: 100.001 })), -1013, 'Filter failure: PRICE_FILTER');
    await refused(() => api.submitNewOrder(limit({ quantity: 8000 })), -2010, 'Account has insufficient balance for requested action.');
    await refused(() => find(987654321), -2013, 'Order does not exist.');
  });
}

async function streams(symbol, churn) {
  const client = new WebsocketClient({ wsUrl: ready.ws, beautify: true }, quiet);
  const got = [];
  client.on('message', (message) => got.push(message));
  client.on('exception', () => {});
  const name = symbol.toLowerCase();
  const table = { trade: 'trade', aggTrade: 'aggTrade', kline_1m: 'kline', 'depth@100ms': 'depthUpdate', ticker: '24hrTicker', miniTicker: '24hrMiniTicker' };
  await client.subscribe(Object.keys(table).map((stream) => `${name}@${stream}`), 'main');
  const stop = keepTrading(churn);
  for (const [stream, event] of Object.entries(table)) {
    await check('streams', stream, async () => {
      const message = await until(() => got.find((m) => (m.data ?? m).e === event), `a ${event}`);
      equal((message.data ?? message).s, symbol);
    });
  }
  await stop();
  client.closeAll(true);
}

async function websocketApi(symbol, maker, keyType) {
  const area = `WebSocket API, ${keyType} key`;
  const account = await makeAccount({ USDT: '100000' }, keyType);
  const events = [];
  const api = new WebsocketAPIClient({ wsUrl: ready.wsapi.replace('/ws-api/v3', ''), ...keysOf(account), attachEventListeners: false }, quiet);
  const socket = api.getWSClient();
  socket.on('message', (message) => events.push(message.event ?? message));
  socket.on('exception', () => {});
  await check('user data', `subscribe, ${keyType} key`, async () => yes(await api.subscribeUserDataStream('mainWSAPI'), 'empty'));
  await check(area, 'place, partial fill, query, cancel, and its reports', async () => {
    const limit = { symbol, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.2', price: '100.00', timestamp: Date.now() };
    const order = (await api.submitNewSpotOrder(limit)).result;
    await maker.order(symbol, 'SELL', '0.1', '100.00');
    const asked = { symbol, orderId: order.orderId, timestamp: Date.now() };
    equal((await api.getSpotOrderStatus(asked)).result.status, 'PARTIALLY_FILLED');
    equal((await api.cancelSpotOrder(asked)).result.status, 'CANCELED');
    const kinds = () => events.filter((e) => e.e === 'executionReport' && e.i === order.orderId).map((e) => e.x);
    await until(() => kinds().length >= 3, 'three reports');
    equal(kinds(), ['NEW', 'TRADE', 'CANCELED']);
  });
  await check(area, 'depth and account', async () => {
    yes((await api.getSpotOrderBook({ symbol })).result.lastUpdateId, 'empty');
    yes((await api.getSpotAccountInformation({ timestamp: Date.now() })).result.balances.length, 'empty');
  });
  socket.closeAll(true);
}

const { symbol, maker, churn } = await market('NPM');
await publicMethods(rest(await makeAccount({ USDT: '1' })), symbol);
await maker.cancelAll(symbol);
await trading(rest(await makeAccount({ USDT: '100000' })), symbol, maker);
await maker.cancelAll(symbol);
await streams(symbol, churn);
await maker.cancelAll(symbol);
for (const keyType of ['HMAC', 'ED25519']) await websocketApi(symbol, maker, keyType);
await check('state', 'the audit is clean at the end', async () => equal((await sandbox('GET', '/state')).audit, 'ok'));
process.exit(0);
