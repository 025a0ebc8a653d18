use matching::{Owner, SlotIndex};
use types::{AccountId, TradeGroupId};

use crate::NIL;

/// Number of a seat at one market.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SeatId(pub u32);

/// An account's place at one market.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    pub account: AccountId,
    /// How many orders are open.
    pub open: u32,
    /// Whose orders its orders are to self-trade prevention.
    pub owner: Owner,
    /// Where the engine finds the balances of base and quote; opaque here.
    pub balances: [u32; 2],
    pub(crate) first: u32,
    pub(crate) last: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Seats {
    all: Vec<Seat>,
    by_account: SlotIndex,
}

impl Seats {
    pub fn find(&self, account: AccountId) -> Option<SeatId> {
        self.by_account
            .find(hash(account), |at| self.all[at as usize].account == account)
            .map(SeatId)
    }

    pub fn take(
        &mut self,
        account: AccountId,
        balances: [u32; 2],
        group: Option<TradeGroupId>,
    ) -> SeatId {
        let at = u32::try_from(self.all.len()).expect("fewer seats than the index takes");
        self.all.push(Seat {
            account,
            open: 0,
            owner: owner(SeatId(at), group),
            balances,
            first: NIL,
            last: NIL,
        });
        self.by_account.insert(hash(account), at);
        SeatId(at)
    }

    pub fn get(&self, seat: SeatId) -> &Seat {
        &self.all[seat.0 as usize]
    }

    pub fn get_mut(&mut self, seat: SeatId) -> &mut Seat {
        &mut self.all[seat.0 as usize]
    }

    pub fn iter(&self) -> impl Iterator<Item = (SeatId, &Seat)> {
        (0..).map(SeatId).zip(&self.all)
    }
}

/// Groups are numbered above all seats.
const GROUPS: u32 = 1 << 31;

/// The greatest number that a trade group may have.
pub const MAX_TRADE_GROUP: u32 = GROUPS - 2;

/// Whose orders a seat's orders are: its own, or its trade group's.
#[must_use]
pub fn owner(seat: SeatId, group: Option<TradeGroupId>) -> Owner {
    match group {
        Some(group) => Owner(GROUPS | group.0),
        None => Owner(seat.0),
    }
}

/// Whose orders the orders of an account without a seat are; without a group it owns nothing in the book.
#[must_use]
pub fn owner_without_seat(group: Option<TradeGroupId>) -> Owner {
    owner(SeatId(u32::MAX), group)
}

fn hash(account: AccountId) -> u64 {
    SlotIndex::hash_of(u64::from(account.0))
}
