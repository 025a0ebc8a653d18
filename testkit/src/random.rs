//! Seeded commands over tiny domains, so that prices meet, names clash and money runs out.

mod features;

pub use features::Features;

use protocol::{
    Admin, AmendOrder, BothKeys, CancelAll, CancelOrder, CancelReplace, CancelReplaceMode,
    CancelRestriction, Command, Discount, FeeParts, FeeSchedule, Filters, Instrument,
    InstrumentFees, LotSizeFilter, MarketStatus, MinNotionalFilter, NotionalFilter, OrderKey,
    OrderKind, PercentPriceBySideFilter, PercentPriceFilter, PlaceOrder, PriceFilter,
    SetAccountFees, SetStatus, StpMode, StpModes, Tier, TierRule, TimeInForce, TrailingDeltaFilter,
    Transfer, Wake,
};
use types::{
    AccountId, Amount, AssetId, ClientId, ContractKind, Decimal, InstrumentId, OrderId, Rate, Side,
    Wallet,
};

use crate::Exchange;

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(n)) >> 64) as u64
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn within(&mut self, n: u64) -> i64 {
        self.below(n) as i64
    }
}

pub const USERS: u64 = 4;
/// A little above what each user begins with.
const MAX_POSITION: Decimal = Decimal(430 * Decimal::SCALE);

/// Four users and three markets: one without filters, one with coarse grids and every filter, one with odd grids and an asset of three
/// decimals.
pub fn furnish(exchange: &mut Exchange) {
    let btc = exchange.asset("BTC", 8);
    let usdt = exchange.asset("USDT", 8);
    let yen = exchange.asset("JPY", 3);
    for number in 0..USERS {
        let user = exchange.account();
        // one of them is often short of money
        let poor = if number + 1 == USERS { 40 } else { 1 };
        for (asset, atoms) in [
            (btc, 40_000_000_000),
            (usdt, 900_000_000_000),
            (yen, 60_000),
        ] {
            exchange.fund(user, asset, Amount(atoms / poor));
        }
    }
    exchange.list(instrument("BTCUSDT", btc, usdt, Filters::default(), 0));
    exchange.list(instrument("COARSE", btc, usdt, every_filter(), 1));
    let odd = Filters {
        price: Some(PriceFilter {
            min: Decimal(0),
            max: Decimal(0),
            tick: Decimal(7),
        }),
        lot_size: Some(LotSizeFilter {
            min: Decimal(0),
            max: Decimal(0),
            step: Decimal(30_000_000),
        }),
        max_position: Some(MAX_POSITION),
        ..Filters::default()
    };
    exchange.list(instrument("ODD", btc, yen, odd, 2));
}

fn every_filter() -> Filters {
    let unit = Decimal::SCALE;
    let lot = LotSizeFilter {
        min: Decimal(2 * unit / 10),
        max: Decimal(6 * unit),
        step: Decimal(unit / 10),
    };
    Filters {
        price: Some(PriceFilter {
            min: Decimal(2 * unit),
            max: Decimal(12 * unit),
            tick: Decimal(unit / 2),
        }),
        lot_size: Some(lot),
        market_lot_size: Some(LotSizeFilter {
            max: Decimal(3 * unit),
            step: Decimal(unit / 5),
            ..lot
        }),
        notional: Some(NotionalFilter {
            min: Decimal(unit),
            apply_min_to_market: true,
            max: Decimal(40 * unit),
            apply_max_to_market: true,
            avg_price_mins: 2,
        }),
        percent_price_by_side: Some(PercentPriceBySideFilter {
            bid_up: Decimal(2 * unit),
            bid_down: Decimal(unit / 4),
            ask_up: Decimal(3 * unit),
            ask_down: Decimal(unit / 2),
            avg_price_mins: 3,
        }),
        max_num_orders: Some(5),
        percent_price: Some(PercentPriceFilter {
            up: Decimal(5 * unit / 2),
            down: Decimal(unit / 3),
            avg_price_mins: 1,
        }),
        min_notional: Some(MinNotionalFilter {
            min: Decimal(3 * unit / 2),
            apply_to_market: false,
            avg_price_mins: 1,
        }),
        max_num_order_amends: Some(1),
        trailing_delta: Some(TrailingDeltaFilter {
            min_above: 100,
            max_above: 2_500,
            min_below: 50,
            max_below: 2_000,
        }),
        max_num_algo_orders: Some(2),
        iceberg_parts: Some(8),
        max_num_iceberg_orders: Some(2),
        max_num_order_lists: Some(1),
        ..Filters::default()
    }
}

