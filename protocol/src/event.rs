use types::{
    AccountId, Amount, AssetId, ClientId, Decimal, InstrumentId, OrderId, Side, TradeGroupId,
    TradeId, UpdateId, Wallet,
};

use crate::{
    AccountFees, BalanceLock, BlockTrade, ExecutionRules, FeeSchedule, Instrument, InstrumentFees,
    Order, OrderList, Reference, SetTradeGroup, StpMode,
};

/// What followed from one record, in order. Reused from record to record, so that the engine does not allocate once warm.
pub type Events = Vec<Event>;

wire_enum! {
    /// What happened. Everything that views know they know from these; the last three are only made by a recovering engine that tells its
    /// state (`Engine::tell`), and never stand in the event log.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub enum Event {
        1 = AssetCreated(AssetCreated),
        2 = AccountOpened(AccountId),
        3 = InstrumentListed(Box<Instrument>),
        /// Status or specification; the whole new specification.
        4 = InstrumentChanged(Box<Instrument>),
        /// Once for each balance that the record changed, after all else in it.
        5 = BalanceChanged(BalanceChanged),
        6 = Transferred(Transferred),
        7 = OrderPlaced(OrderPlaced),
        8 = OrderRested(OrderRested),
        9 = Traded(Traded),
        10 = OrderClosed(OrderClosed),
        11 = OrderAmended(OrderAmended),
        12 = MatchPrevented(MatchPrevented),
        13 = OrderTriggered(OrderTriggered),
        14 = TrailingStarted(TrailingStarted),
        /// Stands before the [`Event::OrderPlaced`] of its orders.
        15 = ListPlaced(Box<OrderList>),
        /// All orders of a list have ended.
        16 = ListEnded(Box<OrderList>),
        17 = OrderActivated(OrderActivated),
        18 = WaitingAmended(WaitingAmended),
        19 = WaitingDecremented(WaitingDecremented),
        20 = TradeGroupChanged(SetTradeGroup),
        21 = OrderDecremented(OrderDecremented),
        /// Stands behind the match that it speaks of.
        22 = MatchPreventedInGroup(MatchPreventedInGroup),
        23 = IcebergShown(IcebergShown),
        /// A pegged order that had waited took its price from the book.
        24 = OrderPegged(OrderPegged),
        /// By the venue; the whole state of it. Trades move a mean without an event of their own.
        25 = ReferenceChanged(Box<Reference>),
        26 = ExecutionRulesChanged(Box<ExecutionRules>),
        /// Stands before the transfers that settle it.
        27 = BlockTraded(BlockTraded),
        /// Stands behind the trades that the venue made for it.
        28 = Allocated(crate::Allocated),
        29 = RoutingChanged(crate::SetRouting),
        30 = FeesChanged(Box<FeeSchedule>),
        31 = InstrumentFeesChanged(Box<InstrumentFees>),
        /// By the venue, or because a day ended and the account's volume is another one.
        32 = AccountFeesChanged(AccountFees),
        35 = ExchangeFiltersChanged(Box<crate::ExchangeFilters>),
        40 = BalanceLocked(BalanceLock),
        /// An order that is open now.
        128 = OrderRestored(Box<Order>),
        129 = MarketRestored(MarketRestored),
        /// A list that is open now.
        130 = ListRestored(Box<OrderList>),
    }
}

