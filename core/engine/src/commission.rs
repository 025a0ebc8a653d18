//! Commission at a match: the rates of its two parties, and whatever does not simply go from what they receive to the fees account.
//!
//! As long as nothing was ever said of fees, the engine does not come here. Then the rates of each seat are resolved once for each change of
//! rates, and a trade leaves the short path only for volumes, taxes, special rates and the discount asset.
//!
//! The discount asset is paid from what is free *after* the match, and from what the taker does not need any more for the rest of its
//! own order, so that a commission never takes the money of a match to come.

use contract::{Change, Settlement};
use fees::{Charge, Split};
use ledger::Key;
use orders::SeatId;
use protocol::{
    AccountFees, Commission, Discount, Event, Events, FeeSchedule, InstrumentFees, RejectCode,
    SetAccountFees,
};
use types::{AccountId, Amount, AssetId, Decimal, Qty, Rate, Side, Time};

use crate::Engine;
use crate::convert::Ways;
use crate::market::Market;
use crate::place::Plan;

const SCALE: i128 = Decimal::SCALE as i128;

/// What a seat pays, resolved at an epoch of the fees.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SeatRates {
    epoch: u32,
    /// There is more to do than to take a share of what is received.
    cut: bool,
    /// Of buys and of sells, as maker and as taker.
    rates: [[Rate; 2]; 2],
}

impl SeatRates {
    fn of(epoch: u32, commission: &Commission) -> SeatRates {
        let rate = |side| [commission.rate(side, true), commission.rate(side, false)];
        let extra = [&commission.tax, &commission.special];
        SeatRates {
            epoch,
            cut: commission.discounted().is_some() || extra.iter().any(|p| p.highest() > Rate(0)),
            rates: [rate(Side::Buy), rate(Side::Sell)],
        }
    }
}

/// The commission of a match: the rates of maker and taker, and who has to be looked at again after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub rates: [Rate; 2],
    cut: [bool; 2],
}

/// What maker and taker paid, and in which asset.
pub(crate) type Paid = [(Amount, AssetId); 2];

/// One party of a match.
#[derive(Clone, Copy)]
struct Payer {
    account: AccountId,
    side: Side,
    maker: bool,
    /// What it has to keep of the discount asset.
    reserve: Amount,
}

impl Market {
    #[inline]
    fn paid(&self, settlement: &Settlement) -> Paid {
        let legs = self.legs();
        [&settlement.maker, &settlement.taker].map(|c| (c.fee, legs[c.fee_leg as usize]))
    }
}

impl Engine {
    /// The rates of a match between these seats, the taker being on `side`.
    #[inline]
    pub(crate) fn rates(&mut self, at: usize, side: Side, seats: [SeatId; 2]) -> Rates {
        let market = &self.markets[at];
        if market.router == Some(seats[1]) {
            return self.rates_of_router(at, side, seats);
        }
        if self.fees.is_flat() {
            let terms = &market.terms;
            return Rates {
                rates: [terms.maker_fee, terms.taker_fee],
                cut: [false; 2],
            };
        }
        self.resolved_rates(at, side, seats)
    }

    /// The venue pays itself nothing.
    #[cold]
    fn rates_of_router(&mut self, at: usize, side: Side, seats: [SeatId; 2]) -> Rates {
        let mut rates = match self.fees.is_flat() {
            true => Rates {
                rates: [self.markets[at].terms.maker_fee, Rate(0)],
                cut: [false; 2],
            },
            false => self.resolved_rates(at, side, seats),
        };
        rates.rates[1] = Rate(0);
        rates.cut[1] = false;
        rates
    }

    fn resolved_rates(&mut self, at: usize, side: Side, [maker, taker]: [SeatId; 2]) -> Rates {
        let maker = self.seat_rates(at, maker);
        let taker = self.seat_rates(at, taker);
        Rates {
            rates: [
                maker.rates[side.opposite() as usize][0],
                taker.rates[side as usize][1],
            ],
            cut: [maker.cut, taker.cut],
        }
    }

    fn seat_rates(&mut self, at: usize, seat: SeatId) -> SeatRates {
        let epoch = self.fees.epoch();
        let number = seat.0 as usize;
        match self.markets[at].rates.get(number) {
            Some(known) if known.epoch == epoch => *known,
            _ => self.resolve(at, seat),
        }
    }

    #[cold]
    fn resolve(&mut self, at: usize, seat: SeatId) -> SeatRates {
        let market = &mut self.markets[at];
        let account = market.live.seat(seat).account;
        let commission = self.fees.commission(market.spec.instrument(), account);
        let resolved = SeatRates::of(self.fees.epoch(), &commission);
        let number = seat.0 as usize;
        if market.rates.len() <= number {
            market.rates.resize(number + 1, SeatRates::default());
        }
        market.rates[number] = resolved;
        resolved
    }

