//! What the API calls the words of the core.

use protocol::{
    CloseReason, Feature, ListKind, MarketStatus, Order, OrderKind, OrderStatus, PegKind, StpMode,
    TimeInForce, WorkingFloor,
};
use types::Side;

#[must_use]
pub const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

#[must_use]
pub const fn kind(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Limit => "LIMIT",
        OrderKind::Market => "MARKET",
        OrderKind::LimitMaker => "LIMIT_MAKER",
        OrderKind::StopLoss => "STOP_LOSS",
        OrderKind::StopLossLimit => "STOP_LOSS_LIMIT",
        OrderKind::TakeProfit => "TAKE_PROFIT",
        OrderKind::TakeProfitLimit => "TAKE_PROFIT_LIMIT",
    }
}

#[must_use]
pub const fn tif(tif: TimeInForce) -> &'static str {
    match tif {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
    }
}

/// The only kind of offset that a peg may have.
pub const PEG_OFFSET: &str = "PRICE_LEVEL";

#[must_use]
pub const fn peg_kind(kind: PegKind) -> &'static str {
    match kind {
        PegKind::Primary => "PRIMARY_PEG",
        PegKind::Market => "MARKET_PEG",
    }
}

#[must_use]
pub const fn stp(mode: StpMode) -> &'static str {
    match mode {
        StpMode::None => "NONE",
        StpMode::ExpireTaker => "EXPIRE_TAKER",
        StpMode::ExpireMaker => "EXPIRE_MAKER",
        StpMode::ExpireBoth => "EXPIRE_BOTH",
        StpMode::Decrement => "DECREMENT",
        StpMode::Transfer => "TRANSFER",
    }
}

#[must_use]
pub const fn order_status(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::New => "NEW",
        OrderStatus::PartiallyFilled => "PARTIALLY_FILLED",
        OrderStatus::Filled => "FILLED",
        OrderStatus::Canceled => "CANCELED",
        OrderStatus::Expired => "EXPIRED",
        OrderStatus::ExpiredInMatch => "EXPIRED_IN_MATCH",
        OrderStatus::PendingNew => "PENDING_NEW",
    }
}

#[must_use]
pub const fn market_status(status: MarketStatus) -> &'static str {
    match status {
        MarketStatus::Trading => "TRADING",
        MarketStatus::Halt => "HALT",
        MarketStatus::Break => "BREAK",
        MarketStatus::CancelOnly => "CANCEL_ONLY",
        MarketStatus::EndOfDay => "END_OF_DAY",
    }
}

/// `matchType` of an allocation.
pub const ALLOCATED: &str = "ONE_PARTY_TRADE_REPORT";

#[must_use]
pub const fn floor(floor: WorkingFloor) -> &'static str {
    match floor {
        WorkingFloor::Exchange => "EXCHANGE",
        WorkingFloor::Sor => "SOR",
    }
}

/// Why the engine ended an order; `None` for all that did not expire.
#[must_use]
pub fn expiry_reason(order: &Order) -> Option<&'static str> {
    if order.condition.as_ref().is_some_and(|c| c.refused) {
        return Some("REJECTED");
    }
    if let Some(reason) = order.more.as_ref().and_then(|more| more.reason) {
        return match reason {
            CloseReason::OcoTriggered => Some("OCO_TRIGGER"),
            CloseReason::PhaseOneExpired => Some("OTO_PHASE_ONE_EXPIRED"),
            CloseReason::PriceRange => Some("EXECUTION_RULE_PRICE_RANGE_EXCEEDED"),
            _ => Some("REJECTED"),
        };
    }
    match (order.status, order.kind, order.tif) {
        (OrderStatus::Expired, kind, _) if kind.is_market() => Some("INSUFFICIENT_LIQUIDITY"),
        (OrderStatus::Expired, _, TimeInForce::Ioc) => Some("UNFILLED_IOC_QUANTITY_EXPIRED"),
        (OrderStatus::Expired, _, TimeInForce::Fok) => Some("UNFILLED_FOK_ORDER_EXPIRED"),
        _ => None,
    }
}

/// What the orders of a list have to do with each other.
#[must_use]
pub const fn contingency(kind: ListKind) -> &'static str {
    match kind {
        ListKind::Oco => "OCO",
        ListKind::Oto | ListKind::Otoco | ListKind::Opo | ListKind::Opoco => "OTO",
    }
}

/// `listStatusType` and `listOrderStatus`.
#[must_use]
pub const fn list_status(done: bool) -> (&'static str, &'static str) {
    match done {
        true => ("ALL_DONE", "ALL_DONE"),
        false => ("EXEC_STARTED", "EXECUTING"),
    }
}

/// The mode of self-trade prevention that a word names.
#[must_use]
pub fn stp_named(word: &str) -> Option<StpMode> {
    StpMode::ALL.into_iter().find(|mode| stp(*mode) == word)
}

/// The types of orders, and what a symbol must offer for each of them.
pub const ORDER_TYPES: &[(&str, Option<Feature>)] = &[
    ("LIMIT", None),
    ("LIMIT_MAKER", None),
    ("MARKET", Some(Feature::Market)),
    ("STOP_LOSS", Some(Feature::StopLoss)),
    ("STOP_LOSS_LIMIT", Some(Feature::StopLossLimit)),
    ("TAKE_PROFIT", Some(Feature::TakeProfit)),
    ("TAKE_PROFIT_LIMIT", Some(Feature::TakeProfitLimit)),
];
