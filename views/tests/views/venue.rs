//! A naive venue: makes streams of events as an engine would, and remembers everything in plain lists, so that every query has an answer to
//! be compared with.

use std::collections::BTreeMap;

use protocol::*;
use types::*;

/// SplitMix64: a stream of numbers from a seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    pub fn int(&mut self, from: i64, to: i64) -> i64 {
        from + self.roll((to - from + 1) as u64) as i64
    }
}

#[derive(Clone, Debug)]
pub struct Print {
    pub trade: Traded,
    pub time: Time,
    pub agg: u64,
}

#[derive(Default)]
pub struct Counters {
    pub order: u64,
    pub trade: u64,
    pub update: u64,
    pub agg: u64,
    pub prevented: u64,
}

pub struct Record {
    pub seq: Seq,
    pub time: Time,
    pub events: Vec<Event>,
}

pub struct Venue {
    pub dice: Dice,
    pub time: Time,
    pub records: Vec<Record>,
    pub instruments: Vec<Instrument>,
    pub counters: BTreeMap<InstrumentId, Counters>,
    pub prints: Vec<Print>,
    /// Every order there ever was, as it is now.
    pub orders: BTreeMap<(InstrumentId, OrderId), Order>,
    /// The ids of open orders in the order of their placement.
    pub resting: Vec<(InstrumentId, OrderId)>,
    pub balances: BTreeMap<(AccountId, AssetId), (Amount, Amount)>,
    pub prevented: Vec<views::PreventedMatch>,
    pub amended: Vec<views::Amendment>,
    /// The longest step between two records, microseconds; now and then a step is a hundred times that.
    pub pace: i64,
    events: Vec<Event>,
}

pub const ACCOUNTS: [AccountId; 4] = [
    AccountId(1001),
    AccountId(1002),
    AccountId(1003),
    AccountId(1004),
];
const ASSETS: [(&str, u8); 3] = [("USDT", 8), ("BTC", 8), ("EUR", 2)];

impl Venue {
    /// One more record, made elsewhere.
    pub fn record(&mut self, events: Vec<Event>) {
        self.events = events;
        self.seal();
    }

    pub fn new(seed: u64, pace: i64) -> Venue {
        let mut venue = Venue {
            dice: Dice(seed),
            time: Time(1_790_000_000_000_000),
            records: Vec::new(),
            instruments: Vec::new(),
            counters: BTreeMap::new(),
            prints: Vec::new(),
            orders: BTreeMap::new(),
            resting: Vec::new(),
            balances: BTreeMap::new(),
            prevented: Vec::new(),
            amended: Vec::new(),
            pace,
            events: Vec::new(),
        };
        for (n, (name, precision)) in (1..).zip(ASSETS) {
            let asset = AssetId(n);
            venue.emit(Event::AssetCreated(AssetCreated {
                asset,
                precision,
                name: name.into(),
            }));
            venue.seal();
        }
        for account in ACCOUNTS {
            venue.emit(Event::AccountOpened(account));
            venue.seal();
        }
        for (n, (symbol, quote)) in (1..).zip([("BTCUSDT", 1), ("BTCEUR", 3)]) {
            let instrument = Instrument {
                id: InstrumentId(n),
                symbol: symbol.into(),
                contract: ContractKind(1),
                base: AssetId(2),
                quote: AssetId(quote),
                status: MarketStatus::Trading,
                filters: Filters::default(),
                default_stp: StpMode::ExpireMaker,
                allowed_stp: StpModes::ALL,
                maker_fee: Rate(100_000),
                taker_fee: Rate(100_000),
                denied: protocol::Denied::NONE,
            };
            venue.counters.insert(instrument.id, Counters::default());
            venue.instruments.push(instrument.clone());
            venue.emit(Event::InstrumentListed(Box::new(instrument)));
            venue.seal();
        }
        venue
    }

    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    fn seal(&mut self) {
        let record = Record {
            seq: Seq(self.records.len() as u64 + 1),
            time: self.time,
            events: std::mem::take(&mut self.events),
        };
        self.records.push(record);
    }

