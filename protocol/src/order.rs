use types::{AccountId, Amount, ClientId, Decimal, InstrumentId, ListId, OrderId, Side, Time};

use crate::CloseReason;

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

/// What only some orders carry, as asked. Its bytes are `stop_price` and a word: `trailing_delta` and, in the upper bits, which of the other
/// fields follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extras {
    /// The trade price that a conditional order waits for; zero: none.
    pub stop_price: Decimal,
    /// How far, in hundredths of a percent, the price must come back from its extreme to trigger a trailing order; zero: none. Below 2³⁰.
    pub trailing_delta: u32,
    /// How much of it the book shows at most; zero: all.
    pub iceberg_qty: Decimal,
    pub peg: Option<Peg>,
}

impl Extras {
    pub const NONE: Extras = Extras {
        stop_price: Decimal::ZERO,
        trailing_delta: 0,
        iceberg_qty: Decimal::ZERO,
        peg: None,
    };

    /// `None` when nothing is asked.
    #[must_use]
    pub fn boxed(self) -> Option<Box<Extras>> {
        (self != Extras::NONE).then(|| Box::new(self))
    }
}

const ICEBERG_FOLLOWS: u32 = 1 << 31;
const PEG_FOLLOWS: u32 = 1 << 30;

impl crate::Wire for Extras {
    fn put(&self, out: &mut Vec<u8>) {
        let mut word = self.trailing_delta & (PEG_FOLLOWS - 1);
        if !self.iceberg_qty.is_zero() {
            word |= ICEBERG_FOLLOWS;
        }
        if self.peg.is_some() {
            word |= PEG_FOLLOWS;
        }
        self.stop_price.put(out);
        word.put(out);
        if !self.iceberg_qty.is_zero() {
            self.iceberg_qty.put(out);
        }
        if let Some(peg) = &self.peg {
            peg.put(out);
        }
    }
    fn take(input: &mut &[u8]) -> Result<Self, crate::Malformed> {
        let stop_price = crate::Wire::take(input)?;
        let word = u32::take(input)?;
        let iceberg_qty = match word & ICEBERG_FOLLOWS {
            0 => Decimal::ZERO,
            _ => crate::Wire::take(input)?,
        };
        let peg = match word & PEG_FOLLOWS {
            0 => None,
            _ => Some(crate::Wire::take(input)?),
        };
        Ok(Extras {
            stop_price,
            trailing_delta: word & (PEG_FOLLOWS - 1),
            iceberg_qty,
            peg,
        })
    }
}

wire_enum! {
    /// Which side of the book a pegged order takes its price from.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    pub enum PegKind {
        /// Its own.
        1 = Primary,
        /// The other.
        2 = Market,
    }
}
wire_struct! {
    /// The order takes its price from the book, once, as it enters it.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Peg {
        pub kind: PegKind,
        /// How many levels behind the best one; zero when it was not said.
        pub offset: u8,
    }
}
wire_struct! {
    /// How a pegged order stands.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Pegged {
        pub peg: Peg,
        /// The limit price that was asked for beside the peg; zero: none.
        pub asked: Decimal,
        /// The order's price is the book's by now; until then it is `asked`.
        pub priced: bool,
    }
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

impl StpMode {
    /// Each of them, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::ExpireTaker,
        Self::ExpireMaker,
        Self::ExpireBoth,
        Self::Decrement,
        Self::Transfer,
    ];
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
        /// A pending order of a list whose working order is not filled yet: it does nothing, and holds nothing.
        7 = PendingNew,
    }
}

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
    /// What only few orders have. Never a block that says nothing.
    pub more: Option<Box<More>>,
}

/// Whether a condition, [`More`] or both stand behind an order's plain fields.
const TAIL: [(bool, bool); 4] = [(false, false), (true, false), (false, true), (true, true)];

