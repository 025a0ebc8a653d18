//! The events of the user data stream, byte by byte in the order in which the API sends their fields.

use protocol::{
    BalanceChanged, CloseReason, Order, OrderKind, OrderList, OrderStatus, StpMode, TimeInForce,
    Transferred,
};
use types::{Amount, ClientId, Decimal, OrderId, Side, Time, TradeGroupId, TradeId, format_atoms};

use kit::{Json, words};

/// Why there is an execution report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Execution {
    New,
    Trade,
    Canceled,
    /// The quantity was lowered.
    Replaced,
    Expired,
    /// Self-trade prevention ended the order, or took something off it.
    TradePrevention,
}

/// One party's half of the trade that is reported.
#[derive(Clone, Copy, Debug)]
pub struct Half<'a> {
    /// `None` for an allocation.
    pub trade: Option<TradeId>,
    /// Of a routed order that the venue filled.
    pub allocation: Option<u64>,
    pub price: Decimal,
    pub qty: Decimal,
    /// Atoms of the quote asset.
    pub quote: Amount,
    pub fee: Amount,
    pub fee_precision: u8,
    pub fee_asset: &'a str,
    pub maker: bool,
}

/// The match that was prevented, as the order that ended because of it sees it.
#[derive(Clone, Copy, Debug)]
pub struct Prevented<'a> {
    pub id: u64,
    /// That both orders' accounts belong to.
    pub group: Option<TradeGroupId>,
    /// What was taken off the order by this prevention.
    pub last_qty: Decimal,
    pub counter_order: OrderId,
    pub counter_symbol: &'a str,
    /// What would have been exchanged.
    pub match_qty: Decimal,
    pub match_price: Decimal,
    pub match_quote: Amount,
}

/// Everything that an execution report tells.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    pub symbol: &'a str,
    pub quote_precision: u8,
    /// The order after what happened.
    pub order: &'a Order,
    pub execution: Execution,
    /// What this request is called: the order, or the cancel or amendment of it.
    pub client_id: ClientId,
    /// What the order was called, when that is something else.
    pub original_client_id: ClientId,
    pub half: Option<Half<'a>>,
    pub prevented: Option<Prevented<'a>>,
    pub expiry: Option<&'static str>,
    /// Unique per order and growing.
    pub execution_id: u64,
    pub time: Time,
    pub now: Time,
}

/// What became of an order list.
#[derive(Clone, Copy, Debug)]
pub struct ListReport<'a> {
    pub symbol: &'a str,
    pub list: &'a OrderList,
    /// The types of the list's orders that are known, in its order: all, but for a list that was restored after its working order had ended.
    pub kinds: &'a [OrderKind],
    /// `listStatusType`.
    pub status: &'static str,
    pub time: Time,
}