    /// What an order may still give of the discount asset while it passes through the book.
    pub(crate) fn reserve(&self, plan: &Plan, rest: Qty) -> Amount {
        let market = &self.markets[plan.market];
        let contract = self.registry.contract_at(market.contract);
        let Some(discount) = self.fees.schedule().discount else {
            return Amount::ZERO;
        };
        let gives = |m: &&matching::Match| {
            let transfer = matching::MatchKind::Decremented { transfer: true };
            m.kind == matching::MatchKind::Trade || m.kind == transfer
        };
        let given = self.matches.iter().filter(gives);
        let (qty, notional) = given.fold((0_i64, 0_i128), |(qty, sum), m| {
            let notional = i128::from(m.price.0) * i128::from(m.qty.0);
            (qty.saturating_add(m.qty.0), sum.saturating_add(notional))
        });
        let now = contract.cost(&market.terms, plan.side, Qty(qty), notional);
        if market.legs()[now.leg as usize] != discount.asset {
            return Amount::ZERO;
        }
        match plan.price {
            Some(price) if plan.may_rest() => {
                let later = contract.exposure(&market.terms, plan.side, price, rest);
                now.amount.plus(later.amount)
            }
            _ => now.amount,
        }
    }

    /// What the parties of a match paid, after it was settled by `rates`.
    #[inline]
    pub(crate) fn paid(
        &mut self,
        (time, at, side): (Time, usize, Side),
        seats: [SeatId; 2],
        rates: &Rates,
        settlement: &Settlement,
        reserve: &mut Amount,
    ) -> Paid {
        if self.fees.is_flat() {
            return self.markets[at].paid(settlement);
        }
        self.after_trade((time, at, side), seats, rates, settlement, reserve)
    }

    /// Counts volumes, and cuts the commission of those who pay more than a share of what they
    /// receive. `reserve` is what the taker may still give of the discount asset; it falls by what it gave here.
    #[inline(never)]
    fn after_trade(
        &mut self,
        (time, at, side): (Time, usize, Side),
        seats: [SeatId; 2],
        rates: &Rates,
        settlement: &Settlement,
        reserve: &mut Amount,
    ) -> Paid {
        let market = &self.markets[at];
        let mut paid = market.paid(settlement);
        let accounts = seats.map(|seat| market.live.seat(seat).account);
        if *reserve > Amount::ZERO {
            let given = settlement.taker.legs.iter().map(|leg| leg.0.min(0)).sum();
            *reserve = Amount(reserve.0.saturating_add(given).max(0));
        }
        if self.fees.counts()
            && let Some(value) = self.value(at, side, settlement)
        {
            for account in accounts.into_iter().filter(|account| !account.is_system()) {
                self.fees.count(account, time, value);
            }
        }
        for (party, change) in [&settlement.maker, &settlement.taker]
            .into_iter()
            .enumerate()
        {
            if rates.cut[party] {
                let maker = party == 0;
                let payer = Payer {
                    account: accounts[party],
                    side: if maker { side.opposite() } else { side },
                    maker,
                    reserve: if accounts[party] == accounts[1] {
                        *reserve
                    } else {
                        Amount::ZERO
                    },
                };
                if let Some(other) = self.cut(at, payer, change) {
                    paid[party] = other;
                }
            }
        }
        paid
    }

    /// What a match is worth in the valuation asset.
    fn value(&self, at: usize, side: Side, settlement: &Settlement) -> Option<Amount> {
        let [base, quote] = self.markets[at].legs();
        let valuation = self.fees.schedule().valuation;
        if quote == valuation {
            return Some(settlement.quote);
        }
        if base == valuation {
            return Some(match side {
                Side::Buy => settlement.taker.received,
                Side::Sell => settlement.maker.received,
            });
        }
        let amount = settlement.quote.0.checked_mul(SCALE)?;
        let value = self
            .values
            .worth(quote, amount, &self.assets, &self.markets)?;
        Some(Amount(value.div_euclid(SCALE)))
    }

