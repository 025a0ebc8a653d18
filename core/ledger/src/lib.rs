//! Who owns what: balances by (account, wallet, asset), changed by postings and holds, every asset summing to zero.
//!
//! * Unit: atoms of the asset ([`Amount`]). Nothing is rounded here.
//! * A balance is `free + held`; a hold moves an amount from free to held and a release moves it back.
//! * Only [`AccountId::TREASURY`] may go below zero: it is the other side of all funding. Any other overdraft is a defect of the caller,
//!   which has to check affordability first, and panics.
//! * No asset's supply exceeds [`SUPPLY_LIMIT`], so that no sum and no product with a fee rate can overflow.
//! * A balance, once opened, keeps its [`BalanceRef`] for the life of the process; balances of zero are no part of the logical state.
//! * Within a record the ledger remembers what each touched balance was before, to tell the changes at the end, or to undo them.
//!
//! Nothing allocates once the tables have reached their size.

use core::fmt;

use hashbrown::HashTable;
use protocol::BalanceChanged;
use types::{AccountId, Amount, AssetId, Wallet};

/// No more of one asset than this ever exists: 10³⁰ atoms.
pub const SUPPLY_LIMIT: Amount = Amount(1_000_000_000_000_000_000_000_000_000_000);

/// What a balance is found by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    pub account: AccountId,
    pub wallet: Wallet,
    pub asset: AssetId,
}

impl Key {
    #[must_use]
    pub const fn new(account: AccountId, wallet: Wallet, asset: AssetId) -> Key {
        Key {
            account,
            wallet,
            asset,
        }
    }

    fn hash(self) -> u64 {
        let high = u64::from(self.account.0) << 32 | u64::from(self.asset.0);
        let mixed =
            (high ^ u64::from(self.wallet.0).rotate_left(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }
}

/// Where a balance stands; valid for this ledger only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BalanceRef(u32);

impl BalanceRef {
    /// A reference to no balance.
    pub const NONE: BalanceRef = BalanceRef(u32::MAX);

    /// As a number, for whoever stores it.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// From [`BalanceRef::number`].
    #[must_use]
    pub const fn from_number(number: u32) -> BalanceRef {
        BalanceRef(number)
    }
}

struct Entry {
    key: Key,
    /// The record that touched it last.
    stamp: u32,
    free: i128,
    held: i128,
}

/// A balance as it was before the current record.
struct Before {
    at: u32,
    free: i128,
    held: i128,
}

/// What an audit found wrong with the money.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Imbalance {
    /// The balances of an asset do not sum to zero but to this.
    Sum(AssetId, Amount),
    Negative(Key, Amount, Amount),
    /// More than [`SUPPLY_LIMIT`].
    Beyond(Key),
}

impl fmt::Display for Imbalance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Imbalance::Sum(asset, sum) => {
                write!(f, "asset {asset} sums to {sum} atoms instead of zero")
            }
            Imbalance::Negative(key, free, held) => write!(
                f,
                "account {} has {free} free and {held} held of asset {} in wallet {}: neither may be negative",
                key.account, key.asset, key.wallet.0
            ),
            Imbalance::Beyond(key) => write!(
                f,
                "account {} has more of asset {} in wallet {} than there may be of any",
                key.account, key.asset, key.wallet.0
            ),
        }
    }
}

/// All balances.
#[derive(Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    index: HashTable<u32>,
    touched: Vec<Before>,
    stamp: u32,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("balances", &self.entries.len())
            .finish_non_exhaustive()
    }
}

impl Ledger {
    #[must_use]
    pub fn new() -> Ledger {
        Ledger {
            stamp: 1,
            ..Ledger::default()
        }
    }

    #[must_use]
    pub fn find(&self, key: Key) -> Option<BalanceRef> {
        self.index
            .find(key.hash(), |at| self.entries[*at as usize].key == key)
            .map(|at| BalanceRef(*at))
    }

    /// Finds the balance or opens it at zero.
    ///
    /// # Panics
    /// Beyond 2³² balances.
    pub fn open(&mut self, key: Key) -> BalanceRef {
        if let Some(found) = self.find(key) {
            return found;
        }
        let at = u32::try_from(self.entries.len()).expect("more balances than 32 bits count");
        self.entries.push(Entry {
            key,
            stamp: 0,
            free: 0,
            held: 0,
        });
        let entries = &self.entries;
        self.index
            .insert_unique(key.hash(), at, |at| entries[*at as usize].key.hash());
        BalanceRef(at)
    }