impl crate::Wire for Order {
    fn put(&self, out: &mut Vec<u8>) {
        self.instrument.put(out);
        self.id.put(out);
        self.account.put(out);
        self.client_id.put(out);
        self.side.put(out);
        self.kind.put(out);
        self.tif.put(out);
        self.stp.put(out);
        self.price.put(out);
        self.qty.put(out);
        self.quote_qty.put(out);
        self.executed_qty.put(out);
        self.executed_quote.put(out);
        self.prevented_qty.put(out);
        self.status.put(out);
        self.placed_at.put(out);
        self.updated_at.put(out);
        self.strategy_id.put(out);
        self.strategy_kind.put(out);
        let tail = u8::from(self.condition.is_some()) + 2 * u8::from(self.more.is_some());
        out.push(tail);
        if let Some(condition) = &self.condition {
            condition.put(out);
        }
        if let Some(more) = &self.more {
            more.put(out);
        }
    }
    fn take(input: &mut &[u8]) -> Result<Self, crate::Malformed> {
        let mut order = Order {
            instrument: crate::Wire::take(input)?,
            id: crate::Wire::take(input)?,
            account: crate::Wire::take(input)?,
            client_id: crate::Wire::take(input)?,
            side: crate::Wire::take(input)?,
            kind: crate::Wire::take(input)?,
            tif: crate::Wire::take(input)?,
            stp: crate::Wire::take(input)?,
            price: crate::Wire::take(input)?,
            qty: crate::Wire::take(input)?,
            quote_qty: crate::Wire::take(input)?,
            executed_qty: crate::Wire::take(input)?,
            executed_quote: crate::Wire::take(input)?,
            prevented_qty: crate::Wire::take(input)?,
            status: crate::Wire::take(input)?,
            placed_at: crate::Wire::take(input)?,
            updated_at: crate::Wire::take(input)?,
            strategy_id: crate::Wire::take(input)?,
            strategy_kind: crate::Wire::take(input)?,
            condition: None,
            more: None,
        };
        let tail = usize::from(u8::take(input)?);
        let (condition, more) = TAIL.get(tail).ok_or(crate::Malformed("option"))?;
        if *condition {
            order.condition = Some(crate::Wire::take(input)?);
        }
        if *more {
            order.more = Some(crate::Wire::take(input)?);
        }
        Ok(order)
    }
}

/// What only few orders have. Its bytes are a `u16` of flags, one for each field that is present, and those fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct More {
    /// The order list that it is a part of.
    pub list: Option<ListId>,
    /// When a pending order of a list began to act or to wait for its price.
    pub activated_at: Option<Time>,
    /// Why it ended, where status, kind and time in force do not say so.
    pub reason: Option<CloseReason>,
    /// How much of it the book shows at most.
    pub iceberg_qty: Option<Decimal>,
    /// How much of an iceberg in the book is shown; only in a snapshot, and as the engine tells its state.
    pub shown_qty: Option<Decimal>,
    pub peg: Option<Pegged>,
    /// Of a routed order: where it was active last.
    pub floor: Option<crate::WorkingFloor>,
}

impl More {
    /// What it says of an order list alone.
    #[must_use]
    pub fn of_list(self) -> More {
        More {
            iceberg_qty: None,
            shown_qty: None,
            peg: None,
            floor: None,
            ..self
        }
    }

    /// `None` when it says nothing.
    #[must_use]
    pub fn boxed(self) -> Option<Box<More>> {
        (self != More::default()).then(|| Box::new(self))
    }
}