impl Report<'_> {
    pub fn write(&self, json: &mut Json) {
        let order = self.order;
        let half = self.half;
        json.begin().str("e", "executionReport").time("E", self.now);
        json.str("s", self.symbol).str("c", self.client_id.as_str());
        json.str("S", side(order.side)).str("o", kind(order.kind));
        json.str("f", tif(order.tif)).dec("q", order.qty);
        let condition = order.condition.as_deref();
        let stop_price = condition.map_or(Decimal::ZERO, |c| c.asked.stop_price);
        json.dec("p", order.asked_price()).dec("P", stop_price);
        json.dec("F", order.iceberg_qty());
        match order.list() {
            Some(list) => json.num("g", list),
            None => json.num("g", -1),
        };
        json.str("C", self.original_client_id.as_str());
        json.str("x", self.execution.name());
        json.str("X", status(order.status)).str("r", "NONE");
        json.num("i", order.id);
        json.dec("l", half.map_or(Decimal::ZERO, |half| half.qty));
        json.dec("z", order.executed_qty);
        json.dec("L", self.last_price());
        match half {
            Some(half) => json
                .amount("n", half.fee, half.fee_precision)
                .str("N", half.fee_asset),
            None => json.str("n", "0").null("N"),
        };
        json.time("T", self.time);
        match half.and_then(|half| half.trade) {
            Some(trade) => json.num("t", trade),
            None => json.num("t", -1),
        };
        if let Some(prevented) = self.prevented {
            json.num("v", prevented.id);
        }
        json.num("I", self.execution_id);
        json.flag("w", order.is_open() && order.is_working());
        json.flag("m", half.is_some_and(|half| half.maker));
        // without meaning, and set when there was a trade
        json.flag("M", half.is_some());
        json.time("O", order.placed_at);
        json.amount("Z", order.executed_quote, self.quote_precision);
        let last_quote = half.map_or(Amount::ZERO, |half| half.quote);
        json.amount("Y", last_quote, self.quote_precision);
        json.dec("Q", order.quote_qty);
        if let Some(at) = order.working_at() {
            json.time("W", at);
        }
        json.str("V", stp(order.stp));
        self.write_conditional(json);
        json.end();
    }

    fn last_price(&self) -> Decimal {
        match (self.half, self.prevented) {
            (Some(half), _) => half.price,
            (None, Some(prevented)) => prevented.match_price,
            (None, None) => Decimal::ZERO,
        }
    }

    fn write_conditional(&self, json: &mut Json) {
        if let Some(condition) = self.order.condition.as_deref() {
            if condition.asked.trailing_delta != 0 {
                json.num("d", condition.asked.trailing_delta);
            }
            if let Some(at) = condition.trailing_at {
                json.time("D", at);
            }
        }
        if let Some(id) = self.order.strategy_id {
            json.num("j", id);
        }
        if let Some(kind) = self.order.strategy_kind {
            json.num("J", kind);
        }
        if let Some(prevented) = self.prevented {
            json.dec("A", self.order.prevented_qty);
            json.dec("B", prevented.last_qty);
            let group = prevented.group.map_or(-1, |group| i64::from(group.0));
            json.num("u", group).num("U", prevented.counter_order);
            json.str("Cs", prevented.counter_symbol);
            json.dec("pl", prevented.match_qty);
            json.dec("pL", prevented.match_price);
            json.amount("pY", prevented.match_quote, self.quote_precision);
        }
        if let Some(allocation) = self.half.and_then(|half| half.allocation) {
            json.str("b", words::ALLOCATED).num("a", allocation);
        }
        if let Some(floor) = self.order.floor() {
            json.str("k", words::floor(floor)).flag("uS", true);
        }
        if let Some(pegged) = self.order.peg() {
            json.str("gP", words::peg_kind(pegged.peg.kind));
            if pegged.peg.offset > 0 {
                json.str("gOT", words::PEG_OFFSET)
                    .num("gOV", pegged.peg.offset);
            }
            if pegged.priced {
                json.dec("gp", self.order.price);
            }
        }
        if let Some(reason) = self.expiry {
            json.str("eR", reason);
        }
    }
}

impl Execution {
    const fn name(self) -> &'static str {
        match self {
            Execution::New => "NEW",
            Execution::Trade => "TRADE",
            Execution::Canceled => "CANCELED",
            Execution::Replaced => "REPLACED",
            Execution::Expired => "EXPIRED",
            Execution::TradePrevention => "TRADE_PREVENTION",
        }
    }
}

/// What an order that ended for this reason is, how that is reported, and the expiry reason that is told.
#[must_use]
pub const fn end_of(reason: CloseReason) -> (OrderStatus, Execution, Option<&'static str>) {
    match reason {
        CloseReason::Canceled => (OrderStatus::Canceled, Execution::Canceled, None),
        CloseReason::UnfilledIoc => (
            OrderStatus::Expired,
            Execution::Expired,
            Some("UNFILLED_IOC_QUANTITY_EXPIRED"),
        ),
        CloseReason::UnfilledFok => (
            OrderStatus::Expired,
            Execution::Expired,
            Some("UNFILLED_FOK_ORDER_EXPIRED"),
        ),
        CloseReason::InsufficientLiquidity => (
            OrderStatus::Expired,
            Execution::Expired,
            Some("INSUFFICIENT_LIQUIDITY"),
        ),
        CloseReason::PriceRange => (
            OrderStatus::Expired,
            Execution::Expired,
            Some("EXECUTION_RULE_PRICE_RANGE_EXCEEDED"),
        ),
        CloseReason::Refused => (OrderStatus::Expired, Execution::Expired, Some("REJECTED")),
        CloseReason::OcoTriggered => (
            OrderStatus::Expired,
            Execution::Expired,
            Some("OCO_TRIGGER"),
        ),
        CloseReason::PhaseOneExpired => (
            OrderStatus::Expired,
            Execution::Expired,
            Some("OTO_PHASE_ONE_EXPIRED"),
        ),
        CloseReason::Prevented => (
            OrderStatus::ExpiredInMatch,
            Execution::TradePrevention,
            None,
        ),
    }
}

/// An asset's balance in the spot wallet after a record.
#[derive(Clone, Copy, Debug)]
pub struct Balance<'a> {
    pub asset: &'a str,
    pub precision: u8,
    pub after: BalanceChanged,
}

