//! What only few orders have: conditions, prevention by decrement, icebergs, pegs, lists; and what the venue says of prices.

use protocol::{
    Admin, BalanceLock, BlockTrade, Calculation, CancelList, Command, Denied, ExchangeFilters,
    ExecutionRules, Extras, ListKind, MaxAsset, Mean, OrderKey, OrderKind, Peg, PegKind, PlaceList,
    PlaceOrder, PriceRange, SetFeatures, SetReference, SetTradeGroup, StpMode, StpModes,
    TimeInForce,
};
use types::{
    AccountId, Amount, AssetId, ClientId, Decimal, InstrumentId, ListId, Side, TradeGroupId,
};

use super::{Commands, Random, USERS};

/// Which features the commands use beside plain orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Features {
    /// Stops and take-profits, trailing or not.
    pub conditional: bool,
    /// Self-trade prevention by decrement and transfer, and trade groups.
    pub groups: bool,
    pub icebergs: bool,
    pub pegs: bool,
    /// Order lists.
    pub lists: bool,
    /// Reference prices and ranges of execution.
    pub ranges: bool,
    /// Filters of the whole venue, features that markets do not offer, block trades, balances that others lock.
    pub venue: bool,
}

impl Features {
    /// A seed's subset of what is allowed: each feature is on in one seed of two.
    #[must_use]
    pub fn subset(self, seed: u64) -> Features {
        let mut random = Random(seed ^ 0x5eed);
        let mut keep = |allowed: bool| allowed && random.one_in(2);
        Features {
            conditional: keep(self.conditional),
            groups: keep(self.groups),
            icebergs: keep(self.icebergs),
            pegs: keep(self.pegs),
            lists: keep(self.lists),
            ranges: keep(self.ranges),
            venue: keep(self.venue),
        }
    }
}

const CONDITIONAL: [OrderKind; 4] = [
    OrderKind::StopLoss,
    OrderKind::StopLossLimit,
    OrderKind::TakeProfit,
    OrderKind::TakeProfitLimit,
];

impl Commands {
    /// A command of these features in place of a plain one, now and then.
    pub(super) fn special(&mut self, instrument: InstrumentId) -> Option<Command> {
        if self.features.lists && self.random.one_in(8) {
            return Some(Command::PlaceList(Box::new(self.list(instrument))));
        }
        if self.features.lists && self.random.one_in(40) {
            return Some(Command::CancelList(self.cancel_list(instrument)));
        }
        None
    }

    /// Remembers what is placed, and lets most cancels and amends name an order that was placed lately.
    pub(super) fn aim(&mut self, actor: AccountId, mut command: Command) -> (AccountId, Command) {
        let (at, key) = match &mut command {
            Command::PlaceOrder(c) => {
                self.remember(actor, c);
                return (actor, command);
            }
            Command::PlaceList(c) => {
                c.legs.iter().for_each(|leg| self.remember(actor, leg));
                return (actor, command);
            }
            Command::CancelReplace(c) => {
                self.remember(actor, &c.place);
                (&mut c.cancel.instrument, &mut c.cancel.order)
            }
            Command::CancelOrder(c) => (&mut c.instrument, &mut c.order),
            Command::AmendOrder(c) => (&mut c.instrument, &mut c.order),
            _ => return (actor, command),
        };
        if self.recent.is_empty() || self.random.one_in(4) {
            return (actor, command);
        }
        let (owner, instrument, name) = self.random.pick(&self.recent);
        (*at, *key) = (instrument, OrderKey::ClientId(name));
        match &mut command {
            Command::AmendOrder(c) => c.new_qty = self.qty(instrument),
            Command::CancelReplace(c) if c.place.instrument != instrument => {
                c.place = self.place(instrument);
            }
            _ => {}
        }
        (owner, command)
    }

    /// Orders that may stay open.
    fn remember(&mut self, actor: AccountId, c: &PlaceOrder) {
        if c.kind == OrderKind::Market || c.tif != TimeInForce::Gtc {
            return;
        }
        self.recent.push((actor, c.instrument, c.client_id));
        if self.recent.len() > 12 {
            self.recent.remove(0);
        }
    }

