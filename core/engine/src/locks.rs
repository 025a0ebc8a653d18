//! What others than our own orders hold of a balance: a part of the spot wallet that the world outside has locked, collateral for example.
//!
//! A lock is a hold that no order explains. It is counted here, so that the audit can tell it from one that was forgotten.

use ledger::Key;
use protocol::{BalanceLock, Event, Events, RejectCode, Wire};
use types::{AccountId, Amount, AssetId, Wallet};

use crate::Engine;
use crate::snapshot::Corrupt;

impl Engine {
    pub(crate) fn check_lock(&self, c: &BalanceLock) -> Result<(), RejectCode> {
        if !self.is_user(c.account) {
            return Err(RejectCode::UnknownAccount);
        }
        self.asset(c.asset).ok_or(RejectCode::UnknownAsset)?;
        let locked = self.locked(c.account, c.asset);
        let free = self.ledger.balance(spot(c.account, c.asset)).0;
        if c.delta == Amount::ZERO || c.delta < Amount::ZERO.minus(locked) {
            return Err(RejectCode::InvalidAmount);
        }
        if c.delta > free {
            return Err(RejectCode::InsufficientBalance);
        }
        Ok(())
    }

    pub(crate) fn act_lock(&mut self, c: &BalanceLock, out: &mut Events) {
        let at = self.ledger.open(spot(c.account, c.asset));
        if c.delta > Amount::ZERO {
            self.ledger.hold(at, c.delta);
        } else {
            self.ledger.release(at, Amount::ZERO.minus(c.delta));
        }
        let locked = self.locked(c.account, c.asset).plus(c.delta);
        match locked {
            Amount::ZERO => self.locks.remove(&(c.account, c.asset)),
            _ => self.locks.insert((c.account, c.asset), locked),
        };
        out.push(Event::BalanceLocked(*c));
    }

    /// How much of an asset is locked from outside.
    fn locked(&self, account: AccountId, asset: AssetId) -> Amount {
        let locked = self.locks.get(&(account, asset));
        locked.copied().unwrap_or(Amount::ZERO)
    }

    /// What the locks hold, for the audit.
    pub(crate) fn locked_holds(&self) -> impl Iterator<Item = (Key, i128)> {
        let holds = self.locks.iter();
        holds.map(|((account, asset), locked)| (spot(*account, *asset), locked.0))
    }

    /// The snapshot's section of locks; `None` when there are none.
    pub(crate) fn put_locks(&self) -> Option<Vec<u8>> {
        if self.locks.is_empty() {
            return None;
        }
        let mut bytes = Vec::new();
        let count = u32::try_from(self.locks.len()).expect("counts fit 32 bits");
        count.put(&mut bytes);
        for ((account, asset), locked) in &self.locks {
            account.put(&mut bytes);
            asset.put(&mut bytes);
            locked.put(&mut bytes);
        }
        Some(bytes)
    }

    pub(crate) fn take_locks(&mut self, input: &mut &[u8]) -> Result<(), Corrupt> {
        let corrupt = |what: &str| Err(Corrupt(what.to_owned()));
        let count = u32::take(input)?;
        if count == 0 {
            return corrupt("a section of locks that says nothing");
        }
        for _ in 0..count {
            let key = (AccountId::take(input)?, AssetId::take(input)?);
            let locked = Amount::take(input)?;
            let rises = self
                .locks
                .last_key_value()
                .is_none_or(|(last, _)| *last < key);
            if !rises || locked <= Amount::ZERO {
                return corrupt("locks out of order");
            }
            self.locks.insert(key, locked);
        }
        Ok(())
    }
}

fn spot(account: AccountId, asset: AssetId) -> Key {
    Key::new(account, Wallet::SPOT, asset)
}
