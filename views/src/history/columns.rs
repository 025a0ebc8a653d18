//! Rows of the tables to values and back. The order of the columns is that of the constants here.

use protocol::{
    Allocated, BlockTrade, BlockTraded, Condition, Extras, MatchPrevented, More, Order, OrderKind,
    OrderList, OrderStatus, Party, StpMode, TimeInForce, Traded, Wire,
};
use sqlx::any::AnyRow;
use sqlx::query::Query;
use sqlx::{Any, Row};
use types::{
    AccountId, Amount, AssetId, ClientId, Decimal, InstrumentId, OrderId, Seq, Side, Time,
    TradeGroupId, TradeId, UpdateId,
};

use crate::model::{
    AllocationRow, Amendment, Asset, BlockRow, HistoryError, PreventedMatch, TransferRow,
};
use crate::series::Bucket;
use crate::tape::TradeRow;

pub(crate) const TRADE: &str = "instrument, id, time, price, qty, quote, taker_sells, agg, maker_account, maker_order, maker_fee, \
    maker_fee_asset, taker_account, taker_order, taker_fee, taker_fee_asset";
pub(crate) const ORDER: &str = "account, instrument, id, client_id, side, kind, tif, stp, price, qty, quote_qty, executed_qty, \
    executed_quote, prevented_qty, status, placed_at, updated_at, strategy_id, strategy_kind, \
    stop_price, trailing_delta, trailing_at, triggered_at, refused, more";
pub(crate) const LIST: &str = "account, id, instrument, client_id, placed_at, body";
pub(crate) const CANDLE: &str = "instrument, width, start, open, high, low, close, volume, quote, taker_base, taker_quote, trades, \
    first_trade, first_agg";

pub(crate) const PREVENTED: &str = "instrument, id, mode, price, maker, maker_account, maker_qty, taker, taker_account, taker_qty, time, trade_group";
pub(crate) const AMENDMENT: &str =
    "account, instrument, order_id, seq, client_id_before, client_id, qty_before, qty, time";

pub(crate) type Binding<'q> = Query<'q, Any, <Any as sqlx::Database>::Arguments>;
type Result<T> = std::result::Result<T, HistoryError>;

fn corrupt(what: impl Into<String>) -> HistoryError {
    HistoryError::Corrupt { what: what.into() }
}

/// Ids stay below 2⁵³, so they fit.
pub(crate) fn big(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

pub(crate) fn id(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| corrupt(format!("{value} where an id should be")))
}

fn small(value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| corrupt(format!("{value} where a small id should be")))
}

/// Reads a row's columns one after the other.
struct Cursor<'r> {
    row: &'r AnyRow,
    at: usize,
}

impl Cursor<'_> {
    fn int(&mut self) -> Result<i64> {
        self.at += 1;
        Ok(self.row.try_get(self.at - 1)?)
    }

    fn maybe(&mut self) -> Result<Option<i64>> {
        self.at += 1;
        Ok(self.row.try_get(self.at - 1)?)
    }

    fn text(&mut self) -> Result<String> {
        self.at += 1;
        Ok(self.row.try_get(self.at - 1)?)
    }

    fn amount(&mut self) -> Result<i128> {
        let text = self.text()?;
        text.parse()
            .map_err(|_| corrupt(format!("{text:?} where an amount should be")))
    }

    fn id(&mut self) -> Result<u64> {
        self.int().and_then(id)
    }

    fn small(&mut self) -> Result<u32> {
        self.int().and_then(small)
    }

    fn decimal(&mut self) -> Result<Decimal> {
        self.int().map(Decimal)
    }

    fn client_id(&mut self) -> Result<ClientId> {
        let name = self.text()?;
        if name.is_empty() {
            return Ok(ClientId::NONE);
        }
        ClientId::new(&name)
            .map_err(|_| corrupt(format!("{name:?} where a client order id should be")))
    }

    /// An order's rare fields.
    fn more(&mut self) -> Result<Option<Box<More>>> {
        self.at += 1;
        let text: Option<String> = self.row.try_get(self.at - 1)?;
        text.map(|text| unhex(&text).map(Box::new)).transpose()
    }

    /// An enum by its number in the protocol.
    fn wire<T: protocol::Wire>(&mut self) -> Result<T> {
        let number = self.int()?;
        let byte = u8::try_from(number).ok();
        byte.and_then(|byte| T::take(&mut &[byte][..]).ok())
            .ok_or_else(|| corrupt(format!("{number} where the number of a kind should be")))
    }
}

fn number<T: protocol::Wire>(value: T) -> i64 {
    let mut bytes = Vec::with_capacity(1);
    value.put(&mut bytes);
    i64::from(bytes[0])
}