    /// An act of the venue of these features, now and then.
    pub(super) fn ruling(&mut self, instrument: InstrumentId) -> Option<Admin> {
        let r = &mut self.random;
        if self.features.groups && r.one_in(25) {
            let group = match r.below(12) {
                0 => Some(TradeGroupId(u32::MAX)),
                1..4 => None,
                n => Some(TradeGroupId(1 + (n as u32) % 2)),
            };
            return Some(Admin::SetTradeGroup(SetTradeGroup {
                account: AccountId(1001 + r.below(USERS) as u32),
                group,
            }));
        }
        if self.features.ranges && r.one_in(25) {
            return Some(match r.one_in(2) {
                true => Admin::SetReference(self.reference(instrument)),
                false => Admin::SetExecutionRules(Box::new(self.range(instrument))),
            });
        }
        if self.features.venue && r.one_in(20) {
            return Some(self.venue_rule(instrument));
        }
        None
    }

    fn venue_rule(&mut self, instrument: InstrumentId) -> Admin {
        let (price, qty) = (self.price(instrument), self.qty(instrument));
        let r = &mut self.random;
        let mut user = || AccountId(1001 + r.below(USERS) as u32);
        let (account, other) = (user(), user());
        match r.below(8) {
            0 => {
                let denied = (r.word() & r.word() & r.word()) as u16 & Denied::EVERY.0;
                Admin::SetFeatures(SetFeatures {
                    instrument,
                    denied: if r.one_in(2) { 0 } else { denied },
                    default_stp: r.pick(&StpMode::ALL),
                    allowed_stp: StpModes::ALL,
                })
            }
            1 => {
                let mut most = |n: u64| (!r.one_in(3)).then(|| 1 + r.below(n) as u32);
                let (orders, algos, icebergs, lists) = (most(9), most(4), most(4), most(3));
                let max_assets = (1..5).filter(|n| r.one_in(if *n == 4 { 9 } else { 3 }));
                let max_assets: Vec<u32> = max_assets.collect();
                let limit = Decimal((1 + r.within(40)) * Decimal::SCALE / 2);
                let filters = ExchangeFilters {
                    max_num_orders: orders,
                    max_num_algo_orders: algos,
                    max_num_iceberg_orders: icebergs,
                    max_num_order_lists: lists,
                    max_assets: max_assets
                        .into_iter()
                        .map(|n| MaxAsset {
                            asset: AssetId(n),
                            limit,
                        })
                        .collect(),
                };
                let off = r.one_in(2);
                Admin::SetExchangeFilters(Box::new(match off {
                    true => ExchangeFilters::default(),
                    false => filters,
                }))
            }
            2..5 => Admin::LockBalance(BalanceLock {
                account,
                asset: AssetId(1 + r.below(4) as u32),
                delta: Amount(i128::from(r.within(9) - 4) * 900_000_000),
            }),
            _ => Admin::RecordBlockTrade(BlockTrade {
                instrument,
                buyer: account,
                seller: other,
                price,
                qty,
                buyer_is_maker: r.one_in(2),
            }),
        }
    }

    fn reference(&mut self, instrument: InstrumentId) -> SetReference {
        let price = self.price(instrument);
        let r = &mut self.random;
        let calculation = match r.below(9) {
            0 => None,
            1..5 => Some(Calculation::External(r.below(3) as u32)),
            _ => Some(Calculation::Mean(Mean {
                count: r.pick(&[0, 1, 2, 3, 7]),
                width_ms: r.pick(&[0, 1, 1_500, 10_000, 61_003]),
            })),
        };
        let told = match calculation {
            Some(Calculation::External(_)) => !r.one_in(4),
            _ => r.one_in(9),
        };
        SetReference {
            instrument,
            calculation,
            price: told.then_some(price),
        }
    }

    fn range(&mut self, instrument: InstrumentId) -> ExecutionRules {
        let r = &mut self.random;
        let mut multiple = |from: &[i64]| match r.one_in(3) {
            true => None,
            false => Some(Decimal(r.pick(from) * Decimal::SCALE / 1_000)),
        };
        let ups = [1_000, 1_002, 1_100, 1_500, 900];
        let downs = [1_000, 998, 900, 500, 1_001, 0];
        let range = PriceRange {
            bid_up: multiple(&ups),
            bid_down: multiple(&downs),
            ask_up: multiple(&ups),
            ask_down: multiple(&downs),
        };
        let range = (!self.random.one_in(6)).then_some(range);
        ExecutionRules { instrument, range }
    }