/// A market that offers everything, with one of three sets of self-trade prevention.
#[must_use]
pub fn instrument(
    symbol: &str,
    base: AssetId,
    quote: AssetId,
    filters: Filters,
    variant: usize,
) -> Instrument {
    let stp = [
        (StpMode::None, StpModes::ALL),
        (StpMode::ExpireMaker, StpModes(0b11_1110)),
        (StpMode::ExpireBoth, StpModes::ALL),
    ];
    Instrument {
        id: InstrumentId(0),
        symbol: symbol.into(),
        contract: ContractKind(1),
        base,
        quote,
        status: MarketStatus::Trading,
        filters,
        default_stp: stp[variant].0,
        allowed_stp: stp[variant].1,
        maker_fee: Rate(100_000),
        taker_fee: Rate(250_000),
        denied: protocol::Denied::NONE,
    }
}

fn set_status(instrument: InstrumentId, status: MarketStatus) -> (AccountId, Command) {
    let set = SetStatus { instrument, status };
    (AccountId::TREASURY, Command::Admin(Admin::SetStatus(set)))
}

/// Makes commands; knows only what it has asked before.
#[derive(Clone, Debug)]
pub struct Commands {
    pub random: Random,
    /// About how many orders each market has seen.
    orders: [u64; 3],
    lists: u64,
    features: Features,
    /// Who placed which order last, and where.
    recent: Vec<(AccountId, InstrumentId, ClientId)>,
}

impl Commands {
    /// Of plain orders alone.
    #[must_use]
    pub fn new(seed: u64) -> Commands {
        Commands::with(seed, Features::default())
    }

    #[must_use]
    pub fn with(seed: u64, features: Features) -> Commands {
        Commands {
            random: Random(seed),
            orders: [0; 3],
            lists: 0,
            features,
            recent: Vec::new(),
        }
    }

    pub fn command(&mut self) -> (AccountId, Command) {
        let plain = self.features == Features::default();
        let r = &mut self.random;
        // with features there is more to agree about behind a command that is accepted
        let actor = match r.below(if plain { 60 } else { 300 }) {
            0 => AccountId(9),
            1 => AccountId(1001 + USERS as u32),
            2 => AccountId::TREASURY,
            _ => AccountId(1001 + r.below(USERS) as u32),
        };
        let instrument = if r.one_in(if plain { 60 } else { 200 }) {
            InstrumentId(r.pick(&[0, 4, u32::MAX]))
        } else {
            InstrumentId(1 + r.below(3) as u32)
        };
        if let Some(ruling) = self.ruling(instrument) {
            return (AccountId::TREASURY, Command::Admin(ruling));
        }
        if let Some(special) = self.special(instrument) {
            return self.aim(actor, special);
        }
        let command = match self.random.below(100) {
            0..65 => Command::PlaceOrder(self.place(instrument)),
            65..75 => Command::CancelOrder(self.cancel(instrument)),
            75..77 => Command::CancelAll(CancelAll {
                instrument,
                client_id: self.name(),
            }),
            77..85 => {
                let same = !self.random.one_in(20);
                let other = InstrumentId(1 + self.random.below(3) as u32);
                Command::CancelReplace(Box::new(CancelReplace {
                    cancel: self.cancel(if same { instrument } else { other }),
                    place: self.place(instrument),
                    mode: self.random.pick(&[
                        CancelReplaceMode::StopOnFailure,
                        CancelReplaceMode::AllowFailure,
                    ]),
                }))
            }
            85..92 => Command::AmendOrder(AmendOrder {
                instrument,
                order: self.key(instrument),
                new_qty: self.qty(instrument),
                client_id: self.name(),
            }),
            92..95 => Command::Transfer(self.transfer()),
            95 => Command::Wake(Wake { budget: 8 }),
            96 if self.random.one_in(if plain { 2 } else { 8 }) => {
                let status = self.random.pick(&[
                    MarketStatus::Halt,
                    MarketStatus::Break,
                    MarketStatus::CancelOnly,
                    MarketStatus::EndOfDay,
                ]);
                return set_status(instrument, status);
            }
            _ => return set_status(instrument, MarketStatus::Trading),
        };
        match self.features == Features::default() {
            true => (actor, command),
            false => self.aim(actor, command),
        }
    }

