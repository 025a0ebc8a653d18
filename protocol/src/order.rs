use types::{AccountId, Amount, ClientId, Decimal, InstrumentId, OrderId, Side, Time};

wire_enum! {
    /// How an order is priced.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    pub enum OrderKind {
        1 = Limit,
        2 = Market,
        /// Rests or is rejected: never takes.
        3 = LimitMaker,
        /// Becomes a MARKET order when the last trade reaches its stop price from the better side.
        4 = StopLoss,
        /// Becomes a LIMIT order then.
        5 = StopLossLimit,
        /// Becomes a MARKET order when the last trade reaches its stop price from the worse side.
        6 = TakeProfit,
        /// Becomes a LIMIT order then.
        7 = TakeProfitLimit,
    }
}

impl OrderKind {
    /// Waits for a price before it acts: counts as an algorithmic order.
    #[must_use]
    pub const fn is_conditional(self) -> bool {
        matches!(
            self,
            OrderKind::StopLoss
                | OrderKind::StopLossLimit
                | OrderKind::TakeProfit
                | OrderKind::TakeProfitLimit
        )
    }

    /// Has no price of its own when it acts.
    #[must_use]
    pub const fn is_market(self) -> bool {
        matches!(
            self,
            OrderKind::Market | OrderKind::StopLoss | OrderKind::TakeProfit
        )
    }

    /// Waits until the last trade is at its stop price or above (else: or below).
    #[must_use]
    pub const fn triggers_above(self, side: Side) -> bool {
        match self {
            OrderKind::StopLoss | OrderKind::StopLossLimit => matches!(side, Side::Buy),
            _ => matches!(side, Side::Sell),
        }
    }
}

wire_struct! {
    /// What only some orders carry, as asked.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Extras {
        /// The trade price that a conditional order waits for; zero: none.
        pub stop_price: Decimal,
        /// How far, in hundredths of a percent, the price must come back from its extreme to trigger a trailing order; zero: none.
        pub trailing_delta: u32,
    }
}

impl Extras {
    pub const NONE: Extras = Extras {
        stop_price: Decimal::ZERO,
        trailing_delta: 0,
    };
}

wire_struct! {
    /// How a conditional order stands.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Condition {
        pub asked: Extras,
        /// When a trailing order began to follow the price.
        pub trailing_at: Option<Time>,
        /// When it acted: since then it is like an order placed at that moment.
        pub triggered_at: Option<Time>,
        /// It ended as it acted: money or room was lacking.
        pub refused: bool,
    }
}

wire_enum! {
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    pub enum TimeInForce {
        /// Rests until filled or canceled.
        1 = Gtc,
        /// Takes what it can, the rest expires.
        2 = Ioc,
        /// Fills whole at once or expires whole.
        3 = Fok,
    }
}

wire_enum! {
    /// Self-trade prevention: what happens when an order would match one of the same owner. The taker's mode decides.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    pub enum StpMode {
        0 = None,
        1 = ExpireTaker,
        2 = ExpireMaker,
        3 = ExpireBoth,
        /// Both lose the smaller quantity; who has none left ends.
        4 = Decrement,
        /// As `Decrement`; between two accounts of one trade group that both ask for it, what was prevented changes hands.
        5 = Transfer,
    }
}

/// A set of [`StpMode`]s.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StpModes(pub u8);

impl StpModes {
    pub const ALL: StpModes = StpModes(0b11_1111);

    #[must_use]
    pub const fn contains(self, mode: StpMode) -> bool {
        self.0 & (1 << mode as u8) != 0
    }

    #[must_use]
    pub const fn with(self, mode: StpMode) -> StpModes {
        StpModes(self.0 | 1 << mode as u8)
    }
}

impl crate::Wire for StpModes {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.0);
    }
    fn take(input: &mut &[u8]) -> Result<Self, crate::Malformed> {
        u8::take(input).map(StpModes)
    }
}

wire_enum! {
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    pub enum OrderStatus {
        1 = New,
        2 = PartiallyFilled,
        3 = Filled,
        4 = Canceled,
        /// The engine ended it: IOC and FOK remainders, a MARKET order on an exhausted book.
        5 = Expired,
        /// Self-trade prevention ended it.
        6 = ExpiredInMatch,
    }
}

wire_struct! {
    /// Everything there is to say of one order at one moment. The engine keeps it while the order is open; views keep it for ever.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct Order {
        pub instrument: InstrumentId,
        pub id: OrderId,
        pub account: AccountId,
        pub client_id: ClientId,
        pub side: Side,
        pub kind: OrderKind,
        pub tif: TimeInForce,
        pub stp: StpMode,
        /// Zero for MARKET.
        pub price: Decimal,
        /// As placed, or as last amended. For a MARKET order by quote amount: what was executed.
        pub qty: Decimal,
        /// The quote amount asked for, for a MARKET order that names one; else zero.
        pub quote_qty: Decimal,
        pub executed_qty: Decimal,
        /// Quote atoms given or received so far, before commission.
        pub executed_quote: Amount,
        pub prevented_qty: Decimal,
        pub status: OrderStatus,
        pub placed_at: Time,
        pub updated_at: Time,
        pub strategy_id: Option<i64>,
        pub strategy_kind: Option<i32>,
        /// What a conditional order waits, or waited, for.
        pub condition: Option<Box<Condition>>,
    }
}

impl Order {
    /// What is still open: `qty - executed - prevented`, zero once the order has ended.
    #[must_use]
    pub fn open_qty(&self) -> Decimal {
        match self.status {
            OrderStatus::New | OrderStatus::PartiallyFilled => Decimal(
                self.qty
                    .0
                    .saturating_sub(self.executed_qty.0)
                    .saturating_sub(self.prevented_qty.0),
            ),
            _ => Decimal::ZERO,
        }
    }

    /// Acts or has acted: not a conditional order that still waits.
    #[must_use]
    pub fn is_working(&self) -> bool {
        match &self.condition {
            Some(condition) => condition.triggered_at.is_some(),
            None => true,
        }
    }

    /// When it began to act; `None` while it waits.
    #[must_use]
    pub fn working_at(&self) -> Option<Time> {
        match &self.condition {
            Some(condition) => condition.triggered_at,
            None => Some(self.placed_at),
        }
    }

    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.status, OrderStatus::New | OrderStatus::PartiallyFilled)
    }
}
