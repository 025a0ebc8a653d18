//! Commission, by searching everything every time.

use std::collections::BTreeMap;

use protocol::{
    AccountFees, Admin, Discount, Event, Events, FeeParts, FeeSchedule, InstrumentFees, RejectCode,
    Reply, TierRule,
};
use types::{AccountId, AssetId, InstrumentId, Rate, Side, Time, Wallet};

use super::{Naive, SCALE};

const DAY_US: i64 = 86_400_000_000;

fn day_of(time: Time) -> i64 {
    time.0.div_euclid(DAY_US)
}

/// All that was said of fees, and every trade since there are tiers.
#[derive(Clone, Debug, Default)]
pub(super) struct Fees {
    schedule: FeeSchedule,
    instruments: BTreeMap<InstrumentId, InstrumentFees>,
    accounts: BTreeMap<AccountId, AccountFees>,
    traded: Vec<(AccountId, i64, i128)>,
    /// The day whose tiers hold, and where the next day's have come to.
    day: i64,
    rolling: Option<(i64, AccountId)>,
}

/// One side of a trade, after it was settled without commission.
pub(super) struct Half {
    pub account: AccountId,
    pub side: Side,
    pub maker: bool,
    pub received: (AssetId, i128),
    /// What it must keep of the asset named.
    pub keeps: (AssetId, i128),
}

impl Fees {
    pub(super) fn discount_asset(&self) -> Option<AssetId> {
        self.schedule.discount.map(|discount| discount.asset)
    }

    fn volume(&self, account: AccountId, day: i64) -> i128 {
        let mine = self.traded.iter().filter(|(a, ..)| *a == account);
        let counted = mine.filter(|(_, d, _)| (day - 30..day).contains(d));
        counted.map(|(.., value)| value).sum()
    }

    fn standing(&self, account: AccountId) -> AccountFees {
        let known = self.accounts.get(&account).copied();
        known.unwrap_or(AccountFees::plain(account))
    }

    fn evaluate(&mut self, account: AccountId, day: i64) -> Option<AccountFees> {
        let mut now = self.standing(account);
        let volume = self.volume(account, day);
        let reached = self.schedule.tiers.iter().filter(|t| t.volume.0 <= volume);
        let tier = reached.count() as u8;
        if now.forced || now.tier == tier {
            return None;
        }
        now.tier = tier;
        self.accounts.insert(account, now);
        Some(now)
    }

    fn is_known(&self, account: AccountId) -> bool {
        !self.standing(account).is_plain() || self.traded.iter().any(|(a, ..)| *a == account)
    }
}

fn rate(parts: &FeeParts, side: Side, maker: bool) -> i128 {
    let role = if maker { parts.maker } else { parts.taker };
    let side = if side == Side::Buy {
        parts.buyer
    } else {
        parts.seller
    };
    i128::from(role.0 + side.0)
}

impl Naive {
    /// Takes the venue's acts as given, but for those that random ones may break.
    pub(super) fn set_fees(
        &mut self,
        time: Time,
        c: &Admin,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        match c {
            Admin::SetFees(schedule) => {
                let top = schedule.tiers.len();
                let mut given = self.fees.accounts.values();
                if given.any(|a| a.forced && usize::from(a.tier) > top) {
                    return Err(RejectCode::InvalidFees);
                }
                events.push(Event::FeesChanged(schedule.clone()));
                if top == 0 || schedule.valuation != self.fees.schedule.valuation {
                    self.fees.traded.clear();
                }
                self.fees.schedule = (**schedule).clone();
                self.fees.day = if top == 0 { 0 } else { day_of(time) };
                self.fees.rolling = None;
                for account in (1001..1001 + self.users).map(AccountId) {
                    let changed = self.fees.evaluate(account, self.fees.day);
                    events.extend(changed.map(Event::AccountFeesChanged));
                }
            }
            Admin::SetInstrumentFees(fees) => {
                let standard = fees.standard;
                let instrument = &mut self.market(fees.instrument)?.instrument;
                if (instrument.maker_fee, instrument.taker_fee) != (standard.maker, standard.taker)
                {
                    instrument.maker_fee = standard.maker;
                    instrument.taker_fee = standard.taker;
                    events.push(Event::InstrumentChanged(Box::new(instrument.clone())));
                }
                self.fees.instruments.insert(fees.instrument, **fees);
                events.push(Event::InstrumentFeesChanged(fees.clone()));
            }
            Admin::SetAccountFees(c) => {
                let mut now = self.fees.standing(c.account);
                now.discounted = c.discounted.unwrap_or(now.discounted);
                match c.tier {
                    TierRule::Keep => {}
                    TierRule::ByVolume => now.forced = false,
                    TierRule::Forced(tier)
                        if usize::from(tier) > self.fees.schedule.tiers.len() =>
                    {
                        return Err(RejectCode::UnknownTier);
                    }
                    TierRule::Forced(tier) => (now.forced, now.tier) = (true, tier),
                }
                self.fees.accounts.insert(c.account, now);
                if c.tier == TierRule::ByVolume {
                    let _ = self.fees.evaluate(c.account, self.fees.day);
                }
                let now = self.fees.standing(c.account);
                events.push(Event::AccountFeesChanged(now));
            }
            _ => {}
        }
        Ok(Reply::Done)
    }

