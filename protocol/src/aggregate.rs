use types::{Decimal, InstrumentId, OrderId, Side, TradeId};

use crate::{Event, Traded};

/// What one taker order took at one price: the unit of the aggregate trade list and stream, which number these per instrument from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aggregate {
    pub instrument: InstrumentId,
    pub taker: OrderId,
    pub price: Decimal,
    pub qty: Decimal,
    pub first: TradeId,
    pub last: TradeId,
    pub aggressor_side: Side,
}

/// The aggregates of one record's events, in order: consecutive trades of one taker order at one price are one. Every reader that numbers
/// aggregates counts these, so that the numbers agree.
pub fn aggregates(events: &[Event]) -> impl Iterator<Item = Aggregate> {
    let mut trades = events
        .iter()
        .filter_map(|event| match event {
            Event::Traded(trade) => Some(trade),
            _ => None,
        })
        .peekable();
    core::iter::from_fn(move || {
        let mut sum = one(trades.next()?);
        while let Some(next) = trades.next_if(|next| {
            (next.instrument, next.taker.order, next.price)
                == (sum.instrument, sum.taker, sum.price)
        }) {
            sum.qty = Decimal(sum.qty.0.saturating_add(next.qty.0));
            sum.last = next.trade;
        }
        Some(sum)
    })
}

fn one(trade: &Traded) -> Aggregate {
    Aggregate {
        instrument: trade.instrument,
        taker: trade.taker.order,
        price: trade.price,
        qty: trade.qty,
        first: trade.trade,
        last: trade.trade,
        aggressor_side: trade.aggressor_side,
    }
}

#[cfg(test)]
mod tests {
    use types::{AccountId, Amount, AssetId, UpdateId};

    use super::*;
    use crate::Party;

    fn trade(id: u64, taker: u64, price: i64, qty: i64) -> Event {
        let party = |order| Party {
            account: AccountId(1001),
            order: OrderId(order),
            fee: Amount(0),
            fee_asset: AssetId(1),
            open_qty: Decimal(0),
        };
        Event::Traded(Traded {
            instrument: InstrumentId(1),
            trade: TradeId(id),
            price: Decimal(price),
            qty: Decimal(qty),
            quote: Amount(0),
            aggressor_side: Side::Buy,
            maker: party(id + 100),
            taker: party(taker),
            update: UpdateId(id),
        })
    }

    #[test]
    fn trades_of_one_taker_at_one_price_are_one() {
        let between = Event::AccountOpened(AccountId(1001));
        let events = [
            trade(1, 9, 50, 3),
            between,
            trade(2, 9, 50, 4),
            trade(3, 9, 51, 5),
            trade(4, 8, 51, 6),
        ];
        let seen: Vec<_> = aggregates(&events)
            .map(|a| (a.first.0, a.last.0, a.price.0, a.qty.0))
            .collect();
        assert_eq!(seen, [(1, 2, 50, 7), (3, 3, 51, 5), (4, 4, 51, 6)]);
    }
}