    fn update(&mut self, id: InstrumentId) -> UpdateId {
        let counters = self.counters.get_mut(&id).unwrap();
        counters.update += 1;
        UpdateId(counters.update)
    }

    /// One more record.
    pub fn step(&mut self) {
        let pace = if self.dice.roll(40) == 0 {
            self.pace * 100
        } else {
            self.pace
        };
        // often nothing at all: several records share a moment
        let step = if self.dice.roll(4) == 0 {
            0
        } else {
            self.dice.int(0, pace)
        };
        self.time = self.time.plus_micros(step);
        match self.dice.roll(20) {
            0..=12 => self.place(),
            13..=16 => self.cancel(),
            17 => self.amend(),
            _ => self.fund(),
        }
        self.seal();
    }

    fn place(&mut self) {
        let instrument = InstrumentId(self.dice.int(1, 2) as u32);
        let account = ACCOUNTS[self.dice.roll(4) as usize];
        let side = if self.dice.roll(2) == 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        let kind = if self.dice.roll(5) == 0 {
            OrderKind::Market
        } else {
            OrderKind::Limit
        };
        let tif = if kind == OrderKind::Limit && self.dice.roll(5) == 0 {
            TimeInForce::Ioc
        } else {
            TimeInForce::Gtc
        };
        let counters = self.counters.get_mut(&instrument).unwrap();
        counters.order += 1;
        let id = OrderId(counters.order);
        let name = format!("n{}", self.dice.roll(30));
        let taken = self.resting.iter().any(|key| {
            let o = &self.orders[key];
            o.account == account && o.instrument == instrument && o.client_id.as_str() == name
        });
        let name = if taken {
            format!("o{}-{}", instrument.0, id.0)
        } else {
            name
        };
        let price = if kind == OrderKind::Market {
            0
        } else {
            self.dice.int(95, 105) * 100_000_000
        };
        let order = Order {
            instrument,
            id,
            account,
            client_id: ClientId::new(&name).unwrap(),
            side,
            kind,
            tif,
            stp: StpMode::ExpireMaker,
            price: Decimal(price),
            qty: Decimal(self.dice.int(1, 500) * 1_000_000),
            quote_qty: Decimal::ZERO,
            executed_qty: Decimal::ZERO,
            executed_quote: Amount::ZERO,
            prevented_qty: Decimal::ZERO,
            status: OrderStatus::New,
            placed_at: self.time,
            updated_at: self.time,
            strategy_id: (self.dice.roll(3) == 0).then_some(7),
            strategy_kind: (self.dice.roll(3) == 0).then_some(1_000_007),
            condition: None,
            more: None,
        };
        self.emit(Event::OrderPlaced(OrderPlaced {
            order: order.clone(),
        }));
        self.orders.insert((instrument, id), order);
        self.cross((instrument, id));
        let order = &self.orders[&(instrument, id)];
        if !order.is_open() {
            return;
        }
        if kind == OrderKind::Limit && tif == TimeInForce::Gtc {
            let (price, open_qty) = (order.price, order.open_qty());
            let update = self.update(instrument);
            self.resting.push((instrument, id));
            self.emit(Event::OrderRested(OrderRested {
                instrument,
                order: id,
                side,
                price,
                open_qty,
                update,
            }));
        } else {
            let reason = if kind == OrderKind::Market {
                CloseReason::InsufficientLiquidity
            } else {
                CloseReason::UnfilledIoc
            };
            self.close((instrument, id), reason, None);
        }
    }

    /// The best order on the other side, if its price will do.
    fn opposite(&self, taker: &Order) -> Option<(InstrumentId, OrderId)> {
        let will_do = |maker: &Order| match (taker.kind, taker.side) {
            (OrderKind::Market, _) => true,
            (_, Side::Buy) => maker.price <= taker.price,
            (_, Side::Sell) => maker.price >= taker.price,
        };
        let rank = |o: &Order| {
            (
                if o.side == Side::Sell {
                    o.price.0
                } else {
                    -o.price.0
                },
                o.id,
            )
        };
        self.resting
            .iter()
            .map(|key| &self.orders[key])
            .filter(|o| o.instrument == taker.instrument && o.side != taker.side && will_do(o))
            .min_by_key(|o| rank(o))
            .map(|o| (o.instrument, o.id))
    }

