//! What only few orders ask for: to be shown in part (icebergs), and to take their price from the book (pegs).
//!
//! * An iceberg rests whole and is held whole; the book shows at most its peak. It is good till canceled, and not cut into more than
//!   [`MAX_PARTS`] parts, whatever the filter says, because one taker may meet every part.
//! * A peg is looked up once, as the order enters the book: when it is placed, or when its stop price is reached. The price passes every filter;
//!   a limit price given beside it has to pass them too (public documents: pegged orders FAQ).

use matching::Book;
use protocol::{
    Event, Events, Extras, IcebergShown, Order, OrderKind, OrderPegged, Peg, PegKind, Pegged,
    PlaceOrder, RejectCode, TimeInForce,
};
use types::{Price, Qty, Side, Time};

use crate::Engine;
use crate::conditional::WHOLE;
use crate::market::Market;
use crate::place::{Ahead, Plan};

/// An iceberg's parts are bounded, so that a taker's matches are.
const MAX_PARTS: i64 = 10_000;

/// Do the rare fields go together with the order's kind?
#[inline]
pub(crate) fn extras_fit(c: &PlaceOrder) -> bool {
    let Some(extras) = c.extras.as_deref() else {
        return !c.kind.is_conditional();
    };
    let waits = !extras.stop_price.is_zero() || extras.trailing_delta != 0;
    let delta = extras.trailing_delta < WHOLE;
    let iceberg = extras.iceberg_qty.is_zero()
        || (extras.iceberg_qty.0 > 0 && !c.kind.is_market() && c.tif == TimeInForce::Gtc);
    waits == c.kind.is_conditional() && *extras != Extras::NONE && iceberg && delta
}

/// May this kind of order be pegged like that?
pub(crate) fn plan_peg(c: &PlaceOrder, extras: &Extras, plan: &mut Plan) -> Result<(), RejectCode> {
    let Some(peg) = extras.peg else {
        return Ok(());
    };
    if c.kind.is_market() {
        return Err(RejectCode::PegNotForKind);
    }
    if c.kind == OrderKind::LimitMaker && peg.kind == PegKind::Market {
        return Err(RejectCode::PegKindNotForKind);
    }
    let rests = peg.kind == PegKind::Market || c.tif == TimeInForce::Gtc;
    if c.kind == OrderKind::Limit && !rests {
        return Err(RejectCode::UnsupportedCombination);
    }
    plan.peg = Some(Pegged {
        peg,
        asked: c.price,
        priced: false,
    });
    Ok(())
}

impl Market {
    /// The price that a peg means now.
    fn peg_price(&self, side: Side, peg: Peg) -> Result<Price, RejectCode> {
        let side = match peg.kind {
            PegKind::Primary => side,
            PegKind::Market => side.opposite(),
        };
        let mut price = self.book.best(side);
        for _ in 0..peg.offset {
            price = price.and_then(|price| self.book.next_level(side, price));
        }
        price.ok_or(RejectCode::PegLiquidity)
    }

    /// The price of a pegged order that goes to the book now, and whether the one asked for beside it would do.
    #[cold]
    pub fn pegged_price(
        &self,
        c: &PlaceOrder,
        plan: &Plan,
        time: Time,
    ) -> Result<Price, RejectCode> {
        let spec = &self.spec;
        self.check_asked(c, time)?;
        let peg = plan.peg.map(|pegged| pegged.peg);
        let price = self.peg_price(c.side, peg.ok_or(RejectCode::UnsupportedCombination)?)?;
        spec.price(self.price(price))
    }

    /// The limit price that is asked for beside a peg, if there is one.
    fn check_asked(&self, c: &PlaceOrder, time: Time) -> Result<(), RejectCode> {
        if c.price.is_zero() {
            return Ok(());
        }
        let spec = &self.spec;
        let asked = spec.price(c.price)?;
        spec.percent_price(c.side, asked, |m| self.average(time, m))?;
        let qty = spec.qty(c.qty)?;
        spec.min_notional(asked, qty)?;
        spec.notional(asked, qty)
    }

    /// A pegged order of a list that another one has to be filled for: its price is the book's of that moment.
    #[cold]
    pub fn plan_pending_peg(
        &self,
        c: &PlaceOrder,
        plan: &mut Plan,
        time: Time,
    ) -> Result<(), RejectCode> {
        self.check_asked(c, time)?;
        plan.limit = matching::Limit::Lots(self.spec.qty(c.qty)?);
        Ok(())
    }

    /// The price of a pegged order that waited, if the book and the filters let it have one now.
    pub fn price_now(&self, order: &Order, pegged: Pegged, time: Time) -> Option<Price> {
        let price = self.peg_price(order.side, pegged.peg).ok()?;
        let spec = &self.spec;
        let qty = spec.lots(order.qty)?;
        spec.price(self.price(price)).ok()?;
        let average = |minutes| self.average(time, minutes);
        spec.percent_price(order.side, price, average).ok()?;
        spec.min_notional(price, qty).ok()?;
        spec.notional(price, qty).ok()?;
        Some(price)
    }

