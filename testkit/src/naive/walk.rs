//! An order's way through the book, tried on a copy of it.

use protocol::{Order, OrderStatus, StpMode};
use types::{Decimal, OrderId, Side};

use super::{Naive, Resting, SCALE, by_market};

/// How an order's passage through the book ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    Filled,
    Exhausted,
    Prevented,
    /// The next price lies outside of the range of execution.
    OutOfRange,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Met {
    Trade,
    /// One party's: whole orders end.
    Expire,
    /// One party's: both lose the quantity.
    Decrement {
        /// Both ask that it changes hands.
        transfer: bool,
    },
}

/// One meeting: which maker, how much, and what comes of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meeting {
    pub maker: OrderId,
    pub price: Decimal,
    pub qty: Decimal,
    pub met: Met,
}

/// What an order would meet, how that ends, and what is left open.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    pub meetings: Vec<Meeting>,
    pub end: End,
    pub rest: Decimal,
}

impl Passage {
    pub(super) fn fills_whole(&self) -> bool {
        let lost = |m: &Meeting| matches!(m.met, Met::Decrement { .. });
        self.end == End::Filled && !self.meetings.iter().any(lost)
    }

    /// Traded or taken off.
    pub(super) fn used(&self) -> i64 {
        let used = self.meetings.iter().filter(|m| m.met != Met::Expire);
        used.map(|m| m.qty.0).sum()
    }
}

/// The open order that comes first on a side: best price, then first in its queue.
pub(super) fn best(book: &[Resting], side: Side) -> Option<usize> {
    let of_side = (0..book.len()).filter(|i| book[*i].order.side == side);
    of_side.min_by_key(|i| {
        let price = book[*i].order.price.0;
        let price = if side == Side::Buy { -price } else { price };
        (price, book[*i].rank)
    })
}

pub(super) fn reaches(order: &Order, price: Decimal) -> bool {
    match (by_market(order.kind), order.side) {
        (true, _) => true,
        (_, Side::Buy) => price <= order.price,
        (_, Side::Sell) => price >= order.price,
    }
}

pub(super) fn last_rank(book: &[Resting]) -> u64 {
    book.iter().map(|r| r.rank).max().unwrap_or(0)
}

/// An order of the book shows `qty` less; what it has open was lowered before. Answers what it shows anew.
pub(super) fn lessen(book: &mut Vec<Resting>, i: usize, qty: Decimal) -> Option<Decimal> {
    let rank = last_rank(book) + 1;
    let resting = &mut book[i];
    resting.shown.0 -= qty.0;
    let open = resting.order.open_qty();
    if open.0 == 0 {
        book.remove(i);
        return None;
    }
    if resting.shown.0 > 0 {
        return None;
    }
    resting.shown = open.min(resting.order.iceberg_qty());
    resting.rank = rank;
    Some(resting.shown)
}

impl Naive {
    /// Do self-trade prevention's rules take them for one?
    pub(super) fn one_party(&self, a: types::AccountId, b: types::AccountId) -> bool {
        let group = |account| self.groups.get(&account);
        a == b || (group(a).is_some() && group(a) == group(b))
    }

    fn meet(&self, taker: &Order, maker: &Order) -> Met {
        if !self.one_party(taker.account, maker.account) {
            return Met::Trade;
        }
        let grouped = self.groups.contains_key(&taker.account);
        match taker.stp {
            StpMode::None => Met::Trade,
            StpMode::ExpireTaker | StpMode::ExpireMaker | StpMode::ExpireBoth => Met::Expire,
            StpMode::Decrement => Met::Decrement { transfer: false },
            StpMode::Transfer => Met::Decrement {
                transfer: grouped && maker.stp == StpMode::Transfer,
            },
        }
    }

    /// What an order would meet within a range of prices, in 10⁻¹⁶.
    pub(super) fn walk(&self, at: usize, order: &Order, range: Option<(i128, i128)>) -> Passage {
        let market = &self.markets[at];
        let mut book = market.book.clone();
        let lot = i128::from(market.instrument.lot_size().0);
        let mut open = i128::from(order.open_qty().0);
        let unit = market.unit();
        let mut budget = i128::from(order.quote_qty.0) * SCALE / unit * unit;
        let by_quote = order.quote_qty.0 > 0;
        let wanted = |open: i128, budget: i128, price: Decimal| match by_quote {
            true => budget / i128::from(price.0) / lot * lot,
            false => open,
        };
        let mut meetings: Vec<Meeting> = Vec::new();
        let end = loop {
            let next =
                best(&book, order.side.opposite()).filter(|i| reaches(order, book[*i].order.price));
            let done = match meetings.last().map(|m| m.met) {
                Some(Met::Decrement { .. }) => End::Prevented,
                _ => End::Filled,
            };
            if !by_quote && open == 0 {
                break done;
            }
            let Some(i) = next else {
                break End::Exhausted;
            };
            let maker = &mut book[i].order;
            let price = maker.price;
            let want = wanted(open, budget, price);
            if want == 0 {
                break done;
            }
            let exact = i128::from(price.0) * SCALE;
            if range.is_some_and(|(low, high)| exact < low || exact > high) {
                break End::OutOfRange;
            }
            let mut meeting = Meeting {
                maker: maker.id,
                price,
                qty: maker.open_qty(),
                met: self.meet(order, maker),
            };
            if meeting.met == Met::Expire {
                meetings.push(meeting);
                if order.stp != StpMode::ExpireMaker {
                    break End::Prevented;
                }
                book.remove(i);
                continue;
            }
            let qty = want.min(i128::from(book[i].shown.0));
            meeting.qty = Decimal(i64::try_from(qty).unwrap_or(0));
            meetings.push(meeting);
            open -= qty;
            budget -= qty * i128::from(price.0);
            book[i].order.executed_qty.0 += meeting.qty.0;
            book[i].order.status = OrderStatus::PartiallyFilled;
            lessen(&mut book, i, meeting.qty);
            if by_quote && wanted(open, budget, price) == 0 {
                break match meeting.met {
                    Met::Decrement { .. } => End::Prevented,
                    _ => End::Filled,
                };
            }
        };
        let mut passage = Passage {
            meetings,
            end,
            rest: Decimal::ZERO,
        };
        passage.rest.0 = match (end, by_quote) {
            (End::Filled, _) => 0,
            (_, false) => i64::try_from(open).unwrap_or(0),
            (_, true) => self.unspent(at, budget, &passage),
        };
        passage
    }

    /// What the rest of a budget would have bought at the last price met, at least one lot.
    fn unspent(&self, at: usize, budget: i128, passage: &Passage) -> i64 {
        let market = &self.markets[at];
        let (tick, lot) = (
            market.instrument.tick_size(),
            market.instrument.lot_size().0,
        );
        let last = passage.meetings.last().map(|m| m.price);
        let price = last.or(market.trades.last().map(|t| t.1)).unwrap_or(tick);
        let lots = budget / i128::from(price.0) / i128::from(lot) * i128::from(lot);
        let room = i64::MAX / lot * lot - passage.used();
        i64::try_from(lots.clamp(i128::from(lot), i128::from(room))).unwrap_or(i64::MAX)
    }
}