    fn cross(&mut self, key: (InstrumentId, OrderId)) {
        let mut before: Option<Decimal> = None;
        while self.orders[&key].is_open() {
            let taker = self.orders[&key].clone();
            let Some(other) = self.opposite(&taker) else {
                return;
            };
            let maker = self.orders[&other].clone();
            if maker.account == taker.account {
                self.prevent(&maker, &taker);
                continue;
            }
            let qty = maker.open_qty().min(taker.open_qty());
            let precision = ASSETS[self.instruments[key.0.0 as usize - 1].quote.0 as usize - 1].1;
            let quote = i128::from(maker.price.0) * i128::from(qty.0)
                / 10_i128.pow(16 - u32::from(precision));
            let update = self.update(key.0);
            let counters = self.counters.get_mut(&key.0).unwrap();
            counters.trade += 1;
            counters.agg += u64::from(before != Some(maker.price));
            before = Some(maker.price);
            let party = |o: &Order, fee: i128| Party {
                account: o.account,
                order: o.id,
                fee: Amount(fee),
                fee_asset: AssetId(2),
                open_qty: Decimal(o.open_qty().0 - qty.0),
            };
            let trade = Traded {
                instrument: key.0,
                trade: TradeId(counters.trade),
                price: maker.price,
                qty,
                quote: Amount(quote),
                aggressor_side: taker.side,
                maker: party(&maker, 3),
                taker: party(&taker, 5),
                update,
            };
            let agg = counters.agg;
            let time = self.time;
            self.prints.push(Print { trade, time, agg });
            self.emit(Event::Traded(trade));
            for key in [other, key] {
                let order = self.orders.get_mut(&key).unwrap();
                order.executed_qty.0 += qty.0;
                order.executed_quote.0 += quote;
                order.updated_at = time;
                let filled = order.executed_qty.0 + order.prevented_qty.0 == order.qty.0;
                order.status = if filled {
                    OrderStatus::Filled
                } else {
                    OrderStatus::PartiallyFilled
                };
            }
            if !self.orders[&other].is_open() {
                self.resting.retain(|key| *key != other);
            }
        }
    }

    fn prevent(&mut self, maker: &Order, taker: &Order) {
        let key = (maker.instrument, maker.id);
        let counters = self.counters.get_mut(&key.0).unwrap();
        counters.prevented += 1;
        let id = counters.prevented;
        let qty = maker.open_qty();
        let prevented = MatchPrevented {
            instrument: key.0,
            id,
            mode: StpMode::ExpireMaker,
            price: maker.price,
            maker: maker.id,
            maker_account: maker.account,
            maker_prevented: qty,
            taker: taker.id,
            taker_account: taker.account,
            taker_prevented: Decimal::ZERO,
        };
        let time = self.time;
        self.prevented.push(views::PreventedMatch {
            prevented,
            group: None,
            time,
        });
        self.emit(Event::MatchPrevented(prevented));
        self.close_with(key, CloseReason::Prevented, true, qty);
        self.orders.get_mut(&key).unwrap().prevented_qty = qty;
    }

    fn close(&mut self, key: (InstrumentId, OrderId), reason: CloseReason, rested: Option<()>) {
        let open = self.orders[&key].open_qty();
        self.close_with(key, reason, rested.is_some(), open);
    }

    fn close_with(
        &mut self,
        key: (InstrumentId, OrderId),
        reason: CloseReason,
        rested: bool,
        open_qty: Decimal,
    ) {
        let update = rested.then(|| self.update(key.0));
        let time = self.time;
        let order = self.orders.get_mut(&key).unwrap();
        order.status = match reason {
            CloseReason::Canceled => OrderStatus::Canceled,
            CloseReason::Prevented => OrderStatus::ExpiredInMatch,
            _ => OrderStatus::Expired,
        };
        order.updated_at = time;
        let account = order.account;
        self.resting.retain(|open| *open != key);
        self.emit(Event::OrderClosed(OrderClosed {
            instrument: key.0,
            order: key.1,
            account,
            reason,
            open_qty,
            client_id: ClientId::NONE,
            update,
        }));
    }

