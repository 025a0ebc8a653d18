//! Matching an incoming order, and what it would be.

use types::{OrderId, Price, Qty, Side};

use super::{NO_ASK, NO_BID, Place, TickBook};
use crate::window::NIL;
use crate::{Book, Limit, Match, MatchKind, OrderRef, Quote, Remainder, Stop, Taker, prevention};

/// What an order still wants: lots, or a budget that buys lots at each price anew.
#[derive(Clone, Copy)]
enum Want {
    Lots(i64),
    Notional(i128),
}

impl Want {
    fn new(limit: Limit) -> Want {
        match limit {
            Limit::Lots(qty) => Want::Lots(qty.0),
            Limit::Notional(budget) => Want::Notional(budget),
        }
    }

    fn limit(self) -> Limit {
        match self {
            Want::Lots(lots) => Limit::Lots(Qty(lots)),
            Want::Notional(budget) => Limit::Notional(budget),
        }
    }

    /// How many lots it wants at this price.
    #[inline]
    fn at(self, price: i64) -> i64 {
        match self {
            Want::Lots(lots) => lots,
            Want::Notional(budget) => i64::try_from(budget / i128::from(price)).unwrap_or(i64::MAX),
        }
    }

    #[inline]
    fn take(&mut self, price: i64, qty: i64) {
        match self {
            Want::Lots(lots) => *lots -= qty,
            Want::Notional(budget) => *budget -= i128::from(price) * i128::from(qty),
        }
    }
}

/// May an order with this limit take at `price`?
#[inline]
fn reaches(taker: &Taker, price: i64) -> bool {
    match (taker.side, taker.price) {
        (Side::Buy, _) if price == NO_ASK => false,
        (Side::Sell, _) if price == NO_BID => false,
        (_, None) => true,
        (Side::Buy, Some(limit)) => price <= limit.0,
        (Side::Sell, Some(limit)) => price >= limit.0,
    }
}

pub(super) fn submit(
    book: &mut TickBook,
    taker: &Taker,
    limit: Limit,
    out: &mut Vec<Match>,
) -> Remainder {
    let mut want = Want::new(limit);
    let side = taker.side.opposite();
    let stop = loop {
        let price = book.best[side as usize];
        if let Want::Lots(0) = want {
            break Stop::Filled;
        }
        if !reaches(taker, price) {
            break Stop::Exhausted;
        }
        if want.at(price) == 0 {
            break Stop::Filled;
        }
        if let Some(stop) = sweep_level(book, taker, side, price, &mut want, out) {
            break stop;
        }
    };
    Remainder {
        stop,
        limit: want.limit(),
    }
}

/// Matches with the queue at the best price. `None` when the queue is used up.
fn sweep_level(
    book: &mut TickBook,
    taker: &Taker,
    side: Side,
    price: i64,
    want: &mut Want,
    out: &mut Vec<Match>,
) -> Option<Stop> {
    let place = book.place(side, price).expect("the best price has a level");
    let mut level = *book.level_at(side, price, place);
    let mut stop = None;
    while level.head != NIL {
        let slot = level.head;
        let node = book.nodes[slot as usize];
        let maker = OrderRef {
            slot,
            generation: node.generation(),
        };
        let own = node.owner == taker.owner.0;
        let matched = |kind, qty, open| Match {
            kind,
            maker,
            maker_id: OrderId(book.ids[slot as usize]),
            price: Price(price),
            qty: Qty(qty),
            maker_open: Qty(open),
        };
        let gone = match prevention(taker.stp).filter(|_| own) {
            Some((maker_ends, taker_ends)) => {
                let kind = MatchKind::Prevented {
                    maker_ends,
                    taker_ends,
                };
                let open = if maker_ends { 0 } else { node.open };
                out.push(matched(kind, node.open, open));
                stop = taker_ends.then_some(Stop::Prevented);
                maker_ends.then_some(node.open)
            }
            None => {
                let wanted = want.at(price);
                let qty = wanted.min(node.open);
                out.push(matched(MatchKind::Trade, qty, node.open - qty));
                want.take(price, qty);
                if qty < node.open {
                    book.nodes[slot as usize].open -= qty;
                    level.qty -= qty;
                }
                if want.at(price) == 0 {
                    stop = Some(Stop::Filled);
                }
                (qty == node.open).then_some(qty)
            }
        };
        if let Some(qty) = gone {
            level.qty -= qty;
            level.head = node.next;
            book.free_slot(slot);
        }
        if stop.is_some() {
            break;
        }
    }
    write_back(book, side, price, place, level);
    stop
}

/// Stores a swept level, or closes it.
fn write_back(
    book: &mut TickBook,
    side: Side,
    price: i64,
    place: Place,
    mut level: crate::window::Level,
) {
    if level.head == NIL {
        level.tail = NIL;
        *book.level_at_mut(side, price, place) = level;
        book.close_level(side, price, place);
    } else {
        book.nodes[level.head as usize].prev = NIL;
        *book.level_at_mut(side, price, place) = level;
    }
}

pub(super) fn quote(book: &TickBook, taker: &Taker, limit: Limit) -> Quote {
    let mut want = Want::new(limit);
    let side = taker.side.opposite();
    let (mut qty, mut notional) = (0_i64, 0_i128);
    let mut next = book.best(side).map(|p| p.0);
    let stop = loop {
        if let Want::Lots(0) = want {
            break Stop::Filled;
        }
        let Some(price) = next.filter(|price| reaches(taker, *price)) else {
            break Stop::Exhausted;
        };
        if want.at(price) == 0 {
            break Stop::Filled;
        }
        let (taken, stop) = quote_level(book, taker, side, price, want);
        want.take(price, taken);
        qty = qty.saturating_add(taken);
        notional = notional.saturating_add(i128::from(price) * i128::from(taken));
        if let Some(stop) = stop {
            break stop;
        }
        if want.at(price) == 0 {
            break Stop::Filled;
        }
        next = book.behind(side, price);
    };
    Quote {
        qty: Qty(qty),
        notional,
        stop,
    }
}

/// The lots that a level would give, and whether self-trade prevention stops there.
fn quote_level(
    book: &TickBook,
    taker: &Taker,
    side: Side,
    price: i64,
    want: Want,
) -> (i64, Option<Stop>) {
    let place = book.place(side, price).expect("a used price has a level");
    let level = book.level_at(side, price, place);
    let wanted = want.at(price);
    let Some((_, taker_ends)) = prevention(taker.stp) else {
        return (wanted.min(level.qty), None);
    };
    let (mut taken, mut slot) = (0, level.head);
    while slot != NIL && taken < wanted {
        let node = &book.nodes[slot as usize];
        if node.owner != taker.owner.0 {
            taken += node.open.min(wanted - taken);
        } else if taker_ends {
            return (taken, Some(Stop::Prevented));
        }
        slot = node.next;
    }
    (taken, None)
}
