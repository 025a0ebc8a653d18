//! Commission: which rates an account pays, how its 30-day volume moves it between tiers, and how one commission is cut into its parts.
//!
//! * Units: rates are 10⁻⁸ ([`types::Rate`]); volumes are atoms of the schedule's valuation asset; a [`Charge`] is reckoned in 10⁻⁸ of an
//!   atom, so that small commissions survive a conversion.
//! * Rounding: always down. A charge is rounded once as a whole: that is what the party pays. Each of its parts is rounded down by
//!   itself, and what the whole exceeds their sum is the residue, never negative.
//! * Tiers: at the end of a day of UTC, the volume of the 30 whole days before decides. Volume is kept from the moment on at which the venue
//!   has tiers; both parties' halves of a trade count.
//! * Errors: what cannot be reckoned within 127 bits is `None`; nothing wraps.
//!
//! The rules are those of the public documents on commission: standard, tax and special commission, each a sum of a part for the role and one
//! for the side; a discount reduces the standard one alone.

mod charge;
mod state;
mod volume;

pub use charge::{Charge, Split};
pub use state::Fees;
pub use volume::{DAY_US, WINDOW_DAYS, day_of};