    /// Gives an order the rare fields of the features that are on.
    pub(super) fn dress(&mut self, place: &mut PlaceOrder) {
        let on = self.features;
        if on.groups && self.random.one_in(2) {
            place.stp = Some(self.random.pick(&StpMode::ALL));
        }
        // more rests than among plain orders alone
        if place.kind == OrderKind::Market && self.random.one_in(2) {
            place.kind = OrderKind::Limit;
            place.price = self.price(place.instrument);
            place.qty = self.qty(place.instrument);
            place.quote_qty = Decimal::ZERO;
        }
        let unfit = place.kind != OrderKind::Limit && place.tif == TimeInForce::Fok;
        if (place.kind == OrderKind::Limit && self.random.one_in(2))
            || (unfit && !self.random.one_in(9))
        {
            place.tif = TimeInForce::Gtc;
        }
        let mut extras = Extras::NONE;
        if on.conditional && self.random.one_in(3) {
            self.wait(place, &mut extras);
        }
        let market = matches!(
            place.kind,
            OrderKind::Market | OrderKind::StopLoss | OrderKind::TakeProfit
        );
        if on.icebergs && self.random.one_in(if market { 60 } else { 3 }) {
            extras.iceberg_qty = self.peak(place.instrument);
            if !self.random.one_in(20) {
                place.tif = TimeInForce::Gtc;
            }
        }
        if on.pegs && self.random.one_in(if market { 60 } else { 4 }) {
            extras.peg = Some(Peg {
                kind: self.random.pick(&[PegKind::Primary, PegKind::Market]),
                offset: self.random.pick(&[0, 0, 0, 1, 2, 9]),
            });
            if !self.random.one_in(4) {
                place.price = Decimal::ZERO;
            }
        }
        place.extras = match self.random.one_in(90) {
            true => Some(Box::new(extras)),
            false => extras.boxed(),
        };
    }

    /// Makes it a conditional order.
    fn wait(&mut self, place: &mut PlaceOrder, extras: &mut Extras) {
        let odd = self.random.one_in(40);
        place.kind = self.random.pick(&CONDITIONAL);
        let limit = matches!(
            place.kind,
            OrderKind::StopLossLimit | OrderKind::TakeProfitLimit
        );
        place.price = match limit != odd {
            true => self.price(place.instrument),
            false => Decimal::ZERO,
        };
        place.quote_qty = Decimal::ZERO;
        place.qty = self.qty(place.instrument);
        if !limit && !self.random.one_in(30) {
            place.tif = TimeInForce::Gtc;
        }
        if !self.random.one_in(4) {
            extras.stop_price = self.price(place.instrument);
        }
        if extras.stop_price.is_zero() || self.random.one_in(4) {
            extras.trailing_delta = self.random.pick(&[50, 300, 1_000, 2_500, 9_999, 10_000, 0]);
        }
    }

    /// How much of an iceberg is shown.
    fn peak(&mut self, instrument: InstrumentId) -> Decimal {
        let unit = Decimal::SCALE;
        let r = &mut self.random;
        if r.one_in(25) {
            return Decimal(r.pick(&[-1, 1, i64::MAX, unit / 3, 900 * unit]));
        }
        let parts = 1 + r.below(12) as i64;
        Decimal(match instrument.0 {
            2 => parts * unit / 10,
            3 => parts * 30_000_000,
            _ => r.pick(&[unit / 7, unit / 3, unit, 10_000_019]),
        })
    }

    fn list_name(&mut self) -> ClientId {
        let text = format!("list{}", self.random.below(9));
        ClientId::new(&text).unwrap_or(ClientId::NONE)
    }

    fn cancel_list(&mut self, instrument: InstrumentId) -> CancelList {
        let by_id = self.random.one_in(3);
        let both = by_id && self.random.one_in(3);
        let id = ListId(1 + self.random.below(1 + self.lists / 2));
        CancelList {
            instrument,
            list: by_id.then_some(id),
            list_client_id: match by_id && !both {
                true => ClientId::NONE,
                false => self.list_name(),
            },
            client_id: self.name(),
        }
    }