pub(crate) fn bind_trade<'q>(q: Binding<'q>, row: &TradeRow) -> Binding<'q> {
    let t = &row.trade;
    let q = q
        .bind(i64::from(t.instrument.0))
        .bind(big(t.trade.0))
        .bind(row.time.0)
        .bind(t.price.0)
        .bind(t.qty.0)
        .bind(t.quote.0.to_string())
        .bind(i64::from(t.aggressor_side == Side::Sell))
        .bind(big(row.agg));
    let party = |q: Binding<'q>, p: &Party| {
        q.bind(i64::from(p.account.0))
            .bind(big(p.order.0))
            .bind(p.fee.0.to_string())
            .bind(i64::from(p.fee_asset.0))
    };
    party(party(q, &t.maker), &t.taker)
}

pub(crate) fn trade(row: &AnyRow) -> Result<TradeRow> {
    let c = &mut Cursor { row, at: 0 };
    let (instrument, trade) = (InstrumentId(c.small()?), TradeId(c.id()?));
    let (time, price, qty) = (Time(c.int()?), c.decimal()?, c.decimal()?);
    let quote = Amount(c.amount()?);
    let aggressor_side = if c.int()? == 0 { Side::Buy } else { Side::Sell };
    let agg = c.id()?;
    let mut party = || {
        Ok::<_, HistoryError>(Party {
            account: AccountId(c.small()?),
            order: OrderId(c.id()?),
            fee: Amount(c.amount()?),
            fee_asset: AssetId(c.small()?),
            // of that moment: no query asks for it
            open_qty: Decimal::ZERO,
        })
    };
    let (maker, taker) = (party()?, party()?);
    let update = UpdateId(0);
    Ok(TradeRow {
        trade: Traded {
            instrument,
            trade,
            price,
            qty,
            quote,
            aggressor_side,
            maker,
            taker,
            update,
        },
        time,
        agg,
        seq: Seq(0),
    })
}

pub(crate) fn bind_order<'q>(q: Binding<'q>, o: &Order) -> Binding<'q> {
    q.bind(i64::from(o.account.0))
        .bind(i64::from(o.instrument.0))
        .bind(big(o.id.0))
        .bind(o.client_id.as_str().to_owned())
        .bind(i64::from(o.side == Side::Sell))
        .bind(number(o.kind))
        .bind(number(o.tif))
        .bind(number(o.stp))
        .bind(o.price.0)
        .bind(o.qty.0)
        .bind(o.quote_qty.0)
        .bind(o.executed_qty.0)
        .bind(o.executed_quote.0.to_string())
        .bind(o.prevented_qty.0)
        .bind(number(o.status))
        .bind(o.placed_at.0)
        .bind(o.updated_at.0)
        .bind(o.strategy_id)
        .bind(o.strategy_kind.map(i64::from))
        .bind(o.condition.as_ref().map(|c| c.asked.stop_price.0))
        .bind(
            o.condition
                .as_ref()
                .map(|c| i64::from(c.asked.trailing_delta)),
        )
        .bind(
            o.condition
                .as_ref()
                .and_then(|c| c.trailing_at)
                .map(|t| t.0),
        )
        .bind(
            o.condition
                .as_ref()
                .and_then(|c| c.triggered_at)
                .map(|t| t.0),
        )
        .bind(o.condition.as_ref().map(|c| i64::from(c.refused)))
        .bind(o.more.as_deref().map(hex))
}

fn condition(c: &mut Cursor<'_>) -> Result<Option<Box<Condition>>> {
    let (stop, delta) = (c.maybe()?, c.maybe()?);
    let (trailing_at, triggered_at) = (c.maybe()?.map(Time), c.maybe()?.map(Time));
    let refused = c.maybe()?;
    let Some(stop) = stop else {
        return Ok(None);
    };
    Ok(Some(Box::new(Condition {
        asked: Extras {
            stop_price: Decimal(stop),
            trailing_delta: small(delta.unwrap_or(0))?,
            ..Extras::NONE
        },
        trailing_at,
        triggered_at,
        refused: refused.unwrap_or(0) != 0,
    })))
}

