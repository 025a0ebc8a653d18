use types::{
    AccountId, Amount, AssetId, ClientId, Decimal, InstrumentId, ListId, OrderId, ProductId,
    RequestId, Side, Time, TradeGroupId, Wallet,
};

use crate::{
    ExecutionRules, Extras, FeeSchedule, Filters, Instrument, InstrumentFees, ListKind,
    MarketStatus, OrderKind, SetAccountFees, SetReference, StpMode, StpModes, TimeInForce,
};

wire_struct! {
    /// One thing that somebody asks of the exchange.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct Request {
        /// On whose behalf. [`AccountId::TREASURY`] for the venue's own administration.
        pub actor: AccountId,
        pub id: RequestId,
        /// Not executed after this moment (`timestamp + recvWindow`); `Time(i64::MAX)` for never.
        pub expires: Time,
        pub command: Command,
    }
}

wire_enum! {
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub enum Command {
        1 = PlaceOrder(PlaceOrder),
        2 = CancelOrder(CancelOrder),
        3 = CancelAll(CancelAll),
        4 = CancelReplace(Box<CancelReplace>),
        5 = AmendOrder(AmendOrder),
        6 = Transfer(Transfer),
        /// Sent by the sequencer alone: do work that has fallen due, at most `budget` steps.
        7 = Wake(Wake),
        8 = Product(ProductCommand),
        9 = Admin(Admin),
        10 = PlaceList(Box<PlaceList>),
        11 = CancelList(CancelList),
        /// An order that may take from all books of its routing group.
        12 = PlaceRouted(PlaceOrder),
    }
}

wire_struct! {
    /// Several orders of one instrument that depend on each other.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct PlaceList {
        pub instrument: InstrumentId,
        pub kind: ListKind,
        /// Names the list itself. Never empty.
        pub client_id: ClientId,
        /// In the order of [`ListKind`]. A pending order of OPO and OPOCO says no quantity.
        pub legs: Vec<PlaceOrder>,
    }
}
wire_struct! {
    /// Cancels every open order of a list. One name at least is given; when both are, they must agree.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct CancelList {
        pub instrument: InstrumentId,
        pub list: Option<ListId>,
        /// The list's own name, or [`ClientId::NONE`].
        pub list_client_id: ClientId,
        /// Names the cancel itself in the execution reports.
        pub client_id: ClientId,
    }
}

wire_struct! {
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct PlaceOrder {
        pub instrument: InstrumentId,
        pub side: Side,
        pub kind: OrderKind,
        pub tif: TimeInForce,
        /// `None`: the instrument's default.
        pub stp: Option<StpMode>,
        /// Zero for MARKET.
        pub price: Decimal,
        /// Zero when `quote_qty` is given.
        pub qty: Decimal,
        /// MARKET only: how much of the quote asset to spend or to receive.
        pub quote_qty: Decimal,
        /// Never empty: the gateway makes one up when the client does not.
        pub client_id: ClientId,
        pub strategy_id: Option<i64>,
        pub strategy_kind: Option<i32>,
        /// For conditional kinds.
        pub extras: Option<Box<Extras>>,
    }
}

wire_enum! {
    /// How a client names its order.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum OrderKey {
        1 = Id(OrderId),
        2 = ClientId(ClientId),
        /// The order of this id, provided that its client id agrees.
        3 = Both(BothKeys),
    }
}
wire_struct! {
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct BothKeys { pub id: OrderId, pub client_id: ClientId }
}

wire_enum! {
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum CancelRestriction {
        1 = OnlyNew,
        2 = OnlyPartiallyFilled,
    }
}

wire_struct! {
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct CancelOrder {
        pub instrument: InstrumentId,
        pub order: OrderKey,
        /// Names the cancel itself in the execution report.
        pub client_id: ClientId,
        pub restriction: Option<CancelRestriction>,
    }
}
wire_struct! {
    /// Cancels every open order of the actor on one instrument, oldest first.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct CancelAll { pub instrument: InstrumentId, pub client_id: ClientId }
}
wire_enum! {
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum CancelReplaceMode {
        /// The new order is tried only when the cancel succeeded.
        1 = StopOnFailure,
        /// The new order is tried in any case.
        2 = AllowFailure,
    }
}
wire_struct! {
    /// Both on the same instrument. The new order's filters are checked before the cancel.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct CancelReplace { pub cancel: CancelOrder, pub place: PlaceOrder, pub mode: CancelReplaceMode }
}
wire_struct! {
    /// Lowers an order's quantity; it keeps its id and its place in the queue.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct AmendOrder { pub instrument: InstrumentId, pub order: OrderKey, pub new_qty: Decimal, pub client_id: ClientId }
}
wire_struct! {
    /// Moves the actor's own free balance between two of its wallets.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct Transfer { pub from: Wallet, pub to: Wallet, pub asset: AssetId, pub amount: Amount }
}
wire_struct! {
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct Wake { pub budget: u32 }
}
wire_struct! {
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct ProductCommand { pub product: ProductId, pub body: Box<[u8]> }
}

