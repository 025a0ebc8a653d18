//! Every query, answered from the venue's lists, and compared.

use types::*;
use views::*;

use crate::venue::{ACCOUNTS, Dice, Print, Venue};

const MINUTE: i64 = 60_000_000;

fn page<T>(mut all: Vec<T>, lower_bound: bool, limit: usize) -> Vec<T> {
    if lower_bound {
        all.truncate(limit);
    } else {
        all.drain(..all.len().saturating_sub(limit));
    }
    all
}

fn within(time: Time, start: Option<Time>, end: Option<Time>) -> bool {
    start.is_none_or(|s| time >= s) && end.is_none_or(|e| time <= e)
}

fn prints(venue: &Venue, id: InstrumentId) -> Vec<&Print> {
    venue
        .prints
        .iter()
        .filter(|p| p.trade.instrument == id)
        .collect()
}

fn public(p: &Print) -> PublicTrade {
    PublicTrade {
        id: p.trade.trade,
        price: p.trade.price,
        qty: p.trade.qty,
        quote: p.trade.quote,
        time: p.time,
        buyer_is_maker: p.trade.aggressor_side == Side::Sell,
    }
}

fn aggs(prints: &[&Print]) -> Vec<AggTrade> {
    let mut out: Vec<AggTrade> = Vec::new();
    for p in prints {
        if let Some(last) = out.iter_mut().find(|a| a.id == p.agg) {
            last.qty.0 += p.trade.qty.0;
            last.last = p.trade.trade;
            continue;
        }
        let t = public(p);
        let (first, last) = (t.id, t.id);
        out.push(AggTrade {
            id: p.agg,
            price: t.price,
            qty: t.qty,
            first,
            last,
            time: t.time,
            buyer_is_maker: t.buyer_is_maker,
        });
    }
    out
}

fn fills(venue: &Venue, account: AccountId, id: InstrumentId) -> Vec<Fill> {
    let mut out = Vec::new();
    for p in prints(venue, id) {
        for (party, maker) in [(&p.trade.maker, true), (&p.trade.taker, false)] {
            if party.account == account {
                out.push(Fill {
                    instrument: id,
                    account,
                    trade: p.trade.trade,
                    order: party.order,
                    price: p.trade.price,
                    qty: p.trade.qty,
                    quote: p.trade.quote,
                    fee: party.fee,
                    fee_asset: party.fee_asset,
                    time: p.time,
                    buyer: (p.trade.aggressor_side == Side::Buy) != maker,
                    maker,
                });
            }
        }
    }
    out
}

fn candle(prints: &[&Print], open: Time, next: Time) -> Candle {
    let inside: Vec<_> = prints
        .iter()
        .filter(|p| p.time >= open && p.time < next)
        .collect();
    let before = prints
        .iter()
        .rev()
        .find(|p| p.time < open)
        .map_or(0, |p| p.trade.price.0);
    let prices = || inside.iter().map(|p| p.trade.price);
    let bought = || {
        inside
            .iter()
            .filter(|p| p.trade.aggressor_side == Side::Buy)
    };
    let flat = Decimal(before);
    Candle {
        open_time: open,
        close_time: Time(next.0 - 1),
        open: prices().next().unwrap_or(flat),
        high: prices().max().unwrap_or(flat),
        low: prices().min().unwrap_or(flat),
        close: prices().next_back().unwrap_or(flat),
        volume: Amount(inside.iter().map(|p| i128::from(p.trade.qty.0)).sum()),
        quote_volume: Amount(inside.iter().map(|p| p.trade.quote.0).sum()),
        trades: inside.len() as u64,
        taker_base: Amount(bought().map(|p| i128::from(p.trade.qty.0)).sum()),
        taker_quote: Amount(bought().map(|p| p.trade.quote.0).sum()),
        first_trade: inside.first().map(|p| p.trade.trade),
        last_trade: inside.last().map(|p| p.trade.trade),
    }
}

