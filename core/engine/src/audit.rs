//! The full audit: money adds up, holds are what open orders and nothing else need, books are uncrossed and consistent.

use std::collections::BTreeMap;

use contract::{Contract, pool};
use ledger::Key;
use matching::Book;
use types::{Amount, Side, Wallet};

use crate::market::Market;
use crate::{Engine, Violation};

impl Engine {
    /// # Errors
    /// The first violation found.
    pub fn audit(&self) -> Result<(), Violation> {
        self.ledger.audit().map_err(|e| Violation(e.to_string()))?;
        let mut holds: BTreeMap<Key, i128> = self.locked_holds().collect();
        for market in &self.markets {
            let symbol = &market.spec.instrument().symbol;
            let named = |e: String| Violation(format!("{symbol}: {e}"));
            market.book.audit().map_err(named)?;
            market.live.audit(market.book.len()).map_err(named)?;
            market.waiting.audit().map_err(named)?;
            let contract = self.registry.contract_at(market.contract);
            audit_orders(market, contract, &mut holds).map_err(named)?;
            market
                .audit_lists(self.last_list, &mut holds)
                .map_err(named)?;
        }
        let reached: usize = self.markets.iter().map(|m| m.waiting.queue().len()).sum();
        if reached != self.reached {
            return Err(Violation(format!(
                "{reached} conditional orders may act and {} are counted",
                self.reached
            )));
        }
        self.fees
            .audit(self.accounts_end, |id| {
                self.market(id).ok().map(|m| m.spec.instrument())
            })
            .map_err(Violation)?;
        self.audit_groups().map_err(Violation)?;
        self.audit_holds(holds)?;
        self.audit_claims()
    }

    fn audit_holds(&self, mut holds: BTreeMap<Key, i128>) -> Result<(), Violation> {
        for (key, _, held) in self.ledger.sorted() {
            let needed = holds.remove(&key).unwrap_or(0);
            if held.0 != needed {
                return Err(Violation(format!(
                    "account {} holds {held} atoms of asset {} and its open orders need {needed}",
                    key.account, key.asset
                )));
            }
        }
        match holds.into_iter().find(|(_, needed)| *needed != 0) {
            Some((key, needed)) => Err(Violation(format!(
                "account {} holds nothing of asset {} and its open orders need {needed}",
                key.account, key.asset
            ))),
            None => Ok(()),
        }
    }

    fn audit_claims(&self) -> Result<(), Violation> {
        for product in self.registry.products() {
            let mut claims: BTreeMap<_, Amount> = BTreeMap::new();
            for (asset, amount) in product.claims() {
                let sum = claims.entry(asset).or_default();
                *sum = sum.plus(amount);
            }
            let account = pool(product.id());
            for (key, free, held) in self.ledger.sorted() {
                if key.account != account {
                    continue;
                }
                let claimed = claims.remove(&key.asset).unwrap_or_default();
                if key.wallet != Wallet::SPOT || free.plus(held) != claimed {
                    return Err(Violation(format!(
                        "product {} has {free} atoms of asset {} in its pool and claims of {claimed}",
                        product.id(),
                        key.asset
                    )));
                }
            }
            if let Some((asset, claimed)) = claims.into_iter().find(|(_, c)| *c != Amount::ZERO) {
                return Err(Violation(format!(
                    "product {} has claims of {claimed} atoms of asset {asset} and none in its pool",
                    product.id()
                )));
            }
        }
        Ok(())
    }
}

/// Both halves of each order agree; adds up what they hold.
fn audit_orders(
    market: &Market,
    contract: &dyn Contract,
    holds: &mut BTreeMap<Key, i128>,
) -> Result<(), String> {
    let mut wrong = None;
    for side in [Side::Buy, Side::Sell] {
        market.book.each(side, &mut |at, resting| {
            let live = market.live.get(at.slot);
            let open = live.qty.0 - live.executed.0 - live.prevented.0;
            if live.id != resting.id
                || market.owner(live.seat) != resting.owner
                || open != resting.open.0
                || live.id.0 > market.last_order
            {
                wrong = Some(format!("the halves of order {} disagree", live.id));
            }
            let hold = contract.exposure(&market.terms, side, resting.price, resting.open);
            let account = market.live.seat(live.seat).account;
            let key = Key::new(account, market.wallet, market.legs()[hold.leg as usize]);
            *holds.entry(key).or_default() += hold.amount.0;
        });
    }
    for waiting in market.waiting.iter() {
        let account = market.live.seat(waiting.seat).account;
        if waiting.order.account != account || waiting.order.id.0 > market.last_order {
            wrong = Some(format!("waiting order {} disagrees", waiting.order.id));
        }
        let (leg, amount) = waiting.hold;
        let key = Key::new(account, market.wallet, market.legs()[usize::from(leg)]);
        *holds.entry(key).or_default() += amount.0;
    }
    if let Some(id) = market
        .pegs
        .keys()
        .find(|id| market.book.find(**id).is_none())
    {
        wrong = Some(format!("order {id} is pegged and not in the book"));
    }
    let conditional = |id| market.book.find(id).is_some();
    if let Some(id) = market.conditions.keys().find(|id| !conditional(**id)) {
        wrong = Some(format!("order {id} has a condition and is not in the book"));
    }
    wrong.map_or(Ok(()), Err)
}