    /// An act of the venue about fees. Not one of [`Commands::command`]'s, so that those stay what they were for each seed.
    pub fn fees(&mut self) -> Admin {
        let r = &mut self.random;
        let instrument = InstrumentId(1 + r.below(3) as u32);
        let account = AccountId(1001 + r.below(USERS) as u32);
        match r.below(6) {
            0 => {
                let tiers = r.below(4) as i64;
                let tier = |at: i64| Tier {
                    volume: Amount(i128::from(1 + at) * 700_000_000),
                    maker: Rate(90_001 - at * 11_113),
                    taker: Rate(240_001 - at * 33_331),
                };
                let discount = Discount {
                    asset: AssetId(1 + r.below(3) as u32),
                    share: Rate(r.pick(&[0, 75_000_000, 33_333_333, 100_000_000])),
                };
                Admin::SetFees(Box::new(FeeSchedule {
                    discount: (!r.one_in(8)).then_some(discount),
                    valuation: AssetId(if tiers == 0 { 0 } else { 1 + r.below(3) as u32 }),
                    tiers: (0..tiers).map(tier).collect(),
                }))
            }
            1 => {
                let mut parts = |most: u64| FeeParts {
                    maker: Rate(r.within(most)),
                    taker: Rate(r.within(most)),
                    buyer: Rate(r.within(most)),
                    seller: Rate(r.within(most)),
                };
                let (standard, tax, special) = (parts(300_000), parts(90_000), parts(2_000_000));
                Admin::SetInstrumentFees(Box::new(InstrumentFees {
                    instrument,
                    standard,
                    tax,
                    special,
                    discounted: !r.one_in(4),
                }))
            }
            _ => Admin::SetAccountFees(SetAccountFees {
                account,
                tier: match r.below(6) {
                    0 => TierRule::ByVolume,
                    1 => TierRule::Forced(r.below(4) as u8),
                    _ => TierRule::Keep,
                },
                discounted: r.pick(&[None, Some(true), Some(true), Some(false)]),
            }),
        }
    }

    fn transfer(&mut self) -> Transfer {
        let r = &mut self.random;
        let wallets = [Wallet::SPOT, Wallet::FUNDING, Wallet(77)];
        Transfer {
            from: r.pick(&wallets[..]),
            to: r.pick(&wallets[..]),
            asset: AssetId(1 + r.below(4) as u32),
            amount: Amount(i128::from(r.within(9) - 1) * 1_000_000_000),
        }
    }

    fn name(&mut self) -> ClientId {
        let text = format!("n{}", self.random.below(30));
        ClientId::new(&text).unwrap_or(ClientId::NONE)
    }

    fn key(&mut self, instrument: InstrumentId) -> OrderKey {
        let seen = self
            .orders
            .get((instrument.0 as usize).wrapping_sub(1))
            .map_or(1, |n| n / 2 + 2);
        let id = OrderId((seen + 1).saturating_sub(self.random.below(20)));
        match self.random.below(4) {
            0 => OrderKey::Id(id),
            3 => OrderKey::Both(BothKeys {
                id,
                client_id: self.name(),
            }),
            _ => OrderKey::ClientId(self.name()),
        }
    }

