use core::fmt;

use ledger::{Key, Ledger};
use protocol::{Event, Events, RejectCode, Transferred};
use types::{AccountId, Amount, AssetId, ProductId, Seq, Time, Wallet};

use crate::pool;

/// What a product's handler may see and do: the moment, its actor's money and its own pool's. It debits only these two and may credit
/// anyone.
pub struct Cx<'a> {
    pub seq: Seq,
    pub time: Time,
    product: ProductId,
    /// Nobody when work has fallen due by itself.
    actor: Option<AccountId>,
    accounts_end: AccountId,
    ledger: &'a mut Ledger,
    out: &'a mut Events,
}

impl fmt::Debug for Cx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx")
            .field("product", &self.product)
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}

impl<'a> Cx<'a> {
    /// For the engine. `accounts_end` is the first account number that is not open.
    #[must_use]
    pub fn new(
        (seq, time): (Seq, Time),
        product: ProductId,
        actor: Option<AccountId>,
        accounts_end: AccountId,
        ledger: &'a mut Ledger,
        out: &'a mut Events,
    ) -> Cx<'a> {
        Cx {
            seq,
            time,
            product,
            actor,
            accounts_end,
            ledger,
            out,
        }
    }

    /// What is free in a wallet of the actor.
    #[must_use]
    pub fn free(&self, wallet: Wallet, asset: AssetId) -> Amount {
        self.actor.map_or(Amount::ZERO, |actor| {
            self.ledger.balance(Key::new(actor, wallet, asset)).0
        })
    }

    /// What lies in the product's pool.
    #[must_use]
    pub fn pooled(&self, asset: AssetId) -> Amount {
        self.ledger
            .balance(Key::new(pool(self.product), Wallet::SPOT, asset))
            .0
    }

    /// Moves free money of the actor into the pool.
    ///
    /// # Errors
    /// `InvalidAmount`, `NotPermitted` when there is no actor, `InsufficientBalance`.
    pub fn collect(
        &mut self,
        wallet: Wallet,
        asset: AssetId,
        amount: Amount,
    ) -> Result<(), RejectCode> {
        let actor = self.actor.ok_or(RejectCode::NotPermitted)?;
        if amount <= Amount::ZERO {
            return Err(RejectCode::InvalidAmount);
        }
        if self.free(wallet, asset) < amount {
            return Err(RejectCode::InsufficientBalance);
        }
        let from = Key::new(actor, wallet, asset);
        self.transfer(
            from,
            Key::new(pool(self.product), Wallet::SPOT, asset),
            amount,
        );
        Ok(())
    }

    /// Moves money of the pool to anyone.
    ///
    /// # Errors
    /// `InvalidAmount`, `UnknownAccount`, `InsufficientBalance` when the pool holds less.
    pub fn pay(
        &mut self,
        to: AccountId,
        wallet: Wallet,
        asset: AssetId,
        amount: Amount,
    ) -> Result<(), RejectCode> {
        if amount <= Amount::ZERO {
            return Err(RejectCode::InvalidAmount);
        }
        if to.is_system() || to >= self.accounts_end {
            return Err(RejectCode::UnknownAccount);
        }
        if self.pooled(asset) < amount {
            return Err(RejectCode::InsufficientBalance);
        }
        let from = Key::new(pool(self.product), Wallet::SPOT, asset);
        self.transfer(from, Key::new(to, wallet, asset), amount);
        Ok(())
    }

    fn transfer(&mut self, from: Key, to: Key, amount: Amount) {
        let (source, sink) = (self.ledger.open(from), self.ledger.open(to));
        self.ledger.transfer(source, sink, amount);
        for (key, delta) in [(from, Amount::ZERO.minus(amount)), (to, amount)] {
            self.out.push(Event::Transferred(Transferred {
                account: key.account,
                wallet: key.wallet,
                asset: key.asset,
                delta,
            }));
        }
    }
}
