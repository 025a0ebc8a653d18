//! Ranks and crosses the orders of one instrument: best price first, then first come, first served. Knows no money and no clients.
//!
//! * Units: ticks ([`Price`]) and lots ([`Qty`]); notional is their product in 128 bits. Nothing is rounded, except that a quote budget is
//!   filled by whole lots only.
//! * [`Book`] is the seam: [`TickBook`] is the fast one, and a naive twin under the same tests says what is right.
//! * A resting order is known by its [`OrderRef`]: a slot, good as an index into arrays of the caller, and a generation that tells whether
//!   the slot still holds the order it was asked about.
//!
//! How [`TickBook`] is laid out: orders are nodes of 32 bytes in a slab, doubly linked into a queue per price level. Levels near the touch
//! stand in a [ring](window) indexed by price, with a bitmap over it that finds the next level in two steps; levels far away stand in
//! [sorted chunks](sparse), so that neither a fine tick nor a wide range costs memory. The ring follows the touch, paid for by the
//! operations that missed it. Order ids are found through an [open-addressed index](SlotIndex) sized by the live orders. Nothing is
//! allocated once the arrays have reached their size.
//!
//! An iceberg's node holds what is shown of it; what it hides stands beside the nodes, and plain orders never look there.
//!
//! Cost: a place, cancel or fill is O(1) within the ring, O(log levels) outside; moving the ring costs at most its length, amortised over
//! the misses that caused it. A single command's worst case is the number of orders it trades with.

mod iceberg;
mod index;
mod sparse;
mod tick_book;
mod window;

pub use index::SlotIndex;
pub use tick_book::TickBook;

use protocol::StpMode;
use types::{OrderId, Price, Qty, Side};

/// A resting order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderRef {
    pub slot: u32,
    pub generation: u32,
}

/// Who owns an order, as far as the book cares: orders with equal owners are one party's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owner(pub u32);

/// An incoming order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taker {
    pub side: Side,
    pub owner: Owner,
    pub stp: StpMode,
    /// The worst price it takes; `None` for MARKET.
    pub price: Option<Price>,
}

/// How much an incoming order wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    Lots(Qty),
    /// At most this much price x qty, in ticks x lots.
    Notional(i128),
}

/// Why matching stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// It got all it wanted.
    Filled,
    /// No order is left that it may trade with: none at all, or none at its price.
    Exhausted,
    /// Self-trade prevention ended it.
    Prevented,
    /// The next order lies outside of the prices at which it may execute; said by who bounds them, not by the book.
    OutOfRange,
}

/// What an incoming order would meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quote {
    /// What would trade, or be transferred if all makers were of other accounts.
    pub qty: Qty,
    /// Of `qty`, in ticks x lots; saturates.
    pub notional: i128,
    /// What the order would lose without trading it.
    pub decremented: Qty,
    pub stop: Stop,
}

/// What became of one meeting of orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MatchKind {
    Trade,
    /// One owner: neither trades. Who ends is said by the two flags.
    Prevented {
        maker_ends: bool,
        taker_ends: bool,
    },
    /// One owner: both lose the quantity. `transfer`: both orders ask that it change hands where their accounts differ.
    Decremented {
        transfer: bool,
    },
}

/// How an order ends that wants nothing more: by what it met last.
#[must_use]
pub const fn end_of(last: Option<MatchKind>) -> Stop {
    match last {
        Some(MatchKind::Decremented { .. }) => Stop::Prevented,
        _ => Stop::Filled,
    }
}

/// One meeting of the incoming order with a resting one, at the resting one's price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Match {
    pub kind: MatchKind,
    /// The resting order. When it has ended its slot is free, but is not used again before the next [`Book::rest`].
    pub maker: OrderRef,
    pub maker_id: OrderId,
    pub price: Price,
    /// What traded, or what both lost; for a prevented match that ends orders what was open of the maker.
    pub qty: Qty,
    /// What stays open of the maker.
    pub maker_open: Qty,
    /// How much less the book shows of it, before that.
    pub shown: Qty,
    /// What is shown anew of an iceberg, which stands at the end of its queue now; zero for every other maker.
    pub refill: Qty,
}

