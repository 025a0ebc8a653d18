// The official Node SDK, unmodified: REST, market streams, WebSocket API, user data.

import { Spot } from '@binance/spot';
import { check, equal, keepTrading, makeAccount, market, proxy, ready, refused, sandbox, sleep, until, yes } from './board.mjs';

const keysOf = (account) => ({ apiKey: account.apiKey, ...(account.privateKey ? { privateKey: account.privateKey } : { apiSecret: account.secretKey }) });

const rest = (account) => new Spot({ configurationRestAPI: { basePath: ready.rest, timeout: 20000, retries: 0, ...(account ? keysOf(account) : { apiKey: '' }) } }).restAPI;

async function publicMethods(api, symbol) {
  const table = [
    ['ping', {}], ['time', {}], ['exchangeInfo', { symbol }], ['depth', { symbol, limit: 5 }], ['getTrades', { symbol }],
    ['historicalTrades', { symbol, fromId: 0 }], ['aggTrades', { symbol }], ['klines', { symbol, interval: '1m' }],
    ['uiKlines', { symbol, interval: '1m' }], ['avgPrice', { symbol }], ['ticker24hr', { symbol }],
    ['tickerTradingDay', { symbol }], ['tickerPrice', { symbol }], ['tickerPrice', { symbols: [symbol] }],
    ['tickerBookTicker', { symbol }], ['ticker', { symbol, windowSize: '1h' }],
  ];
  for (const [method, parameters] of table) {
    await check('market data', `${method}(${Object.keys(parameters)})`, async () => {
      const response = await api[method](parameters);
      const data = await response.data();
      if (method !== 'ping') yes(Array.isArray(data) ? data.length : Object.keys(data).length, 'empty');
      yes(response.rateLimits.some((l) => l.rateLimitType === 'REQUEST_WEIGHT'), 'no weight in the headers');
    });
  }
}

