//! Balances by sums of one's own.

use std::collections::BTreeMap;

use protocol::{BalanceChanged, Instrument, Traded};
use types::{AccountId, AssetId, Decimal, Side, Wallet};

type Key = (AccountId, Wallet, AssetId);

/// In atoms. A balance's total is known by fills, commission and transfers before the exchange tells it.
#[derive(Clone, Debug, Default)]
pub struct Money {
    precision: BTreeMap<AssetId, u8>,
    /// Free and held, as told.
    told: BTreeMap<Key, (i128, i128)>,
    /// By how much totals should have moved in this record.
    due: BTreeMap<Key, i128>,
    /// Commission of this record by asset: where it goes among the venue's accounts is the venue's affair.
    commission: BTreeMap<AssetId, i128>,
}

impl Money {
    pub fn asset(&mut self, asset: AssetId, precision: u8) {
        self.precision.insert(asset, precision);
    }

    pub fn begin(&mut self) {
        self.due.clear();
        self.commission.clear();
    }

    pub fn move_to(&mut self, key: Key, delta: i128) {
        *self.due.entry(key).or_default() += delta;
    }

    pub fn traded(&mut self, instrument: &Instrument, e: &Traded) {
        let unit = 10i128.pow(u32::from(self.precision[&instrument.base]));
        let base = i128::from(e.qty.0) * unit / i128::from(Decimal::SCALE);
        let (buyer, seller) = match e.aggressor_side {
            Side::Buy => (e.taker.account, e.maker.account),
            Side::Sell => (e.maker.account, e.taker.account),
        };
        for (account, sign) in [(buyer, 1), (seller, -1)] {
            self.move_to((account, Wallet::SPOT, instrument.base), sign * base);
            self.move_to((account, Wallet::SPOT, instrument.quote), -sign * e.quote.0);
        }
        for party in [&e.maker, &e.taker] {
            let key = (party.account, Wallet::SPOT, party.fee_asset);
            self.move_to(key, -party.fee.0);
            *self.commission.entry(party.fee_asset).or_default() += party.fee.0;
        }
    }

    pub fn changed(&mut self, e: &BalanceChanged) -> Result<(), String> {
        let key = (e.account, e.wallet, e.asset);
        let before = self
            .told
            .insert(key, (e.free.0, e.held.0))
            .unwrap_or_default();
        let delta = e.free.0 + e.held.0 - before.0 - before.1;
        if e.account != AccountId::TREASURY && (e.free.0 < 0 || e.held.0 < 0) {
            return Err(format!("a balance is below zero: {e:?}"));
        }
        if e.account.is_system() && e.account != AccountId::TREASURY {
            *self.commission.entry(e.asset).or_default() -= delta;
            if let Some(due) = self.due.remove(&key) {
                *self.commission.entry(e.asset).or_default() += due;
            }
            return Ok(());
        }
        let due = self.due.remove(&key).unwrap_or_default();
        if delta != due {
            return Err(format!("{key:?} moved by {delta}, and should by {due}"));
        }
        Ok(())
    }

    /// What was due was told, and every asset sums to zero.
    pub fn end(&mut self) -> Result<(), String> {
        if let Some((key, due)) = self.due.iter().find(|(_, due)| **due != 0) {
            return Err(format!("{key:?} should have moved by {due}"));
        }
        if let Some((asset, rest)) = self.commission.iter().find(|(_, rest)| **rest != 0) {
            return Err(format!("{rest} of the commission in {asset:?} went astray"));
        }
        let mut sums: BTreeMap<AssetId, i128> = BTreeMap::new();
        for ((_, _, asset), (free, held)) in &self.told {
            *sums.entry(*asset).or_default() += free + held;
        }
        match sums.iter().find(|(_, sum)| **sum != 0) {
            Some((asset, sum)) => Err(format!("{asset:?} sums to {sum}")),
            None => Ok(()),
        }
    }

    pub fn same(&self, e: &BalanceChanged) -> Result<(), String> {
        let key = (e.account, e.wallet, e.asset);
        let told = self.told.get(&key).copied().unwrap_or_default();
        match told == (e.free.0, e.held.0) {
            true => Ok(()),
            false => Err(format!("{key:?} was told as {told:?} and is {e:?}")),
        }
    }
}