    #[must_use]
    pub fn free(&self, at: BalanceRef) -> Amount {
        Amount(self.entries[at.0 as usize].free)
    }

    #[must_use]
    pub fn held(&self, at: BalanceRef) -> Amount {
        Amount(self.entries[at.0 as usize].held)
    }

    /// Free and held by key; zero when the balance was never opened.
    #[must_use]
    pub fn balance(&self, key: Key) -> (Amount, Amount) {
        self.find(key).map_or((Amount::ZERO, Amount::ZERO), |at| {
            (self.free(at), self.held(at))
        })
    }

    /// Begins a record: from here on changes are remembered.
    pub fn begin(&mut self) {
        self.touched.clear();
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            // once in four billion records: old stamps would look like new ones
            for entry in &mut self.entries {
                entry.stamp = 0;
            }
            self.stamp = 1;
        }
    }

    #[inline]
    fn touch(&mut self, at: BalanceRef) -> &mut Entry {
        let entry = &mut self.entries[at.0 as usize];
        if entry.stamp != self.stamp {
            entry.stamp = self.stamp;
            self.touched.push(Before {
                at: at.0,
                free: entry.free,
                held: entry.held,
            });
        }
        entry
    }

    /// Adds a signed amount to the free balance. The caller posts the other side.
    ///
    /// # Panics
    /// When any account but the treasury would be overdrawn.
    #[inline]
    pub fn post(&mut self, at: BalanceRef, delta: Amount) {
        let entry = self.touch(at);
        entry.free += delta.0;
        assert!(
            entry.free >= 0 || entry.key.account == AccountId::TREASURY,
            "overdraft: {:?} would have {} free",
            entry.key,
            entry.free
        );
    }

    /// Moves an amount from free to held.
    ///
    /// # Panics
    /// When less is free, or the amount is negative.
    #[inline]
    pub fn hold(&mut self, at: BalanceRef, amount: Amount) {
        let entry = self.touch(at);
        assert!(
            amount.0 >= 0 && entry.free >= amount.0,
            "hold of {amount} beyond the {} free of {:?}",
            entry.free,
            entry.key
        );
        entry.free -= amount.0;
        entry.held += amount.0;
    }

    /// Moves an amount from held back to free.
    ///
    /// # Panics
    /// When less is held, or the amount is negative.
    #[inline]
    pub fn release(&mut self, at: BalanceRef, amount: Amount) {
        let entry = self.touch(at);
        assert!(
            amount.0 >= 0 && entry.held >= amount.0,
            "release of {amount} beyond the {} held of {:?}",
            entry.held,
            entry.key
        );
        entry.free += amount.0;
        entry.held -= amount.0;
    }

    /// Moves a free amount between two balances of one asset.
    ///
    /// # Panics
    /// As [`Ledger::post`], or when the assets differ.
    pub fn transfer(&mut self, from: BalanceRef, to: BalanceRef, amount: Amount) {
        assert_eq!(
            self.entries[from.0 as usize].key.asset, self.entries[to.0 as usize].key.asset,
            "a transfer has one asset"
        );
        self.post(from, Amount::ZERO.minus(amount));
        self.post(to, amount);
    }

    /// Tells each balance that the record changed, in the order in which they were first touched.
    pub fn changes(&self, mut tell: impl FnMut(BalanceChanged)) {
        for before in &self.touched {
            let entry = &self.entries[before.at as usize];
            if entry.free != before.free || entry.held != before.held {
                tell(BalanceChanged {
                    account: entry.key.account,
                    wallet: entry.key.wallet,
                    asset: entry.key.asset,
                    free: Amount(entry.free),
                    held: Amount(entry.held),
                });
            }
        }
    }

    /// Undoes every change since [`Ledger::begin`].
    pub fn undo(&mut self) {
        for before in self.touched.drain(..) {
            let entry = &mut self.entries[before.at as usize];
            entry.free = before.free;
            entry.held = before.held;
            entry.stamp = 0;
        }
    }

    /// Sets a balance while a snapshot is being read.
    pub fn restore(&mut self, key: Key, free: Amount, held: Amount) {
        let at = self.open(key);
        let entry = &mut self.entries[at.0 as usize];
        entry.free = free.0;
        entry.held = held.0;
    }

    /// Every balance that is not zero, by key.
    #[must_use]
    pub fn sorted(&self) -> Vec<(Key, Amount, Amount)> {
        let mut all: Vec<_> = self
            .entries
            .iter()
            .filter(|e| e.free != 0 || e.held != 0)
            .map(|e| (e.key, Amount(e.free), Amount(e.held)))
            .collect();
        all.sort_unstable_by_key(|(key, ..)| *key);
        all
    }

    /// # Errors
    /// The first asset that does not sum to zero, or balance that is negative without being the treasury's.
    pub fn audit(&self) -> Result<(), Imbalance> {
        let mut sums: std::collections::BTreeMap<AssetId, i128> = std::collections::BTreeMap::new();
        for entry in &self.entries {
            let treasury = entry.key.account == AccountId::TREASURY;
            if entry.held < 0 || (entry.free < 0 && !treasury) {
                return Err(Imbalance::Negative(
                    entry.key,
                    Amount(entry.free),
                    Amount(entry.held),
                ));
            }
            // as a snapshot may say: the sums below would not fit
            if entry.held > SUPPLY_LIMIT.0
                || entry.free.unsigned_abs() > SUPPLY_LIMIT.0.unsigned_abs()
            {
                return Err(Imbalance::Beyond(entry.key));
            }
            *sums.entry(entry.key.asset).or_default() += entry.free + entry.held;
        }
        match sums.into_iter().find(|(_, sum)| *sum != 0) {
            Some((asset, sum)) => Err(Imbalance::Sum(asset, Amount(sum))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: AccountId = AccountId(1001);
    const BTC: AssetId = AssetId(1);

    fn key(account: AccountId) -> Key {
        Key::new(account, Wallet::SPOT, BTC)
    }

    /// Found by fuzzing snapshots: the sum overflowed.
    #[test]
    fn more_than_there_may_be_is_found_before_it_is_added_up() {
        let mut ledger = Ledger::new();
        let huge = Amount(i128::MAX);
        ledger.restore(key(A), huge, huge);
        assert_eq!(ledger.audit(), Err(Imbalance::Beyond(key(A))));
    }

    fn funded(amount: i128) -> (Ledger, BalanceRef) {
        let mut ledger = Ledger::new();
        let treasury = ledger.open(key(AccountId::TREASURY));
        let user = ledger.open(key(A));
        ledger.begin();
        ledger.transfer(treasury, user, Amount(amount));
        (ledger, user)
    }

    #[test]
    fn funding_sums_to_zero_and_holds_move_within_a_balance() {
        let (mut ledger, user) = funded(100);
        ledger.hold(user, Amount(60));
        ledger.release(user, Amount(10));
        assert_eq!(ledger.balance(key(A)), (Amount(50), Amount(50)));
        assert_eq!(ledger.audit(), Ok(()));
    }

    #[test]
    fn a_change_is_told_once_with_the_last_state_and_only_if_something_changed() {
        let (mut ledger, user) = funded(100);
        ledger.begin();
        ledger.hold(user, Amount(60));
        ledger.release(user, Amount(60));
        let mut told = Vec::new();
        ledger.changes(|change| told.push(change));
        assert!(told.is_empty());
        ledger.hold(user, Amount(1));
        ledger.changes(|change| told.push(change));
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].free, told[0].held), (Amount(99), Amount(1)));
    }

    #[test]
    fn undo_restores_every_balance_of_the_record() {
        let (mut ledger, user) = funded(100);
        let before = ledger.sorted();
        ledger.begin();
        ledger.hold(user, Amount(60));
        let other = ledger.open(key(AccountId(1002)));
        ledger.transfer(user, other, Amount(40));
        ledger.undo();
        assert_eq!(ledger.sorted(), before);
        let mut told = 0;
        ledger.changes(|_| told += 1);
        assert_eq!(told, 0);
    }

    #[test]
    #[should_panic(expected = "overdraft")]
    fn nobody_but_the_treasury_is_overdrawn() {
        let (mut ledger, user) = funded(100);
        ledger.post(user, Amount(-101));
    }

    #[test]
    #[should_panic(expected = "beyond")]
    fn a_hold_beyond_the_free_amount_is_a_defect() {
        let (mut ledger, user) = funded(100);
        ledger.hold(user, Amount(101));
    }

    #[test]
    fn an_audit_finds_money_from_nowhere() {
        let (mut ledger, user) = funded(100);
        ledger.post(user, Amount(1));
        assert_eq!(ledger.audit(), Err(Imbalance::Sum(BTC, Amount(1))));
    }
}
