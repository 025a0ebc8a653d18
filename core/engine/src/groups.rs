//! Trade groups: accounts whose orders self-trade prevention takes for one party's.
//!
//! The book tells parties apart by [`matching::Owner`]. When an account changes its group, its open orders change their owner and keep
//! their places; what rests never crosses, so that nothing else follows.

use matching::{Book, Owner};
use orders::{MAX_TRADE_GROUP, SeatId};
use protocol::{Event, Events, RejectCode, SetTradeGroup, Wire};
use types::{AccountId, TradeGroupId};

use crate::Engine;
use crate::market::Market;
use crate::snapshot::Corrupt;

impl Market {
    /// Whose orders a seat's are, to self-trade prevention.
    #[inline]
    pub fn owner(&self, seat: SeatId) -> Owner {
        self.live.seat(seat).owner
    }

    /// Makes an account's orders those of a group, or its own.
    fn regroup(&mut self, account: AccountId, group: Option<TradeGroupId>) {
        let Some(seat) = self.live.seat_of(account) else {
            return;
        };
        let owner = orders::owner(seat, group);
        self.live.set_owner(seat, owner);
        let mut next = self.live.first_of(seat);
        while let Some(slot) = next {
            if let Some(at) = self.book.find(self.live.get(slot).id) {
                self.book.assign(at, owner);
            }
            next = self.live.next_of(slot);
        }
    }
}

impl Engine {
    /// The trade group that an account belongs to.
    pub(crate) fn group(&self, account: AccountId) -> Option<TradeGroupId> {
        self.groups.get(&account).copied()
    }

    pub(crate) fn check_group(&self, c: &SetTradeGroup) -> Result<(), RejectCode> {
        if !self.is_user(c.account) {
            return Err(RejectCode::UnknownAccount);
        }
        match c.group {
            Some(group) if group.0 > MAX_TRADE_GROUP => Err(RejectCode::InvalidTradeGroup),
            _ => Ok(()),
        }
    }

    pub(crate) fn act_group(&mut self, c: &SetTradeGroup, out: &mut Events) {
        self.set_group(c);
        out.push(Event::TradeGroupChanged(*c));
    }

    fn set_group(&mut self, c: &SetTradeGroup) {
        match c.group {
            Some(group) => self.groups.insert(c.account, group),
            None => self.groups.remove(&c.account),
        };
        for market in &mut self.markets {
            market.regroup(c.account, c.group);
        }
    }

    /// What the account's group is, by number.
    pub(crate) fn tell_groups(&self, out: &mut dyn FnMut(Event)) {
        for (account, group) in &self.groups {
            out(Event::TradeGroupChanged(SetTradeGroup {
                account: *account,
                group: Some(*group),
            }));
        }
    }

    /// The snapshot's section of trade groups, behind all markets.
    pub(crate) fn read_groups(&mut self, input: &mut &[u8]) -> Result<(), Corrupt> {
        let count = u32::take(input)?;
        let mut previous = AccountId(0);
        for _ in 0..count {
            let account = AccountId::take(input)?;
            let group = Some(TradeGroupId::take(input)?);
            let set = SetTradeGroup { account, group };
            if account <= previous || self.check_group(&set).is_err() {
                return Err(Corrupt("trade groups out of order".to_owned()));
            }
            previous = account;
            self.set_group(&set);
        }
        if count == 0 {
            return Err(Corrupt(
                "a section of trade groups that says nothing".to_owned(),
            ));
        }
        Ok(())
    }

    /// Every seat's orders are those of its account's group?
    pub(crate) fn audit_groups(&self) -> Result<(), String> {
        for market in &self.markets {
            for (id, seat) in market.live.seats() {
                if seat.owner != orders::owner(id, self.group(seat.account)) {
                    return Err(format!(
                        "account {} is not of the trade group that its orders are of",
                        seat.account
                    ));
                }
            }
        }
        Ok(())
    }
}