impl crate::Wire for More {
    fn put(&self, out: &mut Vec<u8>) {
        let flags = u16::from(self.list.is_some())
            | u16::from(self.activated_at.is_some()) << 1
            | u16::from(self.reason.is_some()) << 2
            | u16::from(self.iceberg_qty.is_some()) << 3
            | u16::from(self.shown_qty.is_some()) << 4
            | u16::from(self.peg.is_some()) << 5
            | u16::from(self.floor.is_some()) << 6;
        flags.put(out);
        if let Some(list) = &self.list {
            list.put(out);
        }
        if let Some(at) = &self.activated_at {
            at.put(out);
        }
        if let Some(reason) = &self.reason {
            reason.put(out);
        }
        for qty in [&self.iceberg_qty, &self.shown_qty].into_iter().flatten() {
            qty.put(out);
        }
        if let Some(peg) = &self.peg {
            peg.put(out);
        }
        if let Some(floor) = &self.floor {
            floor.put(out);
        }
    }
    fn take(input: &mut &[u8]) -> Result<Self, crate::Malformed> {
        let flags = u16::take(input)?;
        if flags == 0 || flags >= 1 << 7 {
            return Err(crate::Malformed("flags of an order's rare fields"));
        }
        let has = |bit: u16| flags & 1 << bit != 0;
        Ok(More {
            list: has(0).then(|| crate::Wire::take(input)).transpose()?,
            activated_at: has(1).then(|| crate::Wire::take(input)).transpose()?,
            reason: has(2).then(|| crate::Wire::take(input)).transpose()?,
            iceberg_qty: has(3).then(|| crate::Wire::take(input)).transpose()?,
            shown_qty: has(4).then(|| crate::Wire::take(input)).transpose()?,
            peg: has(5).then(|| crate::Wire::take(input)).transpose()?,
            floor: has(6).then(|| crate::Wire::take(input)).transpose()?,
        })
    }
}

impl Order {
    /// What is still open: `qty - executed - prevented`, zero once the order has ended.
    #[must_use]
    pub fn open_qty(&self) -> Decimal {
        match self.status {
            OrderStatus::New | OrderStatus::PartiallyFilled | OrderStatus::PendingNew => Decimal(
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
        self.working_at().is_some()
    }

    /// When it began to act; `None` while it waits.
    #[must_use]
    pub fn working_at(&self) -> Option<Time> {
        match &self.condition {
            _ if self.status == OrderStatus::PendingNew => None,
            Some(condition) => condition.triggered_at,
            None => Some(self.activated_at().unwrap_or(self.placed_at)),
        }
    }

    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(
            self.status,
            OrderStatus::New | OrderStatus::PartiallyFilled | OrderStatus::PendingNew
        )
    }

    /// The order list that it is a part of.
    #[must_use]
    pub fn list(&self) -> Option<ListId> {
        self.more.as_ref().and_then(|more| more.list)
    }

    /// When a pending order of a list was let act.
    #[must_use]
    pub fn activated_at(&self) -> Option<Time> {
        self.more.as_ref().and_then(|more| more.activated_at)
    }

    /// How much of it the book shows at most; zero: all.
    #[must_use]
    pub fn iceberg_qty(&self) -> Decimal {
        let more = self.more.as_ref();
        more.and_then(|more| more.iceberg_qty).unwrap_or_default()
    }

    /// What the book shows of an order that rests in it, as told by the engine's state.
    #[must_use]
    pub fn shown_qty(&self) -> Decimal {
        let more = self.more.as_ref();
        more.and_then(|more| more.shown_qty)
            .unwrap_or(self.open_qty())
    }

    #[must_use]
    pub fn peg(&self) -> Option<Pegged> {
        self.more.as_ref().and_then(|more| more.peg)
    }

    /// The limit price as it was asked for: that of a pegged order is not the one at which it works.
    #[must_use]
    pub fn asked_price(&self) -> Decimal {
        self.peg().map_or(self.price, |peg| peg.asked)
    }

    /// Where a routed order was active last.
    #[must_use]
    pub fn floor(&self) -> Option<crate::WorkingFloor> {
        self.more.as_ref().and_then(|more| more.floor)
    }

    /// Notes where a routed order is active; others are left alone.
    pub fn set_floor(&mut self, floor: crate::WorkingFloor) {
        if self.floor().is_some() {
            self.set_more(|more| more.floor = Some(floor));
        }
    }

    /// Changes the rare fields.
    pub fn set_more(&mut self, change: impl FnOnce(&mut More)) {
        let mut more = self.more.as_deref().copied().unwrap_or_default();
        change(&mut more);
        self.more = more.boxed();
    }
}