pub fn account_position<'a>(
    json: &mut Json,
    balances: impl Iterator<Item = Balance<'a>>,
    time: Time,
    now: Time,
) {
    json.begin().str("e", "outboundAccountPosition");
    json.time("E", now).time("u", time);
    json.array("B", |json| {
        for balance in balances {
            json.begin().str("a", balance.asset);
            json.amount("f", balance.after.free, balance.precision);
            json.amount("l", balance.after.held, balance.precision);
            json.end();
        }
    });
    json.end();
}

/// What became of an order list, and what its orders are called. `status` is `listStatusType`.
pub fn list_status(
    json: &mut Json,
    symbol: &str,
    list: &OrderList,
    status: &'static str,
    time: Time,
    now: Time,
) {
    json.begin().str("e", "listStatus").time("E", now);
    json.str("s", symbol).num("g", list.id);
    json.str("c", words::contingency(list.kind))
        .str("l", status);
    json.str("L", words::list_status(list.done).1)
        .str("r", "NONE");
    json.str("C", list.client_id.as_str()).time("T", time);
    json.array("O", |json| {
        for leg in &list.legs {
            json.begin().str("s", symbol).num("i", leg.order);
            json.str("c", leg.client_id.as_str()).end();
        }
    });
    json.end();
}

pub fn balance_update(
    json: &mut Json,
    asset: (&str, u8),
    transfer: &Transferred,
    time: Time,
    now: Time,
) {
    json.begin().str("e", "balanceUpdate").time("E", now);
    json.str("a", asset.0);
    json.str("d", format_atoms(transfer.delta.0, asset.1).as_str());
    json.time("T", time).end();
}

/// A part of a balance was locked from outside, or let go.
pub fn external_lock(json: &mut Json, asset: (&str, u8), delta: Amount, time: Time, now: Time) {
    json.begin().str("e", "externalLockUpdate").time("E", now);
    json.str("a", asset.0);
    json.str("d", format_atoms(delta.0, asset.1).as_str());
    json.time("T", time).end();
}

pub fn stream_terminated(json: &mut Json, now: Time) {
    json.begin().str("e", "eventStreamTerminated");
    json.time("E", now).end();
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

const fn kind(kind: OrderKind) -> &'static str {
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

const fn tif(tif: TimeInForce) -> &'static str {
    match tif {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
    }
}

const fn stp(mode: StpMode) -> &'static str {
    match mode {
        StpMode::None => "NONE",
        StpMode::ExpireTaker => "EXPIRE_TAKER",
        StpMode::ExpireMaker => "EXPIRE_MAKER",
        StpMode::ExpireBoth => "EXPIRE_BOTH",
        StpMode::Decrement => "DECREMENT",
        StpMode::Transfer => "TRANSFER",
    }
}

const fn status(status: OrderStatus) -> &'static str {
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

#[cfg(test)]
mod tests {
    use types::{AccountId, AssetId, InstrumentId, Wallet};

    use super::*;
    use kit::TimeUnit;

