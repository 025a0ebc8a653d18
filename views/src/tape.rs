use std::collections::VecDeque;

use protocol::Traded;
use types::{Amount, Decimal, Seq, Time, TradeId};

use crate::model::{AggTrade, Fill, PublicTrade, buyer_is_maker};

/// One trade with what the event does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TradeRow {
    pub trade: Traded,
    pub time: Time,
    /// The aggregate that it belongs to.
    pub agg: u64,
    pub seq: Seq,
}

impl TradeRow {
    pub fn public(&self) -> PublicTrade {
        PublicTrade {
            id: self.trade.trade,
            price: self.trade.price,
            qty: self.trade.qty,
            quote: self.trade.quote,
            time: self.time,
            buyer_is_maker: buyer_is_maker(self.trade.aggressor_side),
        }
    }

    pub fn fill(&self, maker: bool) -> Fill {
        let t = &self.trade;
        let party = if maker { &t.maker } else { &t.taker };
        Fill {
            instrument: t.instrument,
            account: party.account,
            trade: t.trade,
            order: party.order,
            price: t.price,
            qty: t.qty,
            quote: t.quote,
            fee: party.fee,
            fee_asset: party.fee_asset,
            time: self.time,
            buyer: buyer_is_maker(t.aggressor_side) == maker,
            maker,
        }
    }
}

/// Sums trades, ascending by id and complete within each aggregate asked for, into aggregates.
pub(crate) fn aggregate<'a>(rows: impl Iterator<Item = &'a TradeRow>) -> Vec<AggTrade> {
    let mut out: Vec<AggTrade> = Vec::new();
    for row in rows {
        let t = &row.trade;
        match out.last_mut() {
            Some(last) if last.id == row.agg => {
                last.qty = Decimal(last.qty.0.saturating_add(t.qty.0));
                last.last = t.trade;
            }
            _ => out.push(AggTrade {
                id: row.agg,
                price: t.price,
                qty: t.qty,
                first: t.trade,
                last: t.trade,
                time: row.time,
                buyer_is_maker: buyer_is_maker(t.aggressor_side),
            }),
        }
    }
    out
}

/// The newest trades of one instrument: at least `keep` of them, and all that are not in the database yet. Ids have no gaps, so the
/// place of a trade follows from its id.
#[derive(Debug)]
pub(crate) struct Tape {
    keep: usize,
    rows: VecDeque<TradeRow>,
}

impl Tape {
    pub fn new(keep: usize) -> Tape {
        Tape {
            keep,
            rows: VecDeque::new(),
        }
    }

    pub fn push(&mut self, row: TradeRow, flushed: TradeId) {
        self.rows.push_back(row);
        self.prune(flushed);
    }

    /// Forgets what is both old and in the database.
    pub fn prune(&mut self, flushed: TradeId) {
        while self.rows.len() > self.keep
            && self
                .rows
                .front()
                .is_some_and(|row| row.trade.trade <= flushed)
        {
            self.rows.pop_front();
        }
    }

    pub fn first(&self) -> Option<TradeId> {
        self.rows.front().map(|row| row.trade.trade)
    }

    pub fn last(&self) -> Option<&TradeRow> {
        self.rows.back()
    }

    pub fn get(&self, id: TradeId) -> Option<&TradeRow> {
        let index = id.0.checked_sub(self.first()?.0)?;
        self.rows.get(usize::try_from(index).ok()?)
    }

    pub fn newest(
        &self,
        limit: usize,
    ) -> impl DoubleEndedIterator<Item = &TradeRow> + ExactSizeIterator {
        self.rows.range(self.rows.len().saturating_sub(limit)..)
    }

    /// From this trade on.
    pub fn from(&self, id: TradeId) -> impl DoubleEndedIterator<Item = &TradeRow> {
        let skip = self.first().map_or(0, |first| id.0.saturating_sub(first.0));
        let skip = usize::try_from(skip)
            .unwrap_or(usize::MAX)
            .min(self.rows.len());
        self.rows.range(skip..)
    }

    /// The first trade of this aggregate or of a later one; one beyond the last when there is none.
    pub fn first_of(&self, agg: u64) -> TradeId {
        let place = self.rows.partition_point(|row| row.agg < agg);
        match self.rows.get(place) {
            Some(row) => row.trade.trade,
            None => TradeId(self.last().map_or(0, |row| row.trade.trade.0) + 1),
        }
    }
}

/// Quote atoms per base at 10⁻⁸ as a price, rounded down.
pub(crate) fn price_rounded_down(quote: Amount, quote_precision: u8, volume: i128) -> Decimal {
    if volume <= 0 {
        return Decimal::ZERO;
    }
    // quote / 10^precision / (volume / 10^8) * 10^8
    let scale = 10_i128.pow(16);
    let divisor = 10_i128.pow(u32::from(quote_precision));
    let price = match (quote.0.checked_mul(scale), volume.checked_mul(divisor)) {
        (Some(top), Some(bottom)) => top / bottom,
        // beyond 10^22 the last digits no longer matter
        _ => {
            let part = 1 << 30;
            return price_rounded_down(
                Amount(quote.0 / part),
                quote_precision,
                (volume / part).max(1),
            );
        }
    };
    Decimal(i64::try_from(price).unwrap_or(i64::MAX))
}