    fn cancel(&mut self, instrument: InstrumentId) -> CancelOrder {
        CancelOrder {
            instrument,
            order: self.key(instrument),
            client_id: self.name(),
            restriction: match self.random.below(6) {
                0 => Some(CancelRestriction::OnlyNew),
                1 => Some(CancelRestriction::OnlyPartiallyFilled),
                _ => None,
            },
        }
    }

    fn price(&mut self, instrument: InstrumentId) -> Decimal {
        let unit = Decimal::SCALE;
        let r = &mut self.random;
        if r.one_in(25) {
            return Decimal(r.pick(&[0, -unit, 1, i64::MAX, unit / 3, 50 * unit]));
        }
        match instrument.0 {
            2 => Decimal((3 + r.within(9)) * unit / 2 + unit),
            3 => Decimal((14_285_714 + r.within(9) * 1_000) * 7),
            _ => Decimal(3 * unit + r.within(7) * 12_345_679),
        }
    }

    fn qty(&mut self, instrument: InstrumentId) -> Decimal {
        let unit = Decimal::SCALE;
        let r = &mut self.random;
        if r.one_in(25) {
            return Decimal(r.pick(&[0, -1, 1, i64::MAX, unit / 3, 900 * unit]));
        }
        match instrument.0 {
            2 => Decimal((1 + r.within(40)) * unit / 10),
            3 => Decimal((1 + r.within(40)) * 30_000_000),
            _ => Decimal(r.pick(&[unit / 7, unit, 3, 2 * unit, 333_333_333])),
        }
    }

    fn place(&mut self, instrument: InstrumentId) -> PlaceOrder {
        if let Some(seen) = self.orders.get_mut((instrument.0 as usize).wrapping_sub(1)) {
            *seen += 1;
        }
        let kind = match self.random.below(10) {
            0..6 => OrderKind::Limit,
            6 => OrderKind::LimitMaker,
            _ => OrderKind::Market,
        };
        let tif = match (kind, self.random.below(8)) {
            (OrderKind::Limit, 0..2) => TimeInForce::Ioc,
            (OrderKind::Limit, 2..4) | (_, 7) => TimeInForce::Fok,
            _ => TimeInForce::Gtc,
        };
        let market = kind == OrderKind::Market;
        let by_quote = market && self.random.one_in(2);
        let odd = self.random.one_in(60);
        let price = self.price(instrument);
        let qty = self.qty(instrument);
        let quote = self.quote(instrument);
        let mut place = PlaceOrder {
            instrument,
            side: self.random.pick(&[Side::Buy, Side::Sell]),
            kind,
            tif,
            stp: match self.random.below(6) {
                0 => Some(StpMode::None),
                1 => Some(StpMode::ExpireTaker),
                2 => Some(StpMode::ExpireMaker),
                3 => Some(StpMode::ExpireBoth),
                _ => None,
            },
            price: if market == odd { price } else { Decimal::ZERO },
            qty: if by_quote { Decimal::ZERO } else { qty },
            quote_qty: if by_quote { quote } else { Decimal::ZERO },
            client_id: self.name(),
            strategy_id: self.random.one_in(9).then_some(7),
            strategy_kind: self.random.one_in(9).then_some(1_000_000),
            extras: None,
        };
        if self.features != Features::default() {
            self.dress(&mut place);
        }
        place
    }

    fn quote(&mut self, instrument: InstrumentId) -> Decimal {
        let unit = Decimal::SCALE;
        let r = &mut self.random;
        if r.one_in(20) {
            return Decimal(r.pick(&[-1, 1, unit / 50, i64::MAX]));
        }
        let scale = if instrument.0 == 3 { unit / 9 } else { unit };
        Decimal((1 + r.within(30)) * scale + r.within(3) * 7_777)
    }
}