wire_struct! {
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct AssetCreated { pub asset: AssetId, pub precision: u8, pub name: Box<str> }
}
wire_struct! {
    /// The balance after the record.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct BalanceChanged { pub account: AccountId, pub wallet: Wallet, pub asset: AssetId, pub free: Amount, pub held: Amount }
}
wire_struct! {
    /// Money came or went without a trade: funding, transfers. `delta` is signed.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Transferred { pub account: AccountId, pub wallet: Wallet, pub asset: AssetId, pub delta: Amount }
}
wire_struct! {
    /// The order was accepted; its trades, rest or end follow in the same record. Status is `New` and nothing is executed yet.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct OrderPlaced { pub order: Order }
}
wire_struct! {
    /// The order's remainder entered the book.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct OrderRested {
        pub instrument: InstrumentId,
        pub order: OrderId,
        pub side: Side,
        pub price: Decimal,
        /// Of an iceberg: what is shown of it.
        pub open_qty: Decimal,
        pub update: UpdateId,
    }
}
wire_struct! {
    /// One party's half of a trade.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Party {
        pub account: AccountId,
        pub order: OrderId,
        /// Atoms of `fee_asset`.
        pub fee: Amount,
        pub fee_asset: AssetId,
        /// What stays open of the order.
        pub open_qty: Decimal,
    }
}
wire_struct! {
    /// Two orders matched, at the maker's price. An order whose open quantity is zero is filled: no [`OrderClosed`] follows.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Traded {
        pub instrument: InstrumentId,
        pub trade: TradeId,
        pub price: Decimal,
        pub qty: Decimal,
        /// Atoms of the quote asset that changed hands, before commission: price x qty rounded down.
        pub quote: Amount,
        pub aggressor_side: Side,
        pub maker: Party,
        pub taker: Party,
        pub update: UpdateId,
    }
}
wire_struct! {
    /// A trade outside of the book.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct BlockTraded {
        /// Counts per instrument, from 1.
        pub id: u64,
        pub trade: BlockTrade,
        /// Atoms of the quote asset: price x qty rounded down.
        pub quote: Amount,
    }
}
wire_enum! {
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum CloseReason {
        1 = Canceled,
        /// An IOC's remainder.
        2 = UnfilledIoc,
        /// A FOK that could not fill whole.
        3 = UnfilledFok,
        /// A MARKET order on an exhausted book.
        4 = InsufficientLiquidity,
        /// Self-trade prevention.
        5 = Prevented,
        /// A conditional order that acted when money or room for it was lacking.
        6 = Refused,
        /// The other order of a pair acted or ended.
        7 = OcoTriggered,
        /// The working order of a list ended before it was filled.
        8 = PhaseOneExpired,
        /// The next trade would have been at a price outside of the execution rules' range.
        10 = PriceRange,
    }
}
wire_struct! {
    /// The order ended without filling whole.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct OrderClosed {
        pub instrument: InstrumentId,
        pub order: OrderId,
        pub account: AccountId,
        pub reason: CloseReason,
        /// What was open when it ended; of an iceberg in the book: what was shown of that.
        pub open_qty: Decimal,
        /// The name of the cancel request, if there was one.
        pub client_id: ClientId,
        /// When it left the book (`None`: it never rested).
        pub update: Option<UpdateId>,
    }
}
wire_struct! {
    /// The order's quantity was lowered to `qty`; it kept its place. From now on it answers to `client_id`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct OrderAmended {
        pub instrument: InstrumentId,
        pub order: OrderId,
        pub account: AccountId,
        pub qty: Decimal,
        pub open_qty: Decimal,
        pub client_id: ClientId,
        pub update: UpdateId,
    }
}
wire_struct! {
    /// The quantity of an order that is not in the book, because it waits for a price or for another order, was lowered. From now on it
    /// answers to `client_id`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct WaitingAmended {
        pub instrument: InstrumentId,
        pub order: OrderId,
        pub account: AccountId,
        pub qty: Decimal,
        pub client_id: ClientId,
    }
}
wire_struct! {
    /// A prevented match took `qty` off one of two orders that exclude each other, and so off this one, which waits for its price.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct WaitingDecremented {
        pub instrument: InstrumentId,
        pub order: OrderId,
        pub account: AccountId,
        /// Which prevented match of the same record.
        pub prevented: u64,
        pub qty: Decimal,
        /// What stays open.
        pub open_qty: Decimal,
    }
}
wire_struct! {
    /// Two orders of one owner would have matched. What ends because of it follows as [`OrderClosed`].
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct MatchPrevented {
        pub instrument: InstrumentId,
        /// Counts per instrument, from 1.
        pub id: u64,
        /// What was done. `Transfer` only when something changed hands.
        pub mode: StpMode,
        pub price: Decimal,
        pub maker: OrderId,
        pub maker_account: AccountId,
        pub maker_prevented: Decimal,
        pub taker: OrderId,
        pub taker_account: AccountId,
        pub taker_prevented: Decimal,
    }
}
wire_struct! {
    /// Which trade group a prevented match happened in: both accounts are members.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct MatchPreventedInGroup { pub instrument: InstrumentId, pub id: u64, pub group: TradeGroupId }
}
wire_struct! {
    /// The book shows more or less of an iceberg: the next part, behind its level's queue, or what an amendment left.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct IcebergShown {
        pub instrument: InstrumentId,
        pub order: OrderId,
        pub side: Side,
        pub price: Decimal,
        /// What is shown more; negative for less.
        pub delta: Decimal,
        pub update: UpdateId,
    }
}
wire_struct! {
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct OrderPegged { pub instrument: InstrumentId, pub order: OrderId, pub account: AccountId, pub price: Decimal }
}
wire_struct! {
    /// A prevented match took `qty` off an order that goes on.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct OrderDecremented {
        pub instrument: InstrumentId,
        pub order: OrderId,
        pub account: AccountId,
        pub qty: Decimal,
        /// What stays open.
        pub open_qty: Decimal,
        /// `None` for an order that is still taking.
        pub update: Option<UpdateId>,
    }
}
wire_struct! {
    /// A conditional order's price was reached: it acts now, and its trades, rest or end follow.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct OrderTriggered { pub instrument: InstrumentId, pub order: OrderId, pub account: AccountId }
}
wire_struct! {
    /// A pending order of a list acts now or waits for its price: it is `New` from here on, for `qty`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct OrderActivated { pub instrument: InstrumentId, pub order: OrderId, pub account: AccountId, pub qty: Decimal }
}
wire_struct! {
    /// A trailing order follows the price from now on: its stop price was reached, or it had none and somebody traded.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct TrailingStarted { pub instrument: InstrumentId, pub order: OrderId, pub account: AccountId }
}
wire_struct! {
    /// Where an instrument's counters stand.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct MarketRestored {
        pub instrument: InstrumentId,
        pub last_order: OrderId,
        pub last_trade: TradeId,
        pub last_update: UpdateId,
        /// Zero before the first trade.
        pub last_price: Decimal,
    }
}