/// What is left of an incoming order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remainder {
    pub stop: Stop,
    /// In the unit in which it was asked.
    pub limit: Limit,
}

/// A price and what rests at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LevelTotal {
    pub price: Price,
    pub qty: Qty,
}

/// A resting order, as the book knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resting {
    pub id: OrderId,
    pub side: Side,
    pub price: Price,
    pub open: Qty,
    pub owner: Owner,
    pub stp: StpMode,
    pub iceberg: Option<Iceberg>,
}

impl Resting {
    /// What the book shows of it.
    #[must_use]
    #[inline]
    pub fn shown(&self) -> Qty {
        self.iceberg.map_or(self.open, |iceberg| iceberg.shown)
    }
}

/// Of an order that shows only a part of itself. When that part is used up, the next one goes to the end of the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Iceberg {
    /// How much is shown at most.
    pub peak: Qty,
    /// How much is shown now.
    pub shown: Qty,
}

/// The orders of one instrument in price-time priority.
pub trait Book {
    /// What an incoming order would meet, counting what self-trade prevention would do. Changes nothing.
    fn quote(&self, taker: &Taker, limit: Limit) -> Quote;

    /// Matches an incoming order and appends what it met to `out`. Its remainder does not rest by itself.
    fn submit(&mut self, taker: &Taker, limit: Limit, out: &mut Vec<Match>) -> Remainder;

    /// Puts an order at the end of its level's queue. It must not cross.
    fn rest(&mut self, order: &Resting) -> OrderRef;

    /// Makes an order another party's. False when the reference is stale.
    fn assign(&mut self, order: OrderRef, owner: Owner) -> bool;

    /// Takes an order out. `None` when the reference is stale.
    fn cancel(&mut self, order: OrderRef) -> Option<Resting>;

    /// Lowers an order's open quantity to `open`, which must be positive and less; it keeps its place, and an iceberg hides less. False when the reference is stale.
    fn reduce(&mut self, order: OrderRef, open: Qty) -> bool;

    fn find(&self, id: OrderId) -> Option<OrderRef>;

    fn get(&self, order: OrderRef) -> Option<Resting>;

    /// The best price of a side.
    fn best(&self, side: Side) -> Option<Price>;

    /// What is shown at one price.
    fn level_qty(&self, side: Side, price: Price) -> Qty;

    /// What is open at one price, shown or not.
    fn level_open(&self, side: Side, price: Price) -> Qty;

    /// The next used price of a side behind `price`, seen from the touch.
    fn next_level(&self, side: Side, price: Price) -> Option<Price>;

    /// How many orders rest.
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every order of a side in priority order.
    fn each(&self, side: Side, f: &mut dyn FnMut(OrderRef, Resting));

    /// # Errors
    /// A sentence about the first inconsistency.
    fn audit(&self) -> Result<(), String>;
}

/// What happens when orders of one owner meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prevention {
    /// Whole orders end: (maker ends, taker ends).
    Expire(bool, bool),
    /// Both lose the smaller quantity.
    Decrement,
}

/// What happens when orders of one owner meet under the taker's mode.
#[must_use]
pub const fn prevention(mode: StpMode) -> Option<Prevention> {
    match mode {
        StpMode::None => None,
        StpMode::ExpireTaker => Some(Prevention::Expire(false, true)),
        StpMode::ExpireMaker => Some(Prevention::Expire(true, false)),
        StpMode::ExpireBoth => Some(Prevention::Expire(true, true)),
        StpMode::Decrement | StpMode::Transfer => Some(Prevention::Decrement),
    }
}

#[cfg(test)]
mod tests;