    fn text(write: impl FnOnce(&mut Json)) -> String {
        let mut json = Json::new(TimeUnit::Millis);
        write(&mut json);
        let text = String::from_utf8(json.finish()).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).expect("valid JSON");
        text
    }

    fn order() -> Order {
        Order {
            instrument: InstrumentId(1),
            id: OrderId(4_293_153),
            account: AccountId(1001),
            client_id: ClientId::new("mUvoqJxFIILMdfAW5iGSOW").unwrap(),
            side: Side::Buy,
            kind: OrderKind::Limit,
            tif: TimeInForce::Gtc,
            stp: StpMode::None,
            price: Decimal(10_264_410),
            qty: Decimal(100_000_000),
            quote_qty: Decimal::ZERO,
            executed_qty: Decimal::ZERO,
            executed_quote: Amount::ZERO,
            prevented_qty: Decimal::ZERO,
            status: OrderStatus::New,
            placed_at: Time(1_499_405_658_657_000),
            updated_at: Time(1_499_405_658_657_000),
            strategy_id: None,
            strategy_kind: None,
            condition: None,
            more: None,
        }
    }

    fn report(order: &Order) -> Report<'_> {
        Report {
            symbol: "ETHBTC",
            quote_precision: 8,
            order,
            execution: Execution::New,
            client_id: order.client_id,
            original_client_id: ClientId::NONE,
            half: None,
            prevented: None,
            expiry: None,
            execution_id: 8_641_984,
            time: Time(1_499_405_658_657_000),
            now: Time(1_499_405_658_658_000),
        }
    }

    /// The documents' own example.
    #[test]
    fn a_new_order() {
        assert_eq!(
            text(|json| report(&order()).write(json)),
            concat!(
                r#"{"e":"executionReport","E":1499405658658,"s":"ETHBTC","c":"mUvoqJxFIILMdfAW5iGSOW","S":"BUY","o":"LIMIT","f":"GTC","#,
                r#""q":"1.00000000","p":"0.10264410","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"NEW","X":"NEW","r":"NONE","#,
                r#""i":4293153,"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0","N":null,"T":1499405658657,"t":-1,"I":8641984,"#,
                r#""w":true,"m":false,"M":false,"O":1499405658657,"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000","W":1499405658657,"V":"NONE"}"#
            )
        );
    }

    #[test]
    fn a_fill_names_its_fee_and_its_trade() {
        let mut order = order();
        order.status = OrderStatus::PartiallyFilled;
        order.executed_qty = Decimal(40_000_000);
        order.executed_quote = Amount(4_105_764);
        let half = Half {
            trade: Some(TradeId(77)),
            allocation: None,
            price: Decimal(10_264_410),
            qty: Decimal(40_000_000),
            quote: Amount(4_105_764),
            fee: Amount(40_000),
            fee_precision: 8,
            fee_asset: "ETH",
            maker: true,
        };
        let text = text(|json| {
            Report {
                execution: Execution::Trade,
                half: Some(half),
                ..report(&order)
            }
            .write(json);
        });
        for part in [
            r#""x":"TRADE","X":"PARTIALLY_FILLED""#,
            r#""l":"0.40000000","z":"0.40000000","L":"0.10264410","n":"0.00040000","N":"ETH""#,
            r#""t":77,"#,
            r#""w":true,"m":true,"M":true"#,
            r#""Z":"0.04105764","Y":"0.04105764""#,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_cancel_names_itself_and_the_order() {
        let mut order = order();
        order.status = OrderStatus::Canceled;
        order.strategy_id = Some(1);
        order.strategy_kind = Some(1_000_000);
        let text = text(|json| {
            Report {
                execution: Execution::Canceled,
                client_id: ClientId::new("cancel-1").unwrap(),
                original_client_id: order.client_id,
                ..report(&order)
            }
            .write(json);
        });
        for part in [
            r#""c":"cancel-1""#,
            r#""C":"mUvoqJxFIILMdfAW5iGSOW","x":"CANCELED","X":"CANCELED""#,
            r#""w":false"#,
            r#""V":"NONE","j":1,"J":1000000}"#,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_prevented_match_tells_of_both_sides() {
        let mut order = order();
        order.status = OrderStatus::ExpiredInMatch;
        order.prevented_qty = Decimal(300_000_000);
        let prevented = Prevented {
            id: 3,
            group: None,
            last_qty: Decimal(300_000_000),
            counter_order: OrderId(37),
            counter_symbol: "BTCUSDT",
            match_qty: Decimal(212_345_600),
            match_price: Decimal(10_000_001),
            match_quote: Amount(21_234_562),
        };
        let text = text(|json| {
            Report {
                execution: Execution::TradePrevention,
                prevented: Some(prevented),
                ..report(&order)
            }
            .write(json);
        });
        for part in [
            r#""x":"TRADE_PREVENTION","X":"EXPIRED_IN_MATCH""#,
            r#""t":-1,"v":3,"I":"#,
            r#""A":"3.00000000","B":"3.00000000","u":-1,"U":37,"Cs":"BTCUSDT","pl":"2.12345600","pL":"0.10000001","pY":"0.21234562"}"#,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn balances() {
        let after = BalanceChanged {
            account: AccountId(1001),
            wallet: Wallet::SPOT,
            asset: AssetId(1),
            free: Amount(1_000_000),
            held: Amount(5),
        };
        let one = Balance {
            asset: "ETH",
            precision: 2,
            after,
        };
        let (time, now) = (Time(1_564_034_571_073_000), Time(1_564_034_571_105_000));
        assert_eq!(
            text(|json| account_position(json, [one].into_iter(), time, now)),
            r#"{"e":"outboundAccountPosition","E":1564034571105,"u":1564034571073,"B":[{"a":"ETH","f":"10000.00","l":"0.05"}]}"#
        );
        let transfer = Transferred {
            account: AccountId(1001),
            wallet: Wallet::SPOT,
            asset: AssetId(1),
            delta: Amount(-10_000),
        };
        assert_eq!(
            text(|json| balance_update(json, ("BTC", 2), &transfer, time, now)),
            r#"{"e":"balanceUpdate","E":1564034571105,"a":"BTC","d":"-100.00","T":1564034571073}"#
        );
    }
}
