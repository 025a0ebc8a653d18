//! Matching an incoming order, and what it would be.

use std::collections::VecDeque;

use protocol::StpMode;
use types::{OrderId, Price, Qty, Side};

use super::{NO_ASK, NO_BID, Node, Place, TickBook};
use crate::window::NIL;
use crate::{
    Book, Limit, Match, MatchKind, OrderRef, Prevention, Quote, Remainder, Stop, Taker, end_of,
    prevention,
};

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
    let start = out.len();
    let stop = loop {
        let price = book.best[side as usize];
        if let Want::Lots(0) = want {
            break Stop::Filled;
        }
        if !reaches(taker, price) {
            break Stop::Exhausted;
        }
        if want.at(price) == 0 {
            break end_of(out[start..].last().map(|m| m.kind));
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
        let maker = book.order_ref(slot);
        let own = node.owner == taker.owner.0;
        let id = OrderId(book.ids[slot as usize]);
        let matched = |kind, qty, open| matched(&node, (maker, id), kind, (qty, open));
        let hidden = match node.is_iceberg() {
            true => book.icebergs.hidden(slot),
            false => 0,
        };
        let gone = match prevention(taker.stp).filter(|_| own) {
            Some(Prevention::Expire(maker_ends, taker_ends)) => {
                let whole = node.open + hidden;
                let open = if maker_ends { 0 } else { whole };
                let kind = MatchKind::Prevented {
                    maker_ends,
                    taker_ends,
                };
                out.push(matched(kind, whole, open));
                stop = taker_ends.then_some(Stop::Prevented);
                maker_ends.then_some(node.open)
            }
            met => {
                let kind = match met {
                    None => MatchKind::Trade,
                    Some(_) => decremented(taker, node.stp()),
                };
                let wanted = want.at(price);
                let qty = wanted.min(node.open);
                out.push(matched(kind, qty, node.open - qty + hidden));
                want.take(price, qty);
                if qty < node.open {
                    book.nodes[slot as usize].open -= qty;
                    level.qty -= qty;
                }
                if want.at(price) == 0 {
                    stop = Some(end_of(Some(kind)));
                }
                if qty == node.open && hidden > 0 {
                    refill(book, &mut level, slot, out);
                    None
                } else {
                    (qty == node.open).then_some(qty)
                }
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

/// One meeting with an order: how much, and what stays open of it.
#[inline]
fn matched(
    node: &Node,
    (maker, maker_id): (OrderRef, OrderId),
    kind: MatchKind,
    (qty, open): (i64, i64),
) -> Match {
    Match {
        kind,
        maker,
        maker_id,
        price: Price(node.price),
        qty: Qty(qty),
        maker_open: Qty(open),
        shown: Qty(match kind {
            MatchKind::Prevented { .. } => node.open,
            _ => qty,
        }),
        refill: Qty(0),
    }
}

/// What was shown of an iceberg is used up: the next part goes to the end of its queue.
#[cold]
fn refill(book: &mut TickBook, level: &mut crate::window::Level, slot: u32, out: &mut [Match]) {
    let shown = book.icebergs.refill(slot);
    let node = &mut book.nodes[slot as usize];
    level.qty += shown - node.open;
    node.open = shown;
    if node.next != NIL {
        level.head = node.next;
        node.next = NIL;
        node.prev = level.tail;
        book.nodes[level.tail as usize].next = slot;
        level.tail = slot;
    }
    if let Some(last) = out.last_mut() {
        last.refill = Qty(shown);
    }
}

#[cold]
fn decremented(taker: &Taker, maker: StpMode) -> MatchKind {
    MatchKind::Decremented {
        transfer: taker.stp == StpMode::Transfer && maker == StpMode::Transfer,
    }
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
    let (mut qty, mut notional, mut decremented) = (0_i64, 0_i128, 0_i64);
    let mut last = None;
    let mut next = book.best(side).map(|p| p.0);
    let stop = loop {
        if let Want::Lots(0) = want {
            break Stop::Filled;
        }
        let Some(price) = next.filter(|price| reaches(taker, *price)) else {
            break Stop::Exhausted;
        };
        if want.at(price) == 0 {
            break end_of(last);
        }
        let met = quote_level(book, taker, side, price, want);
        want.take(price, met.traded + met.decremented);
        let moved = met.traded + met.transferred;
        qty = qty.saturating_add(moved);
        notional = notional.saturating_add(i128::from(price) * i128::from(moved));
        decremented = decremented.saturating_add(met.decremented);
        last = met.last.or(last);
        if met.ends {
            break Stop::Prevented;
        }
        if want.at(price) == 0 {
            break end_of(last);
        }
        next = book.behind(side, price);
    };
    Quote {
        qty: Qty(qty),
        notional,
        decremented: Qty(decremented),
        stop,
    }
}

/// What an order would meet at one level, in lots.
#[derive(Default)]
struct Met {
    traded: i64,
    decremented: i64,
    /// The part of `decremented` where both orders ask for a transfer.
    transferred: i64,
    last: Option<MatchKind>,
    /// Self-trade prevention ends it there.
    ends: bool,
}

fn quote_level(book: &TickBook, taker: &Taker, side: Side, price: i64, want: Want) -> Met {
    let place = book.place(side, price).expect("a used price has a level");
    let level = book.level_at(side, price, place);
    let wanted = want.at(price);
    let mut met = Met::default();
    let Some(prevention) = prevention(taker.stp) else {
        met.traded = wanted.min(
            level
                .qty
                .saturating_add(book.icebergs.at(side as u8, price)),
        );
        met.last = Some(MatchKind::Trade);
        return met;
    };
    if book.icebergs.at(side as u8, price) > 0 {
        return quote_icebergs(book, taker, prevention, level.head, wanted);
    }
    let mut slot = level.head;
    while slot != NIL && met.traded + met.decremented < wanted {
        let node = &book.nodes[slot as usize];
        let qty = node.open.min(wanted - met.traded - met.decremented);
        if !met.meet(taker, prevention, node, qty) {
            break;
        }
        slot = node.next;
    }
    met
}

impl Met {
    /// Meets `qty` of one order. False when that ends the taker.
    fn meet(&mut self, taker: &Taker, prevention: Prevention, node: &Node, qty: i64) -> bool {
        match prevention {
            _ if node.owner != taker.owner.0 => {
                self.traded += qty;
                self.last = Some(MatchKind::Trade);
            }
            Prevention::Decrement => {
                let kind = decremented(taker, node.stp());
                self.decremented += qty;
                if kind == (MatchKind::Decremented { transfer: true }) {
                    self.transferred += qty;
                }
                self.last = Some(kind);
            }
            Prevention::Expire(_, true) => self.ends = true,
            Prevention::Expire(_, false) => {}
        }
        !self.ends
    }
}

/// A level with icebergs, whose parts come round again.
#[cold]
fn quote_icebergs(
    book: &TickBook,
    taker: &Taker,
    prevention: Prevention,
    head: u32,
    wanted: i64,
) -> Met {
    let mut met = Met::default();
    let mut queue = VecDeque::new();
    let mut slot = head;
    while slot != NIL {
        let node = &book.nodes[slot as usize];
        let iceberg = book.icebergs.get(slot).filter(|_| node.is_iceberg());
        let (hidden, peak) = iceberg.map_or((0, 0), |i| (i.hidden, i.peak));
        queue.push_back((node, node.open, hidden, peak));
        slot = node.next;
    }
    while let Some((node, shown, hidden, peak)) = queue.pop_front() {
        let left = wanted - met.traded - met.decremented;
        if left == 0 || !met.meet(taker, prevention, node, shown.min(left)) {
            break;
        }
        // an order that ends whole does not come round
        let ends = node.owner == taker.owner.0 && prevention != Prevention::Decrement;
        if hidden > 0 && !ends {
            let next = peak.min(hidden);
            queue.push_back((node, next, hidden - next, peak));
        }
    }
    met
}