    /// A new day's tiers, for at most so many accounts.
    pub(super) fn wake_fees(&mut self, time: Time, budget: u32, events: &mut Events) {
        let fees = &mut self.fees;
        let due = fees.rolling.is_some() || day_of(time) > fees.day;
        if fees.schedule.tiers.is_empty() || !due {
            return;
        }
        let (day, from) = fees.rolling.unwrap_or((day_of(time), AccountId(0)));
        let mut done = 0;
        for account in (1001..1001 + self.users).map(AccountId) {
            if account < from || !fees.is_known(account) {
                continue;
            }
            if done == budget {
                fees.rolling = Some((day, account));
                return;
            }
            done += 1;
            let changed = fees.evaluate(account, day);
            events.extend(changed.map(Event::AccountFeesChanged));
        }
        fees.day = day;
        fees.rolling = None;
    }

    /// Both accounts traded at market `at`.
    pub(super) fn count_volume(
        &mut self,
        at: usize,
        time: Time,
        (base, quote): (i128, i128),
        who: [AccountId; 2],
    ) {
        if self.fees.schedule.tiers.is_empty() {
            return;
        }
        let spec = &self.markets[at].instrument;
        let valuation = self.fees.schedule.valuation;
        let value = if spec.quote == valuation {
            Some(quote)
        } else if spec.base == valuation {
            Some(base)
        } else {
            self.worth(spec.quote, quote * SCALE, valuation)
                .map(|value| value / SCALE)
        };
        if let Some(value) = value {
            let rows = who.map(|account| (account, day_of(time), value));
            self.fees.traded.extend(rows);
        }
    }

    /// Takes one half's commission. Answers how much of what.
    pub(super) fn charge(&mut self, at: usize, half: &Half) -> (AssetId, i128) {
        let (asset, received) = half.received;
        let spec = self.markets[at].instrument.clone();
        let said = self.fees.instruments.get(&spec.id).copied();
        let said = said.unwrap_or(InstrumentFees::plain(&spec));
        let standing = self.fees.standing(half.account);
        let mut standard = said.standard;
        if standing.tier > 0 {
            let tier = self.fees.schedule.tiers[usize::from(standing.tier) - 1];
            standard.maker = Rate(standard.maker.0.min(tier.maker.0));
            standard.taker = Rate(standard.taker.0.min(tier.taker.0));
        }
        let parts = [&standard, &said.tax, &said.special]
            .map(|p| received * rate(p, half.side, half.maker));
        if let Some(discount) = self.fees.schedule.discount
            && standing.discounted
            && said.discounted
            && let Some(parts) = self.discounted(parts, asset, discount)
        {
            let whole = parts.iter().sum::<i128>() / SCALE;
            let free = self.free(half.account, Wallet::SPOT, discount.asset);
            let keeps = match half.keeps {
                (kept, amount) if kept == discount.asset => amount,
                _ => 0,
            };
            if free - keeps >= whole {
                self.take(half.account, discount.asset, parts);
                return (discount.asset, whole);
            }
        }
        self.take(half.account, asset, parts);
        (asset, parts.iter().sum::<i128>() / SCALE)
    }

    fn discounted(
        &self,
        [standard, tax, special]: [i128; 3],
        asset: AssetId,
        discount: Discount,
    ) -> Option<[i128; 3]> {
        let standard = standard * i128::from(discount.share.0) / SCALE;
        let to = discount.asset;
        Some([
            self.worth(asset, standard, to)?,
            self.worth(asset, tax, to)?,
            self.worth(asset, special, to)?,
        ])
    }

    /// Standard, tax and special commission, in 10⁻⁸ of an atom.
    fn take(&mut self, from: AccountId, asset: AssetId, parts: [i128; 3]) {
        let whole = parts.iter().sum::<i128>() / SCALE;
        let [standard, tax, special] = parts.map(|part| part / SCALE);
        let residue = whole - standard - tax - special;
        for (account, amount) in [
            (from, -whole),
            (AccountId::FEES, standard + special),
            (AccountId::TAXES, tax),
            (AccountId::RESIDUE, residue),
        ] {
            self.add(account, Wallet::SPOT, asset, amount, 0);
        }
    }

    /// At the last prices: by one market, else by two.
    fn worth(&self, from: AssetId, amount: i128, to: AssetId) -> Option<i128> {
        if from == to {
            return Some(amount);
        }
        let markets = 0..self.markets.len();
        for at in markets.clone() {
            if self.other(at, from) == Some(to) && !self.markets[at].trades.is_empty() {
                return self.through(at, from, amount);
            }
        }
        for first in markets.clone() {
            let Some(bridge) = self.other(first, from).filter(|b| *b != to) else {
                continue;
            };
            for second in markets.clone() {
                let meets = self.other(second, bridge) == Some(to);
                let priced = [first, second].map(|at| !self.markets[at].trades.is_empty());
                if meets && priced == [true, true] {
                    let amount = self.through(first, from, amount)?;
                    return self.through(second, bridge, amount);
                }
            }
        }
        None
    }

    /// The asset that a market trades against this one.
    fn other(&self, at: usize, asset: AssetId) -> Option<AssetId> {
        let spec = &self.markets[at].instrument;
        match asset {
            a if a == spec.base => Some(spec.quote),
            a if a == spec.quote => Some(spec.base),
            _ => None,
        }
    }

    fn through(&self, at: usize, from: AssetId, amount: i128) -> Option<i128> {
        let market = &self.markets[at];
        let price = i128::from(market.trades.last()?.1.0);
        let ten = |digits: u8| 10_i128.pow(u32::from(digits));
        let (base, quote) = (ten(market.base_precision), ten(market.quote_precision));
        Some(if from == market.instrument.base {
            amount.checked_mul(price)?.checked_mul(quote)? / (SCALE * base)
        } else {
            amount.checked_mul(SCALE)?.checked_mul(base)? / (price * quote)
        })
    }
}