wire_enum! {
    /// The venue's own acts; the actor must be [`AccountId::TREASURY`].
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub enum Admin {
        /// Answers [`crate::Reply::AccountOpened`].
        1 = OpenAccount,
        2 = CreateAsset(NewAsset),
        3 = ListInstrument(ListInstrument),
        4 = SetStatus(SetStatus),
        /// From the treasury to an account's wallet.
        5 = Fund(Fund),
        /// Ends a market after a defect: written by the sequencer when a command panicked.
        6 = HaltInstrument(InstrumentId),
        /// Behaviour of the rules from this record on.
        7 = SetRulesVersion(u32),
        /// Other filters on the same grid.
        20 = SetFilters(SetFilters),
        /// Orders of accounts of one trade group are one party's to self-trade prevention.
        21 = SetTradeGroup(SetTradeGroup),
        22 = SetReference(SetReference),
        23 = SetExecutionRules(Box<ExecutionRules>),
        /// Agreed on outside of the book; see [`BlockTrade`].
        24 = RecordBlockTrade(BlockTrade),
        /// Tiers, valuation asset and discount of the whole venue. Another valuation asset begins all volumes anew.
        27 = SetFees(Box<FeeSchedule>),
        /// What one instrument's trades cost.
        28 = SetInstrumentFees(Box<InstrumentFees>),
        29 = SetAccountFees(SetAccountFees),
        /// What a market offers. Open orders stay what they are.
        31 = SetFeatures(SetFeatures),
        /// Which instruments' books fill each other's routed orders.
        25 = SetRouting(crate::SetRouting),
        /// Bounds over all instruments.
        32 = SetExchangeFilters(Box<crate::ExchangeFilters>),
        /// A part of a spot balance is locked by a system outside, or is free again.
        40 = LockBalance(BalanceLock),
    }
}
wire_struct! {
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct SetFeatures {
        pub instrument: InstrumentId,
        /// Bits of [`crate::Denied`].
        pub denied: u16,
        pub default_stp: StpMode,
        pub allowed_stp: StpModes,
    }
}
wire_struct! {
    /// Locked when positive, free again when negative.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct BalanceLock { pub account: AccountId, pub asset: AssetId, pub delta: Amount }
}
wire_struct! {
    /// A trade of two accounts outside of the book: moves base and quote, and costs nothing.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct BlockTrade {
        pub instrument: InstrumentId,
        pub buyer: AccountId,
        pub seller: AccountId,
        pub price: Decimal,
        pub qty: Decimal,
        pub buyer_is_maker: bool,
    }
}
wire_struct! {
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct NewAsset { pub name: Box<str>, pub precision: u8 }
}
wire_struct! {
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct ListInstrument { pub instrument: Box<Instrument> }
}
wire_struct! {
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct SetStatus { pub instrument: InstrumentId, pub status: MarketStatus }
}
wire_struct! {
    /// Replaces an instrument's filters. Tick and lot have to stay as they are: open orders stand on them.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct SetFilters { pub instrument: InstrumentId, pub filters: Box<Filters> }
}
wire_struct! {
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct SetTradeGroup {
        pub account: AccountId,
        /// `None`: of no group.
        pub group: Option<TradeGroupId>,
    }
}
wire_struct! {
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct Fund { pub account: AccountId, pub wallet: Wallet, pub asset: AssetId, pub amount: Amount }
}

impl Command {
    /// The instrument that this command acts on, if it acts on one: what is halted when the command turns out to be poison.
    #[must_use]
    pub fn instrument(&self) -> Option<InstrumentId> {
        match self {
            Command::PlaceOrder(c) => Some(c.instrument),
            Command::CancelOrder(c) => Some(c.instrument),
            Command::CancelAll(c) => Some(c.instrument),
            Command::CancelReplace(c) => Some(c.place.instrument),
            Command::AmendOrder(c) => Some(c.instrument),
            Command::PlaceList(c) => Some(c.instrument),
            Command::CancelList(c) => Some(c.instrument),
            _ => None,
        }
    }
}