pub(crate) fn order(row: &AnyRow) -> Result<Order> {
    let c = &mut Cursor { row, at: 0 };
    let account = AccountId(c.small()?);
    let (instrument, id) = (InstrumentId(c.small()?), OrderId(c.id()?));
    let client_id = c.client_id()?;
    Ok(Order {
        instrument,
        id,
        account,
        client_id,
        side: if c.int()? == 0 { Side::Buy } else { Side::Sell },
        kind: c.wire::<OrderKind>()?,
        tif: c.wire::<TimeInForce>()?,
        stp: c.wire::<StpMode>()?,
        price: c.decimal()?,
        qty: c.decimal()?,
        quote_qty: c.decimal()?,
        executed_qty: c.decimal()?,
        executed_quote: Amount(c.amount()?),
        prevented_qty: c.decimal()?,
        status: c.wire::<OrderStatus>()?,
        placed_at: Time(c.int()?),
        updated_at: Time(c.int()?),
        strategy_id: c.maybe()?,
        strategy_kind: c
            .maybe()?
            .map(|kind| i32::try_from(kind).map_err(|_| corrupt("a strategy kind out of range")))
            .transpose()?,
        condition: condition(c)?,
        more: c.more()?,
    })
}

/// The bytes of a value in hexadecimal: what is only ever read whole.
fn hex(value: &impl Wire) -> String {
    use std::fmt::Write as _;
    let mut bytes = Vec::new();
    value.put(&mut bytes);
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // writing to a String cannot fail
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unhex<T: Wire>(text: &str) -> Result<T> {
    let bytes: Option<Vec<u8>> = (0..text.len())
        .step_by(2)
        .map(|at| {
            let digits = text.get(at..at + 2)?;
            u8::from_str_radix(digits, 16).ok()
        })
        .collect();
    bytes
        .and_then(|bytes| T::take(&mut &bytes[..]).ok())
        .ok_or_else(|| corrupt(format!("{text:?} where bytes should be")))
}

pub(crate) fn bind_list<'q>(q: Binding<'q>, list: &OrderList) -> Binding<'q> {
    q.bind(i64::from(list.account.0))
        .bind(big(list.id.0))
        .bind(i64::from(list.instrument.0))
        .bind(list.client_id.as_str().to_owned())
        .bind(list.placed_at.0)
        .bind(hex(list))
}

pub(crate) fn list(row: &AnyRow) -> Result<OrderList> {
    unhex(&row.try_get::<String, _>(5)?)
}

pub(crate) fn bind_candle<'q>(
    q: Binding<'q>,
    (instrument, width, b): &(InstrumentId, i64, Bucket),
) -> Binding<'q> {
    q.bind(i64::from(instrument.0))
        .bind(*width)
        .bind(b.start)
        .bind(b.open)
        .bind(b.high)
        .bind(b.low)
        .bind(b.close)
        .bind(b.volume.to_string())
        .bind(b.quote.to_string())
        .bind(b.taker_base.to_string())
        .bind(b.taker_quote.to_string())
        .bind(big(b.trades))
        .bind(big(b.first_trade))
        .bind(big(b.first_agg))
}

pub(crate) fn candle(row: &AnyRow) -> Result<Bucket> {
    // after instrument and width
    let c = &mut Cursor { row, at: 2 };
    Ok(Bucket {
        start: c.int()?,
        open: c.int()?,
        high: c.int()?,
        low: c.int()?,
        close: c.int()?,
        volume: c.amount()?,
        quote: c.amount()?,
        taker_base: c.amount()?,
        taker_quote: c.amount()?,
        trades: c.id()?,
        first_trade: c.id()?,
        first_agg: c.id()?,
    })
}

pub(crate) fn bind_transfer<'q>(q: Binding<'q>, (place, row): &(i64, TransferRow)) -> Binding<'q> {
    q.bind(big(row.seq.0))
        .bind(*place)
        .bind(i64::from(row.account.0))
        .bind(i64::from(row.wallet.0))
        .bind(i64::from(row.asset.0))
        .bind(row.delta.0.to_string())
        .bind(row.time.0)
}

pub(crate) fn bind_prevented<'q>(q: Binding<'q>, row: &PreventedMatch) -> Binding<'q> {
    let p = &row.prevented;
    q.bind(i64::from(p.instrument.0))
        .bind(big(p.id))
        .bind(number(p.mode))
        .bind(p.price.0)
        .bind(big(p.maker.0))
        .bind(i64::from(p.maker_account.0))
        .bind(p.maker_prevented.0)
        .bind(big(p.taker.0))
        .bind(i64::from(p.taker_account.0))
        .bind(p.taker_prevented.0)
        .bind(row.time.0)
        .bind(row.group.map(|group| i64::from(group.0)))
}