    /// Cuts one party's commission, which was paid whole to the fees account. Answers what it paid instead, if it paid in another asset.
    fn cut(&mut self, at: usize, payer: Payer, change: &Change) -> Option<(Amount, AssetId)> {
        let market = &self.markets[at];
        let commission = self
            .fees
            .commission(market.spec.instrument(), payer.account);
        let received = market.legs()[change.fee_leg as usize];
        let charge = Charge::of(&commission, payer.side, payer.maker, change.received)?;
        if let Some(discount) = commission.discounted()
            && let Some(split) = self.in_discount_asset(charge, discount, received)
        {
            let key = Key::new(payer.account, market.wallet, discount.asset);
            let refunded = if discount.asset == received {
                change.fee
            } else {
                Amount::ZERO
            };
            let free = self.ledger.balance(key).0.plus(refunded);
            if free.minus(payer.reserve) >= split.whole {
                let own = Key::new(payer.account, market.wallet, received);
                self.pay(own, Amount::ZERO.minus(change.fee), AccountId::FEES);
                self.pay(key, split.fees, AccountId::FEES);
                self.pay(key, split.tax, AccountId::TAXES);
                self.pay(key, split.residue, AccountId::RESIDUE);
                return Some((split.whole, discount.asset));
            }
        }
        let split = charge.split()?;
        debug_assert_eq!(split.whole, change.fee, "the whole is what was taken");
        let fees = Key::new(AccountId::FEES, market.wallet, received);
        self.pay(fees, split.tax, AccountId::TAXES);
        self.pay(fees, split.residue, AccountId::RESIDUE);
        None
    }

    /// The discounted commission; `None` when there is no price to reckon it by.
    fn in_discount_asset(
        &self,
        charge: Charge,
        discount: Discount,
        received: AssetId,
    ) -> Option<Split> {
        charge
            .discounted(discount.share)?
            .converted(|part| {
                self.discounts
                    .worth(received, part, &self.assets, &self.markets)
            })?
            .split()
    }

    /// Moves an amount between two accounts' balances of one asset, back when it is negative.
    fn pay(&mut self, from: Key, amount: Amount, to: AccountId) {
        if amount == Amount::ZERO {
            return;
        }
        let to = self.ledger.open(Key::new(to, from.wallet, from.asset));
        let from = self.ledger.open(from);
        if amount > Amount::ZERO {
            self.ledger.transfer(from, to, amount);
        } else {
            self.ledger.transfer(to, from, Amount::ZERO.minus(amount));
        }
    }

    /// What a new listing or schedule changes about the ways between assets.
    pub(crate) fn find_ways(&mut self) {
        let schedule = self.fees.schedule();
        let discount = schedule.discount.map_or(AssetId(0), |d| d.asset);
        let valuation = schedule.valuation;
        self.discounts = Ways::new(discount, self.assets.len(), &self.markets);
        self.values = Ways::new(valuation, self.assets.len(), &self.markets);
    }

    /// # Errors
    /// `UnknownAsset`, `InvalidFees`.
    pub(crate) fn check_fees(&self, schedule: &FeeSchedule) -> Result<(), RejectCode> {
        self.check_fee_assets(schedule)?;
        self.fees.check_schedule(schedule)
    }

    /// The discount asset exists, and the valuation asset exactly when there are tiers.
    pub(crate) fn check_fee_assets(&self, schedule: &FeeSchedule) -> Result<(), RejectCode> {
        let known = |asset| self.asset(asset).is_some();
        let discount = schedule.discount.is_none_or(|d| known(d.asset));
        let valuation = match schedule.tiers.is_empty() {
            true => schedule.valuation == AssetId(0),
            false => known(schedule.valuation),
        };
        (discount && valuation)
            .then_some(())
            .ok_or(RejectCode::UnknownAsset)
    }

    pub(crate) fn act_fees(&mut self, time: Time, schedule: &FeeSchedule, out: &mut Events) {
        out.push(Event::FeesChanged(Box::new(schedule.clone())));
        self.fees.set_schedule(schedule.clone(), time, |account| {
            out.push(Event::AccountFeesChanged(account));
        });
        self.find_ways();
    }

    pub(crate) fn act_instrument_fees(&mut self, fees: &InstrumentFees, out: &mut Events) {
        let (maker, taker) = (fees.standard.maker, fees.standard.taker);
        let market = self
            .market_mut(fees.instrument)
            .expect("the instrument was checked");
        let now = market.spec.instrument();
        if (now.maker_fee, now.taker_fee) != (maker, taker) {
            market.set_rates(maker, taker);
            let changed = market.spec.instrument().clone();
            out.push(Event::InstrumentChanged(Box::new(changed)));
        }
        self.fees.set_instrument(*fees);
        out.push(Event::InstrumentFeesChanged(Box::new(*fees)));
    }

    pub(crate) fn act_account_fees(&mut self, c: &SetAccountFees, out: &mut Events) {
        out.push(Event::AccountFeesChanged(self.fees.set_account(c)));
    }

    /// Gives some accounts the tier of the day that has begun.
    pub(crate) fn roll_fees(&mut self, time: Time, budget: u32, out: &mut Events) {
        self.fees.roll(time, budget, |account: AccountFees| {
            out.push(Event::AccountFeesChanged(account));
        });
    }
}