    fn any_resting(&mut self) -> Option<(InstrumentId, OrderId)> {
        let count = self.resting.len() as u64;
        (count > 0).then(|| self.resting[self.dice.roll(count.max(1)) as usize])
    }

    fn cancel(&mut self) {
        if let Some(key) = self.any_resting() {
            self.close(key, CloseReason::Canceled, Some(()));
        }
    }

    fn amend(&mut self) {
        let Some(key) = self.any_resting() else {
            return;
        };
        let less = self.orders[&key].open_qty().0 / 2;
        if less == 0 {
            return;
        }
        let update = self.update(key.0);
        let time = self.time;
        let order = self.orders.get_mut(&key).unwrap();
        let (client_id_before, qty_before) = (order.client_id, order.qty);
        order.qty.0 -= less;
        order.client_id =
            ClientId::new(&format!("amended-{}-{}-{}", key.0.0, key.1.0, update.0)).unwrap();
        order.updated_at = time;
        let amended = OrderAmended {
            instrument: key.0,
            order: key.1,
            account: order.account,
            qty: order.qty,
            open_qty: order.open_qty(),
            client_id: order.client_id,
            update,
        };
        self.amended.push(views::Amendment {
            instrument: key.0,
            order: key.1,
            account: amended.account,
            seq: Seq(self.records.len() as u64 + 1),
            client_id_before,
            client_id: amended.client_id,
            qty_before,
            qty: amended.qty,
            time,
        });
        self.emit(Event::OrderAmended(amended));
    }

    fn fund(&mut self) {
        let account = ACCOUNTS[self.dice.roll(4) as usize];
        let asset = AssetId(self.dice.int(1, 3) as u32);
        let delta = Amount(i128::from(self.dice.int(1, 1_000_000)) * 10_i128.pow(20));
        let (free, held) = self
            .balances
            .get(&(account, asset))
            .copied()
            .unwrap_or_default();
        let now = (free.plus(delta), held);
        self.balances.insert((account, asset), now);
        self.emit(Event::Transferred(Transferred {
            account,
            wallet: Wallet::SPOT,
            asset,
            delta,
        }));
        self.emit(Event::BalanceChanged(BalanceChanged {
            account,
            wallet: Wallet::SPOT,
            asset,
            free: now.0,
            held: now.1,
        }));
    }

    /// What an engine in this state would tell.
    pub fn tell(&self, out: &mut dyn FnMut(Event)) {
        for (n, (name, precision)) in (1..).zip(ASSETS) {
            out(Event::AssetCreated(AssetCreated {
                asset: AssetId(n),
                precision,
                name: name.into(),
            }));
        }
        for account in ACCOUNTS {
            out(Event::AccountOpened(account));
        }
        for instrument in &self.instruments {
            out(Event::InstrumentListed(Box::new(instrument.clone())));
            let counters = &self.counters[&instrument.id];
            let last = self
                .prints
                .iter()
                .rev()
                .find(|p| p.trade.instrument == instrument.id);
            out(Event::MarketRestored(MarketRestored {
                instrument: instrument.id,
                last_order: OrderId(counters.order),
                last_trade: TradeId(counters.trade),
                last_update: UpdateId(counters.update),
                last_price: last.map_or(Decimal::ZERO, |p| p.trade.price),
            }));
        }
        for (&(account, asset), &(free, held)) in &self.balances {
            out(Event::BalanceChanged(BalanceChanged {
                account,
                wallet: Wallet::SPOT,
                asset,
                free,
                held,
            }));
        }
        for key in &self.resting {
            out(Event::OrderRestored(Box::new(self.orders[key].clone())));
        }
    }
}