/// Compares one answer of each query, chosen by the dice, with the lists.
pub async fn compare(venue: &Venue, views: &Views, dice: &mut Dice, now: Time) {
    for instrument in &venue.instruments {
        let id = instrument.id;
        assert_eq!(
            views.instrument(&instrument.symbol).as_deref(),
            Some(instrument)
        );
        book(venue, views, id);
        trades(venue, views, dice, id).await;
        candles(venue, views, dice, id, now).await;
        tickers(venue, views, dice, id, now);
        for account in ACCOUNTS {
            orders(venue, views, dice, account, id).await;
            own_fills(venue, views, dice, account, id).await;
            prevented(venue, views, dice, account, id).await;
            amendments(venue, views, dice, account, id).await;
        }
    }
    for account in ACCOUNTS {
        let open: Vec<_> = venue
            .orders
            .values()
            .filter(|o| o.account == account && o.is_open())
            .cloned()
            .collect();
        assert_eq!(views.open_orders(account, None), open);
        let of = |b: Balance| ((account, b.asset), (b.free, b.held));
        let told: Vec<_> = views.balances(account).into_iter().map(of).collect();
        let known = venue.balances.iter().filter(|((a, _), _)| *a == account);
        assert_eq!(told, known.map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
    }
}

fn book(venue: &Venue, views: &Views, id: InstrumentId) {
    let side = |side| {
        let mut levels = std::collections::BTreeMap::<i64, i64>::new();
        for order in venue
            .orders
            .values()
            .filter(|o| o.instrument == id && o.is_open() && o.side == side)
        {
            *levels.entry(order.price.0).or_default() += order.open_qty().0;
        }
        levels
            .into_iter()
            .map(|(p, q)| (Decimal(p), Decimal(q)))
            .collect::<Vec<_>>()
    };
    let (mut bids, asks) = (side(Side::Buy), side(Side::Sell));
    bids.reverse();
    let last_update = UpdateId(venue.counters[&id].update);
    let best = Best {
        last_update,
        bid: bids.first().copied(),
        ask: asks.first().copied(),
    };
    assert_eq!(views.best(id), best);
    assert_eq!(
        views.depth(id, 5_000),
        Depth {
            last_update,
            bids,
            asks
        }
    );
}

/// Sometimes nothing, sometimes a moment around the trading.
fn moment(venue: &Venue, dice: &mut Dice) -> Option<Time> {
    let first = venue.records[0].time.0;
    (dice.roll(2) == 0).then(|| {
        let time = dice.int(first - MINUTE, venue.time.0 + MINUTE);
        // often the very moment of something
        let place = dice.roll(venue.records.len() as u64) as usize;
        if dice.roll(2) == 0 {
            Time(time)
        } else {
            venue.records[place].time
        }
    })
}

async fn trades(venue: &Venue, views: &Views, dice: &mut Dice, id: InstrumentId) {
    let all = prints(venue, id);
    let limit = dice.int(1, 60) as usize;
    let newest = page(
        all.iter().map(|p| public(p)).collect(),
        false,
        limit.min(20),
    );
    assert_eq!(views.recent_trades(id, limit.min(20)), newest);
    let from = (dice.roll(2) == 0).then(|| TradeId(dice.roll(all.len() as u64 + 2)));
    let known = all
        .iter()
        .filter(|p| from.is_none_or(|from| p.trade.trade >= from))
        .map(|p| public(p));
    let told = views.historical_trades(id, from, limit).await.unwrap();
    assert_eq!(
        told,
        page(known.collect(), from.is_some(), limit),
        "{from:?} {limit}"
    );

    let known = aggs(&all);
    assert_eq!(views.last_aggregate(id), known.len() as u64);
    let query = AggQuery {
        from_id: (dice.roll(2) == 0).then(|| dice.roll(known.len() as u64 + 2)),
        start: moment(venue, dice),
        end: moment(venue, dice),
        limit,
    };
    let wanted = |a: &AggTrade| {
        query.from_id.is_none_or(|from| a.id >= from) && within(a.time, query.start, query.end)
    };
    let known = known.into_iter().filter(wanted).collect();
    let lower = query.from_id.is_some() || query.start.is_some();
    assert_eq!(
        views.agg_trades(id, query).await.unwrap(),
        page(known, lower, limit),
        "{query:?}"
    );
}

async fn candles(venue: &Venue, views: &Views, dice: &mut Dice, id: InstrumentId, now: Time) {
    let all = prints(venue, id);
    let limit = dice.int(1, 30) as usize;
    let interval = Interval::ALL[dice.roll(16) as usize];
    let offset = [0, 0, 480, -300, 330, 345, 7][dice.roll(7) as usize];
    let (start, end) = (moment(venue, dice), moment(venue, dice));
    let mut known = Vec::new();
    if let Some(first) = all.first() {
        let first = interval.open_of(first.time, offset);
        let last = interval.open_of(end.map_or(now, |end| end.min(now)), offset);
        let mut open = start.map_or(last, |start| first.max(interval.open_of(start, offset)));
        if start.is_some_and(|start| open < start && open > first) {
            open = interval.next(open, offset);
        }
        while known.len() < limit && open >= first && open <= last {
            // the first candle of all is asked for by any start before its end only when it opens at or after that start
            let next = interval.next(open, offset);
            if start.is_none_or(|start| open >= start) {
                known.push(candle(&all, open, next));
            }
            open = if start.is_some() {
                next
            } else {
                interval.step(open, offset, -1)
            };
        }
        if start.is_none() {
            known.reverse();
        }
    }
    let told = views
        .candles(id, interval, start, end, limit, offset)
        .await
        .unwrap();
    assert_eq!(
        told, known,
        "{interval:?} offset {offset} start {start:?} end {end:?} limit {limit}"
    );
    let open = interval.open_of(now, offset);
    let current = all
        .first()
        .map(|_| candle(&all, open, interval.next(open, offset)));
    assert_eq!(
        views.current_candle(id, interval, offset),
        current,
        "{interval:?} {offset}"
    );
}

fn tickers(venue: &Venue, views: &Views, dice: &mut Dice, id: InstrumentId, now: Time) {
    let all = prints(venue, id);
    let day = 1_440 * MINUTE;
    let minutes = dice.int(1, 7 * 1_440) as u32;
    let offset = dice.int(-12, 14) as i32 * 60;
    let shift = i64::from(offset) * MINUTE;
    let floor = |time: i64, width: i64| time - time.rem_euclid(width);
    let windows = [
        (Window::Last24h, floor(now.0 - day, 1_000_000)),
        (
            Window::Rolling(minutes),
            floor(now.0 - i64::from(minutes) * MINUTE, MINUTE),
        ),
        (
            Window::TradingDay(offset),
            floor(now.0 + shift, day) - shift,
        ),
    ];
    for (window, from) in windows {
        let told = views.ticker(id, window).unwrap();
        let known = candle(&all, Time(from), Time(i64::MAX));
        let label = format!("{window:?} now {now:?}");
        assert_eq!(
            (told.open, told.high, told.low, told.last_price),
            (known.open, known.high, known.low, known.close),
            "{label}"
        );
        assert_eq!(
            (told.volume, told.quote_volume, told.trades),
            (known.volume, known.quote_volume, known.trades),
            "{label}"
        );
        assert_eq!(
            (told.first_trade, told.last_trade),
            (known.first_trade, known.last_trade),
            "{label}"
        );
        assert_eq!(told.price_change.0, known.close.0 - known.open.0);
        let before = all
            .iter()
            .rev()
            .find(|p| p.time.0 < from)
            .map_or(known.open, |p| p.trade.price);
        assert_eq!(told.prev_close, before, "{label}");
    }
    let from = Time(floor(now.0, 1_000_000) - 5 * MINUTE);
    let known = candle(&all, from, Time(i64::MAX));
    let precision: u32 = if id == InstrumentId(1) { 8 } else { 2 };
    let expected = match known.volume.0 {
        0 => known.close.0 as i128,
        volume => known.quote_volume.0 * 10_i128.pow(16 - precision) / volume,
    };
    assert_eq!(i128::from(views.avg_price(id).unwrap().price.0), expected);
}

async fn orders(
    venue: &Venue,
    views: &Views,
    dice: &mut Dice,
    account: AccountId,
    id: InstrumentId,
) {
    let own = |o: &&protocol::Order| o.account == account && o.instrument == id;
    let all: Vec<_> = venue.orders.values().filter(own).cloned().collect();
    let query = OrdersQuery {
        from: (dice.roll(2) == 0).then(|| OrderId(dice.roll(venue.counters[&id].order + 2))),
        start: moment(venue, dice),
        end: moment(venue, dice),
        limit: dice.int(1, 60) as usize,
    };
    let wanted = |o: &&protocol::Order| {
        query.from.is_none_or(|from| o.id >= from) && within(o.placed_at, query.start, query.end)
    };
    let known = all.iter().filter(wanted).cloned().collect();
    let lower = query.from.is_some() || query.start.is_some();
    assert_eq!(
        views.orders(account, id, query).await.unwrap(),
        page(known, lower, query.limit),
        "{query:?}"
    );
    if all.is_empty() {
        return;
    }
    let one = &all[dice.roll(all.len() as u64) as usize];
    let both = protocol::BothKeys {
        id: one.id,
        client_id: one.client_id,
    };
    for key in [OrderKey::Id(one.id), OrderKey::Both(both)] {
        assert_eq!(
            views.order(account, id, key).await.unwrap().as_ref(),
            Some(one)
        );
    }
    // an open one wins, else the newest
    let named = all.iter().rev().filter(|o| o.client_id == one.client_id);
    let best = named.max_by_key(|o| (o.is_open(), o.id));
    let told = views
        .order(account, id, OrderKey::ClientId(one.client_id))
        .await
        .unwrap();
    assert_eq!(told.as_ref(), best);
    let stranger = protocol::BothKeys {
        id: one.id,
        client_id: ClientId::new("nobody").unwrap(),
    };
    for key in [
        OrderKey::Id(OrderId(1 << 40)),
        OrderKey::Both(stranger),
        OrderKey::ClientId(stranger.client_id),
    ] {
        assert_eq!(views.order(account, id, key).await.unwrap(), None);
    }
}

async fn own_fills(
    venue: &Venue,
    views: &Views,
    dice: &mut Dice,
    account: AccountId,
    id: InstrumentId,
) {
    let all = fills(venue, account, id);
    let order = if all.is_empty() {
        None
    } else {
        Some(all[dice.roll(all.len() as u64) as usize].order)
    };
    let query = FillsQuery {
        order: order.filter(|_| dice.roll(3) == 0),
        from: (dice.roll(2) == 0).then(|| TradeId(dice.roll(venue.counters[&id].trade + 2))),
        start: moment(venue, dice),
        end: moment(venue, dice),
        limit: dice.int(1, 60) as usize,
    };
    let wanted = |f: &Fill| {
        query.order.is_none_or(|order| f.order == order)
            && query.from.is_none_or(|from| f.trade >= from)
            && within(f.time, query.start, query.end)
    };
    let known = all.into_iter().filter(wanted).collect();
    let lower = query.from.is_some() || query.start.is_some();
    assert_eq!(
        views.fills(account, id, query).await.unwrap(),
        page(known, lower, query.limit),
        "{query:?}"
    );
}

async fn prevented(
    venue: &Venue,
    views: &Views,
    dice: &mut Dice,
    account: AccountId,
    id: InstrumentId,
) {
    let own = |row: &&PreventedMatch| {
        let p = &row.prevented;
        p.instrument == id && (p.maker_account == account || p.taker_account == account)
    };
    let all: Vec<_> = venue.prevented.iter().filter(own).copied().collect();
    let some = all.get(dice.roll(all.len() as u64 + 1) as usize);
    let query = PreventedQuery {
        order: some
            .filter(|_| dice.roll(2) == 0)
            .map(|row| [row.prevented.maker, row.prevented.taker][dice.roll(2) as usize]),
        from: dice.roll(venue.counters[&id].prevented + 2),
        through: (dice.roll(2) == 0).then(|| dice.roll(venue.counters[&id].prevented + 2)),
        limit: dice.int(1, 20) as usize,
    };
    let wanted = |row: &PreventedMatch| {
        let p = &row.prevented;
        query
            .order
            .is_none_or(|order| p.maker == order || p.taker == order)
            && p.id >= query.from
            && query.through.is_none_or(|through| p.id <= through)
    };
    let known = all.into_iter().filter(wanted).collect();
    assert_eq!(
        views.prevented_matches(account, id, query).await.unwrap(),
        page(known, true, query.limit),
        "{query:?}"
    );
}

async fn amendments(
    venue: &Venue,
    views: &Views,
    dice: &mut Dice,
    account: AccountId,
    id: InstrumentId,
) {
    let own: Vec<_> = venue
        .amended
        .iter()
        .filter(|row| row.account == account && row.instrument == id)
        .copied()
        .collect();
    let Some(one) = own.get(dice.roll(own.len() as u64 + 1) as usize) else {
        return;
    };
    let from = Seq(one.seq.0 - dice.roll(2) * dice.roll(200).min(one.seq.0));
    let limit = dice.int(1, 5) as usize;
    let wanted = |row: &Amendment| row.order == one.order && row.seq >= from;
    let known = own.iter().copied().filter(wanted).collect();
    assert_eq!(
        views
            .amendments(account, id, one.order, from, limit)
            .await
            .unwrap(),
        page(known, true, limit)
    );
}