pub(crate) fn prevented(row: &AnyRow) -> Result<PreventedMatch> {
    let c = &mut Cursor { row, at: 0 };
    Ok(PreventedMatch {
        prevented: MatchPrevented {
            instrument: InstrumentId(c.small()?),
            id: c.id()?,
            mode: c.wire::<StpMode>()?,
            price: c.decimal()?,
            maker: OrderId(c.id()?),
            maker_account: AccountId(c.small()?),
            maker_prevented: c.decimal()?,
            taker: OrderId(c.id()?),
            taker_account: AccountId(c.small()?),
            taker_prevented: c.decimal()?,
        },
        time: Time(c.int()?),
        group: c.maybe()?.map(small).transpose()?.map(TradeGroupId),
    })
}

pub(crate) fn bind_amendment<'q>(q: Binding<'q>, row: &Amendment) -> Binding<'q> {
    q.bind(i64::from(row.account.0))
        .bind(i64::from(row.instrument.0))
        .bind(big(row.order.0))
        .bind(big(row.seq.0))
        .bind(row.client_id_before.as_str().to_owned())
        .bind(row.client_id.as_str().to_owned())
        .bind(row.qty_before.0)
        .bind(row.qty.0)
        .bind(row.time.0)
}

pub(crate) fn amendment(row: &AnyRow) -> Result<Amendment> {
    let c = &mut Cursor { row, at: 0 };
    Ok(Amendment {
        account: AccountId(c.small()?),
        instrument: InstrumentId(c.small()?),
        order: OrderId(c.id()?),
        seq: Seq(c.id()?),
        client_id_before: c.client_id()?,
        client_id: c.client_id()?,
        qty_before: c.decimal()?,
        qty: c.decimal()?,
        time: Time(c.int()?),
    })
}

pub(crate) const BLOCK: &str =
    "instrument, id, time, price, qty, quote, buyer, seller, buyer_is_maker";

pub(crate) fn bind_block<'q>(q: Binding<'q>, row: &BlockRow) -> Binding<'q> {
    let traded = &row.traded;
    let trade = &traded.trade;
    q.bind(i64::from(trade.instrument.0))
        .bind(big(traded.id))
        .bind(row.time.0)
        .bind(trade.price.0)
        .bind(trade.qty.0)
        .bind(traded.quote.0.to_string())
        .bind(i64::from(trade.buyer.0))
        .bind(i64::from(trade.seller.0))
        .bind(i64::from(trade.buyer_is_maker))
}

pub(crate) fn block(row: &AnyRow) -> Result<BlockRow> {
    let c = &mut Cursor { row, at: 0 };
    let instrument = InstrumentId(c.small()?);
    let id = c.id()?;
    let time = Time(c.int()?);
    let (price, qty, quote) = (c.decimal()?, c.decimal()?, c.amount()?);
    Ok(BlockRow {
        traded: BlockTraded {
            id,
            trade: BlockTrade {
                instrument,
                buyer: AccountId(c.small()?),
                seller: AccountId(c.small()?),
                price,
                qty,
                buyer_is_maker: c.int()? != 0,
            },
            quote: Amount(quote),
        },
        time,
    })
}

pub(crate) const ALLOCATION: &str =
    "account, instrument, id, time, order_id, side, price, qty, quote, fee, fee_asset, open_qty";

pub(crate) fn bind_allocation<'q>(q: Binding<'q>, row: &AllocationRow) -> Binding<'q> {
    let a = &row.allocated;
    q.bind(i64::from(a.account.0))
        .bind(i64::from(a.instrument.0))
        .bind(big(a.allocation))
        .bind(row.time.0)
        .bind(big(a.order.0))
        .bind(i64::from(a.side == Side::Sell))
        .bind(a.price.0)
        .bind(a.qty.0)
        .bind(a.quote.0.to_string())
        .bind(a.fee.0.to_string())
        .bind(i64::from(a.fee_asset.0))
        .bind(a.open_qty.0)
}

pub(crate) fn allocation(row: &AnyRow) -> Result<AllocationRow> {
    let c = &mut Cursor { row, at: 0 };
    let account = AccountId(c.small()?);
    let instrument = InstrumentId(c.small()?);
    let allocation = c.id()?;
    let time = Time(c.int()?);
    Ok(AllocationRow {
        allocated: Allocated {
            instrument,
            account,
            order: OrderId(c.id()?),
            side: if c.int()? == 0 { Side::Buy } else { Side::Sell },
            allocation,
            price: c.decimal()?,
            qty: c.decimal()?,
            quote: Amount(c.amount()?),
            fee: Amount(c.amount()?),
            fee_asset: AssetId(c.small()?),
            open_qty: c.decimal()?,
        },
        time,
    })
}

pub(crate) fn bind_asset<'q>(q: Binding<'q>, asset: &Asset) -> Binding<'q> {
    q.bind(i64::from(asset.id.0))
        .bind(asset.name.to_string())
        .bind(i64::from(asset.precision))
}
