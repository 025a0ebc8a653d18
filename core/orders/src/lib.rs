//! Live orders of one instrument: the part of an order that matching does not need, the client ids, and each account's open orders.
//!
//! * Units: ticks and lots; amounts in quote atoms. Nothing is rounded here.
//! * An order's record lies at the slot that the book gave it, so one number finds both halves.
//! * A client id is unique among the open orders of one account on one instrument.
//! * A [`Seat`] is an account's place at one market: its open orders in a linked list, oldest first, their number, and room for the two
//!   references by which the engine finds the account's balances without searching. Seats stay once taken; they are no part of the logical
//!   state.
//!
//! Every operation is O(1) except walking one account's orders. Nothing is allocated once the arrays have reached their size.

mod followers;
mod live;
mod seats;
mod waiting;

pub use live::{LiveOrder, LiveOrders};
pub use seats::{MAX_TRADE_GROUP, Seat, SeatId, owner, owner_without_seat};
pub use waiting::{Reached, Waiting, WaitingOrders};

/// No slot.
pub(crate) const NIL: u32 = u32::MAX;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trailing_tests;