    /// A pegged order has its price: it is told.
    pub fn tell_pegged(&mut self, order: &Order, price: Price, out: &mut Events) {
        if let Some(pegged) = order.peg() {
            self.note_peg(order.id, pegged);
            out.push(Event::OrderPegged(OrderPegged {
                instrument: order.instrument,
                order: order.id,
                account: order.account,
                price: self.price(price),
            }));
        }
    }

    /// A pegged order goes to the book.
    pub fn note_peg(&mut self, order: types::OrderId, pegged: Pegged) {
        let peg = Pegged {
            priced: true,
            ..pegged
        };
        self.pegs.insert(order, peg);
    }

    /// Keeps nothing of an order that did not stay in the book.
    pub fn forget_unless_open(&mut self, id: types::OrderId) {
        if self.book.find(id).is_none() {
            self.conditions.remove(&id);
            self.pegs.remove(&id);
        }
    }

    /// May an iceberg of this quantity show so much of it?
    pub fn check_parts(&self, qty: Qty, peak: Qty) -> Result<(), RejectCode> {
        if peak > qty {
            return Err(RejectCode::IcebergExceedsQty);
        }
        self.spec.iceberg_parts(qty, peak)?;
        if qty.0 / peak.0 >= MAX_PARTS {
            return Err(RejectCode::IcebergParts);
        }
        Ok(())
    }

    /// The filters of icebergs.
    #[cold]
    pub fn plan_iceberg(
        &self,
        extras: &Extras,
        plan: &mut Plan,
        ahead: Ahead,
    ) -> Result<(), RejectCode> {
        if extras.iceberg_qty.is_zero() {
            return Ok(());
        }
        let peak = self.spec.qty(extras.iceberg_qty)?;
        self.check_parts(plan.qty(), peak)?;
        if self
            .spec
            .instrument()
            .filters
            .max_num_iceberg_orders
            .is_some()
        {
            let open = plan.seat.map_or(0, |seat| self.icebergs_of(seat));
            self.spec.max_num_iceberg_orders(open + ahead.icebergs)?;
        }
        plan.iceberg = Some(peak);
        Ok(())
    }

    /// How many open orders of an account are icebergs.
    pub fn icebergs_of(&self, seat: orders::SeatId) -> u32 {
        let waiting = self.waiting.of(seat);
        let waiting = waiting.filter(|w| !w.order.iceberg_qty().is_zero());
        let resting = self.resting_of(seat).filter(|r| r.iceberg.is_some());
        u32::try_from(waiting.count() + resting.count()).unwrap_or(u32::MAX)
    }

    /// What an iceberg is shown more, or less, is told.
    #[cold]
    pub fn tell_shown(
        &mut self,
        (order, side, price): (types::OrderId, Side, Price),
        delta: Qty,
        out: &mut Events,
    ) {
        let update = self.next_update();
        out.push(Event::IcebergShown(IcebergShown {
            instrument: self.id(),
            order,
            side,
            price: self.price(price),
            delta: self.qty(delta),
            update,
        }));
    }

    /// An amended iceberg is shown less, if `less` is more than nothing.
    #[cold]
    pub fn shown_less(&mut self, resting: &matching::Resting, less: Qty, out: &mut Events) {
        if less > Qty(0) {
            let place = (resting.id, resting.side, resting.price);
            self.tell_shown(place, Qty(-less.0), out);
        }
    }

    /// Are the rare fields of an order that rests, or waits, what they may be?
    pub fn more_fits(&self, order: &Order, rests: bool) -> bool {
        let Some(more) = order.more.as_deref() else {
            return true;
        };
        let lots = |qty: Option<types::Decimal>| qty.map(|qty| self.spec.lots(qty));
        let (peak, shown) = (lots(more.iceberg_qty), lots(more.shown_qty));
        let iceberg = match (peak, shown) {
            (None, None) => true,
            (Some(Some(peak)), None) => peak > Qty(0) && !rests,
            (Some(Some(peak)), Some(Some(shown))) => {
                let open = self.spec.lots(order.open_qty());
                rests && shown > Qty(0) && shown <= peak && open.is_some_and(|open| shown <= open)
            }
            _ => false,
        };
        let peg = more.peg.is_none_or(|peg| peg.priced == rests);
        let rare = more.iceberg_qty.is_some() || more.shown_qty.is_some() || more.peg.is_some();
        let floor = more
            .floor
            .is_none_or(|floor| rests && floor == protocol::WorkingFloor::Exchange);
        iceberg && peg && floor && !(rare && order.kind.is_market())
    }
}

impl Engine {
    /// Gives a pegged order that had waited its price; `None` when the book or a filter does not let it have one.
    #[cold]
    pub(crate) fn price_waiting(
        &mut self,
        time: Time,
        at: usize,
        order: &Order,
        pegged: Pegged,
        out: &mut Events,
    ) -> Option<Price> {
        let market = &mut self.markets[at];
        let price = market.price_now(order, pegged, time)?;
        market.tell_pegged(order, price, out);
        Some(price)
    }
}