async function trading(api, symbol, maker) {
  const limit = { symbol, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.5', price: '100.00' };
  const place = async (change) => (await api.newOrder({ ...limit, ...change })).data();
  const find = async (orderId) => (await api.getOrder({ symbol, orderId })).data();
  await check('trading', 'a limit order rests, is partially filled, filled', async () => {
    const order = await place({});
    equal(order.status, 'NEW');
    await maker.order(symbol, 'SELL', '0.2', '100.00');
    equal((await find(order.orderId)).status, 'PARTIALLY_FILLED');
    await maker.order(symbol, 'SELL', '0.3', '100.00');
    equal((await find(order.orderId)).status, 'FILLED');
  });
  await check('trading', 'a market order', async () => {
    await maker.order(symbol, 'SELL', '0.1', '101.00');
    const order = await (await api.newOrder({ symbol, side: 'BUY', type: 'MARKET', quantity: '0.1' })).data();
    equal([order.status, order.fills[0].price], ['FILLED', '101.00000000']);
  });
  await check('trading', 'amend, cancel-replace, cancel, cancel all', async () => {
    const first = await place({ price: '95.00' });
    const amended = await (await api.orderAmendKeepPriority({ symbol, orderId: first.orderId, newQty: '0.4' })).data();
    equal(amended.amendedOrder.qty, '0.40000000');
    const replaced = await (
      await api.orderCancelReplace({ ...limit, price: '94.00', cancelReplaceMode: 'STOP_ON_FAILURE', cancelOrderId: first.orderId })
    ).data();
    equal([replaced.cancelResult, replaced.newOrderResult], ['SUCCESS', 'SUCCESS']);
    equal((await (await api.deleteOrder({ symbol, orderId: replaced.newOrderResponse.orderId })).data()).status, 'CANCELED');
    await place({ price: '93.00' });
    equal((await (await api.deleteOpenOrders({ symbol })).data()).length, 1);
    equal(await (await api.getOpenOrders({ symbol })).data(), []);
  });
  await check('trading', 'order/test', async () => equal(await (await api.orderTest(limit)).data(), {}));
  for (const [method, parameters] of [
    ['getAccount', {}], ['accountCommission', { symbol }], ['rateLimitOrder', {}], ['myFilters', { symbol }], ['allOrders', { symbol }], ['myTrades', { symbol }],
  ]) {
    await check('account', method, async () => {
      const data = await (await api[method](parameters)).data();
      yes(Array.isArray(data) ? data.length : Object.keys(data).length, 'empty');
    });
  }
  await check('errors', 'code and message', async () => {
    await refused(() => place({ symbol: 'NOSUCHUSDT' }), -1121, 'Invalid symbol.');
    await refused(() => place({ price: '100.001' }), -1013, 'Filter failure: PRICE_FILTER');
    await refused(() => place({ quantity: '8000' }), -2010, 'Account has insufficient balance for requested action.');
    await refused(() => find(987654321), -2013, 'Order does not exist.');
  });
}

async function streams(symbol, churn) {
  const cuttable = await proxy(ready.ws);
  const client = new Spot({ configurationWebsocketStreams: { wsURL: cuttable.address, reconnectDelay: 200 } });
  const connection = await client.websocketStreams.connect();
  const name = symbol.toLowerCase();
  const got = {};
  const table = [
    ['trade', {}, 't'], ['aggTrade', {}, 'a'], ['kline', { interval: '1m' }, 'k'], ['diffBookDepth', { updateSpeed: '100ms' }, 'U'],
    ['partialBookDepth', { levels: '5', updateSpeed: '100ms' }, 'lastUpdateId'], ['bookTicker', {}, 'u'], ['ticker', {}, 'c'], ['miniTicker', {}, 'c'], ['avgPrice', {}, 'w'],
  ];
  for (const [method, parameters] of table) {
    got[method] = [];
    connection[method]({ symbol: name, ...parameters }).on('message', (data) => got[method].push(data));
    await sleep(250); // at most five messages a second may be sent
  }
  const stop = keepTrading(churn);
  for (const [method, , field] of table) {
    await check('streams', method, async () => {
      const first = await until(() => got[method][0], 'a message');
      yes(field in first, `${field} is not in ${JSON.stringify(first).slice(0, 200)}`);
    });
  }
  await check('reconnect', 'after a cut the streams come back by themselves', async () => {
    yes(cuttable.cut() > 0, 'there was no connection to cut');
    await sleep(100);
    got.trade.length = 0;
    await until(() => got.trade.length, 'a trade after the cut', 30);
  });
  await stop();
  await connection.disconnect();
  cuttable.close();
}

async function websocketApi(symbol, maker, keyType) {
  const area = `WebSocket API, ${keyType} key`;
  const account = await makeAccount({ USDT: '100000' }, keyType);
  const client = new Spot({ configurationWebsocketAPI: { wsURL: ready.wsapi, timeout: 20000, ...keysOf(account) } });
  const connection = await client.websocketAPI.connect();
  const limit = { symbol, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.2', price: '100.00' };
  if (keyType === 'ED25519') {
    await check('session', 'logon', async () => equal((await connection.sessionLogon())[0].data.apiKey, account.apiKey));
  }
  const events = [];
  await check('user data', `subscribe, ${keyType} key`, async () => {
    const { stream } = keyType === 'ED25519' ? await connection.userDataStreamSubscribe() : await connection.userDataStreamSubscribeSignature();
    stream.on('message', (data) => events.push(data.event ?? data));
  });
  await check(area, 'place, query, fill, cancel', async () => {
    const order = (await connection.orderPlace(limit)).data;
    await maker.order(symbol, 'SELL', '0.1', '100.00');
    equal((await connection.orderStatus({ symbol, orderId: order.orderId })).data.status, 'PARTIALLY_FILLED');
    equal((await connection.orderCancel({ symbol, orderId: order.orderId })).data.status, 'CANCELED');
    await check('user data', `executionReport and outboundAccountPosition, ${keyType} key`, async () => {
      const reports = () => events.filter((e) => e.e === 'executionReport' && e.i === order.orderId);
      await until(() => reports().length >= 3, 'three reports');
      equal(reports().map((e) => e.x), ['NEW', 'TRADE', 'CANCELED']);
      await until(() => events.some((e) => e.e === 'outboundAccountPosition'), 'a position');
    });
  });
  await check('user data', `balanceUpdate, ${keyType} key`, async () => {
    await sandbox('POST', `/accounts/${account.accountId}/fund`, { asset: 'USDT', amount: '5' });
    await until(() => events.some((e) => e.e === 'balanceUpdate' && e.d === '5.00000000'), 'the deposit');
  });
  for (const [method, parameters] of [
    ['accountStatus', {}], ['allOrders', { symbol }], ['myTrades', { symbol }], ['depth', { symbol }], ['klines', { symbol, interval: '1m' }], ['ticker24hr', { symbol }],
  ]) {
    await check(area, method, async () => yes((await connection[method](parameters)).data, 'empty'));
  }
  await connection.disconnect();
}

const { symbol, maker, churn } = await market('NOF');
await publicMethods(rest(), symbol);
await maker.cancelAll(symbol);
await trading(rest(await makeAccount({ USDT: '100000' })), symbol, maker);
for (const keyType of ['RSA', 'ED25519']) {
  await check('keys', `${keyType} signs queries and orders`, async () => {
    const api = rest(await makeAccount({ USDT: '1000' }, keyType));
    const order = await (await api.newOrder({ symbol, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.1', price: '90.00' })).data();
    equal((await (await api.deleteOrder({ symbol, orderId: order.orderId })).data()).status, 'CANCELED');
  });
}
await streams(symbol, churn);
await maker.cancelAll(symbol);
for (const keyType of ['HMAC', 'RSA', 'ED25519']) await websocketApi(symbol, maker, keyType);
await check('state', 'the audit is clean at the end', async () => equal((await sandbox('GET', '/state')).audit, 'ok'));
process.exit(0);