    fn list(&mut self, instrument: InstrumentId) -> PlaceList {
        let kinds = [
            ListKind::Oco,
            ListKind::Oto,
            ListKind::Otoco,
            ListKind::Opo,
            ListKind::Opoco,
        ];
        let kind = self.random.pick(&kinds);
        self.lists += 1;
        let pays = matches!(kind, ListKind::Opo | ListKind::Opoco);
        let mut legs = Vec::new();
        if kind != ListKind::Oco {
            legs.push(self.working(instrument, pays));
        }
        match kind {
            ListKind::Oto | ListKind::Opo => legs.push(self.leg(instrument)),
            ListKind::Oco | ListKind::Otoco | ListKind::Opoco => {
                legs.extend(self.pair(instrument));
            }
        }
        if pays {
            for leg in &mut legs[1..] {
                leg.side = Side::Sell;
                leg.qty = Decimal::ZERO;
            }
        }
        if self.random.one_in(40) {
            legs.pop();
        }
        if self.random.one_in(40) {
            legs.reverse();
        }
        PlaceList {
            instrument,
            kind,
            client_id: match self.random.one_in(30) {
                true => self.name(),
                false => self.list_name(),
            },
            legs,
        }
    }

    fn working(&mut self, instrument: InstrumentId, buys: bool) -> PlaceOrder {
        let mut leg = self.leg(instrument);
        leg.kind = match self.random.below(12) {
            0..3 => OrderKind::LimitMaker,
            3 => OrderKind::Market,
            _ => OrderKind::Limit,
        };
        leg.extras = leg.extras.and_then(|extras| {
            let plain = Extras {
                stop_price: Decimal::ZERO,
                trailing_delta: 0,
                ..*extras
            };
            plain.boxed()
        });
        leg.price = self.price(instrument);
        leg.tif = match (leg.kind, self.random.below(5)) {
            (OrderKind::Limit, 0) => TimeInForce::Ioc,
            _ => TimeInForce::Gtc,
        };
        if buys && !self.random.one_in(20) {
            leg.side = Side::Buy;
        }
        leg
    }

    /// An order of a list.
    fn leg(&mut self, instrument: InstrumentId) -> PlaceOrder {
        let mut leg = self.place(instrument);
        if self.random.one_in(3) {
            let mut extras = leg.extras.as_deref().copied().unwrap_or(Extras::NONE);
            self.wait(&mut leg, &mut extras);
            leg.extras = extras.boxed();
        }
        if !leg.quote_qty.is_zero() {
            leg.quote_qty = Decimal::ZERO;
            leg.qty = self.qty(instrument);
        }
        leg
    }

    /// Two orders of which one ends the other, mostly on the right sides.
    fn pair(&mut self, instrument: InstrumentId) -> [PlaceOrder; 2] {
        let side = self.random.pick(&[Side::Buy, Side::Sell]);
        let profit_above = side == Side::Sell;
        let qty = self.qty(instrument);
        let mut prices = [self.price(instrument), self.price(instrument)];
        if !self.random.one_in(6) {
            prices.sort();
            prices.reverse();
        }
        let mut at = 0;
        let mut make = || {
            let mut leg = self.leg(instrument);
            leg.side = side;
            leg.qty = qty;
            leg.tif = TimeInForce::Gtc;
            let profits = (at == 0) == profit_above;
            let kinds = match profits {
                true => [
                    OrderKind::LimitMaker,
                    OrderKind::TakeProfit,
                    OrderKind::TakeProfitLimit,
                ],
                false => [
                    OrderKind::StopLoss,
                    OrderKind::StopLossLimit,
                    OrderKind::StopLossLimit,
                ],
            };
            leg.kind = self.random.pick(&kinds);
            let near = self.price(instrument);
            let mut extras = leg.extras.as_deref().copied().unwrap_or(Extras::NONE);
            (extras.stop_price, extras.trailing_delta) = (Decimal::ZERO, 0);
            leg.price = match leg.kind {
                OrderKind::LimitMaker => prices[at],
                OrderKind::StopLoss | OrderKind::TakeProfit => Decimal::ZERO,
                _ => near,
            };
            if leg.kind != OrderKind::LimitMaker {
                extras.stop_price = prices[at];
                if self.random.one_in(5) {
                    extras.trailing_delta = self.random.pick(&[100, 700, 2_000]);
                }
            }
            leg.extras = extras.boxed();
            at += 1;
            leg
        };
        [make(), make()]
    }
}
