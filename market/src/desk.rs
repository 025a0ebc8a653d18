//! One market's orders: what rests, and the commands that make the book look as wanted.

use std::collections::BTreeMap;

use protocol::{CancelAll, CancelOrder, Command, OrderKey, OrderKind, PlaceOrder, TimeInForce};
use types::{ClientId, Decimal, InstrumentId, Side};

use crate::depth;
use crate::symbols::Listing;

/// A touch as wanted: ticks and lots.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Touch {
    pub bid: i64,
    pub ask: i64,
    pub bid_qty: i64,
    pub ask_qty: i64,
}

/// Whose command it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    Maker,
    Taker,
}

#[derive(Debug)]
pub struct Desk {
    pub listing: Listing,
    pub id: InstrumentId,
    /// Resting orders of the maker by side (0 bids) and price.
    resting: [BTreeMap<i64, (ClientId, i64)>; 2],
    /// Depth hangs on these prices, so that it stands still while the touch trembles.
    anchor: [i64; 2],
    /// Makes client ids unique over restarts.
    stamp: i64,
    count: u64,
}

impl Desk {
    pub fn new(listing: Listing, id: InstrumentId, stamp: i64) -> Desk {
        Desk {
            listing,
            id,
            resting: [BTreeMap::new(), BTreeMap::new()],
            anchor: [0; 2],
            stamp,
            count: 0,
        }
    }

    fn next_id(&mut self) -> ClientId {
        self.count += 1;
        ClientId::new(&format!("m-{}-{:x}-{}", self.id, self.stamp, self.count)).unwrap_or_default()
    }

    fn limit(
        &self,
        client_id: ClientId,
        side: Side,
        price: i64,
        qty: i64,
        tif: TimeInForce,
    ) -> Command {
        Command::PlaceOrder(PlaceOrder {
            instrument: self.id,
            side,
            kind: OrderKind::Limit,
            tif,
            stp: None,
            price: Decimal(price.saturating_mul(self.listing.tick)),
            qty: Decimal(qty.max(1).saturating_mul(self.listing.lot)),
            quote_qty: Decimal::ZERO,
            client_id,
            strategy_id: None,
            strategy_kind: None,
        })
    }

    /// The least quantity at a price that the filters let pass.
    fn least(&self, price: i64) -> i64 {
        let unit =
            i128::from(price.max(1)) * i128::from(self.listing.tick) * i128::from(self.listing.lot);
        let notional = i128::from(self.listing.min_notional) * i128::from(Decimal::SCALE);
        i64::try_from((notional + unit - 1) / unit.max(1))
            .unwrap_or(i64::MAX)
            .max(1)
    }

    /// Takes up to a price.
    pub fn take(&mut self, side: Side, price: i64, qty: i64) -> Command {
        let id = self.next_id();
        self.limit(
            id,
            side,
            price,
            qty.max(self.least(price)),
            TimeInForce::Ioc,
        )
    }

    /// Moves the touch, and the depth behind it when it has come far. Cancels first, so that nothing crosses.
    pub fn quote(&mut self, touch: Touch, out: &mut Vec<Command>) {
        let tolerance = (touch.bid / 20_000).max(2);
        let moved = (touch.bid - self.anchor[0]).abs() > tolerance
            || (touch.ask - self.anchor[1]).abs() > tolerance;
        if moved {
            self.anchor = [touch.bid, touch.ask];
        }
        for side in [Side::Buy, Side::Sell] {
            self.cancel_unwanted(side, touch, moved, out);
        }
        for side in [Side::Buy, Side::Sell] {
            self.place_wanted(side, touch, moved, out);
        }
    }

    fn wanted(&self, side: Side, touch: Touch, with_depth: bool) -> BTreeMap<i64, i64> {
        let (sign, best, qty) = match side {
            Side::Buy => (-1, touch.bid, touch.bid_qty),
            Side::Sell => (1, touch.ask, touch.ask_qty),
        };
        let mut wanted = BTreeMap::new();
        if with_depth {
            let anchor = self.anchor[side as usize];
            for (n, (ticks, share)) in depth::behind(anchor).into_iter().enumerate() {
                let price = anchor + sign * ticks;
                if price > 0 {
                    // a quantity of its own for each level, the same whenever it is asked for
                    let grain = 0.5
                        + ((price.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64)
                            / (1 << 24) as f64;
                    let qty = (self.listing.touch as f64
                        * share
                        * grain
                        * if n == 0 { 0.8 } else { 1.0 }) as i64;
                    wanted.insert(price, qty.max(self.least(price)));
                }
            }
        }
        wanted.insert(best, qty.max(self.least(best)));
        wanted
    }

    fn cancel_unwanted(&mut self, side: Side, touch: Touch, moved: bool, out: &mut Vec<Command>) {
        let wanted = self.wanted(side, touch, true);
        let best = if side == Side::Buy {
            touch.bid
        } else {
            touch.ask
        };
        let beyond = |price: i64| {
            if side == Side::Buy {
                price > best
            } else {
                price < best
            }
        };
        let gone: Vec<i64> = self.resting[side as usize]
            .iter()
            .filter(|(price, (_, qty))| match wanted.get(price) {
                Some(want) => **price == best && want != qty,
                None => moved || beyond(**price),
            })
            .map(|(price, _)| *price)
            .collect();
        for price in gone {
            if let Some((client_id, _)) = self.resting[side as usize].remove(&price) {
                let order = OrderKey::ClientId(client_id);
                out.push(Command::CancelOrder(CancelOrder {
                    instrument: self.id,
                    order,
                    client_id: ClientId::NONE,
                    restriction: None,
                }));
            }
        }
    }

    fn place_wanted(&mut self, side: Side, touch: Touch, moved: bool, out: &mut Vec<Command>) {
        for (price, qty) in self.wanted(side, touch, moved) {
            if !self.resting[side as usize].contains_key(&price) {
                let id = self.next_id();
                out.push(self.limit(id, side, price, qty, TimeInForce::Gtc));
                self.resting[side as usize].insert(price, (id, qty));
            }
        }
    }

    /// Forgets what rests and begins anew: what others took from the depth is put back.
    pub fn renew(&mut self, out: &mut Vec<Command>) {
        self.resting = [BTreeMap::new(), BTreeMap::new()];
        self.anchor = [0; 2];
        out.push(Command::CancelAll(CancelAll {
            instrument: self.id,
            client_id: ClientId::NONE,
        }));
    }

    /// A thin book for the past: three levels a side.
    pub fn quote_thin(&mut self, mid: f64, out: &mut Vec<Command>) {
        self.renew(out);
        let bid = (mid.floor() as i64).max(5);
        for level in 0..3_i64 {
            for (side, price) in [(Side::Buy, bid - level), (Side::Sell, bid + 1 + level)] {
                let id = self.next_id();
                let qty = (self.listing.touch * (1 + level)).max(self.least(price));
                out.push(self.limit(id, side, price, qty, TimeInForce::Gtc));
            }
        }
    }
}
