use std::collections::BTreeMap;

use protocol::{
    AccountFees, Commission, FeeSchedule, Instrument, InstrumentFees, Malformed, RejectCode,
    SetAccountFees, TierRule, Wire,
};
use types::{AccountId, Amount, Decimal, InstrumentId, Rate, Time};

use crate::volume::{Volume, day_of};

/// No account has more tiers to climb.
const MAX_TIERS: usize = 100;
/// In `slots`: nothing is known of the account.
const NONE: u32 = u32::MAX;

struct Entry {
    fees: AccountFees,
    volume: Volume,
}

impl Entry {
    fn is_forgotten(&self) -> bool {
        self.fees.is_plain() && self.volume.is_empty()
    }
}

/// Everything that decides on commission: the venue's schedule, what was said of instruments and accounts, and volumes.
#[derive(Default)]
pub struct Fees {
    schedule: FeeSchedule,
    instruments: BTreeMap<InstrumentId, InstrumentFees>,
    /// Positions in `accounts`, by account number from the first user.
    slots: Vec<u32>,
    accounts: Vec<Entry>,
    /// The day whose tiers hold.
    day: i64,
    /// Accounts are on their way to the tiers of this day; those from this position in `slots` are not there yet.
    rolling: Option<(i64, u32)>,
    /// Counts the changes of rates; 0 while nothing was ever said.
    epoch: u32,
}

impl core::fmt::Debug for Fees {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Fees")
            .field("schedule", &self.schedule)
            .field("accounts", &self.accounts.len())
            .finish_non_exhaustive()
    }
}

/// Is every rate a fee, and can an order never owe more than it receives?
fn payable(fees: &InstrumentFees) -> bool {
    let parts = [&fees.standard, &fees.tax, &fees.special];
    let each = parts
        .iter()
        .flat_map(|p| [p.maker, p.taker, p.buyer, p.seller]);
    let highest = parts
        .iter()
        .fold(0_i64, |sum, p| sum.saturating_add(p.highest().0));
    each.into_iter().all(|rate| rate.0 >= 0) && highest <= Decimal::SCALE
}

impl Fees {
    /// Has nothing ever been said? Then an instrument's own rates are all there is.
    #[must_use]
    #[inline]
    pub fn is_flat(&self) -> bool {
        self.epoch == 0
    }

    /// Rates resolved at another epoch may not hold any more.
    #[must_use]
    #[inline]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    #[must_use]
    pub fn schedule(&self) -> &FeeSchedule {
        &self.schedule
    }

    /// What was said of instruments, by id.
    pub fn instruments(&self) -> impl Iterator<Item = &InstrumentFees> {
        self.instruments.values()
    }

    /// The accounts that are not plain, by number.
    pub fn accounts(&self) -> impl Iterator<Item = &AccountFees> {
        self.entries()
            .map(|entry| &entry.fees)
            .filter(|fees| !fees.is_plain())
    }

    /// By account number.
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.slots
            .iter()
            .filter_map(|slot| self.accounts.get(*slot as usize))
    }

    #[must_use]
    pub fn account(&self, account: AccountId) -> AccountFees {
        match self.slot(account).and_then(|at| self.accounts.get(at)) {
            Some(entry) => entry.fees,
            None => AccountFees::plain(account),
        }
    }

    #[must_use]
    pub fn instrument(&self, instrument: &Instrument) -> InstrumentFees {
        match self.instruments.get(&instrument.id) {
            Some(fees) => *fees,
            None => InstrumentFees::plain(instrument),
        }
    }

    #[must_use]
    pub fn commission(&self, instrument: &Instrument, account: AccountId) -> Commission {
        Commission::of(
            &self.schedule,
            &self.instrument(instrument),
            &self.account(account),
        )
    }

    /// The 30-day volume that today's tier rests on.
    #[must_use]
    pub fn volume(&self, account: AccountId) -> Amount {
        match self.slot(account).and_then(|at| self.accounts.get(at)) {
            Some(entry) => entry.volume.before(self.day),
            None => Amount::ZERO,
        }
    }

    fn slot(&self, account: AccountId) -> Option<usize> {
        let at = account.0.checked_sub(AccountId::FIRST_USER.0)?;
        match *self.slots.get(at as usize)? {
            NONE => None,
            slot => Some(slot as usize),
        }
    }

    fn entry(&mut self, account: AccountId) -> &mut Entry {
        let at = self.slot(account).unwrap_or_else(|| {
            let number = (account.0.saturating_sub(AccountId::FIRST_USER.0)) as usize;
            if self.slots.len() <= number {
                self.slots.resize(number + 1, NONE);
            }
            let slot = self.accounts.len();
            self.slots[number] = u32::try_from(slot).expect("fewer accounts than numbers");
            self.accounts.push(Entry {
                fees: AccountFees::plain(account),
                volume: Volume::default(),
            });
            slot
        });
        &mut self.accounts[at]
    }

    /// # Errors
    /// `InvalidFees`.
    pub fn check_schedule(&self, schedule: &FeeSchedule) -> Result<(), RejectCode> {
        let within = |rate: Rate| (0..=Decimal::SCALE).contains(&rate.0);
        let tiers = &schedule.tiers;
        let rates = tiers.iter().all(|t| within(t.maker) && within(t.taker));
        let first = tiers.first().is_none_or(|t| t.volume > Amount::ZERO);
        let rising = tiers.windows(2).all(|t| t[0].volume < t[1].volume);
        let share = schedule.discount.is_none_or(|d| within(d.share));
        let given = self
            .accounts()
            .all(|a| !a.forced || a.tier <= schedule.top());
        if rates && first && rising && share && given && tiers.len() <= MAX_TIERS {
            Ok(())
        } else {
            Err(RejectCode::InvalidFees)
        }
    }

    /// A schedule that was found good. `tell` hears of accounts that change their tier.
    pub fn set_schedule(
        &mut self,
        schedule: FeeSchedule,
        time: Time,
        mut tell: impl FnMut(AccountFees),
    ) {
        let before = core::mem::replace(&mut self.schedule, schedule);
        self.epoch += 1;
        self.rolling = None;
        let ends = self.schedule.tiers.is_empty();
        self.day = if ends { 0 } else { day_of(time) };
        let anew = ends || before.valuation != self.schedule.valuation;
        for at in 0..self.slots.len() {
            let Some(slot) = self.filled(at) else {
                continue;
            };
            if anew {
                self.accounts[slot].volume.clear();
            }
            if let Some(fees) = self.evaluate(slot, self.day) {
                tell(fees);
            }
        }
    }

    fn filled(&self, at: usize) -> Option<usize> {
        match self.slots[at] {
            NONE => None,
            slot => Some(slot as usize),
        }
    }

    /// The tier that an account's volume gives it on a day. Answers when it is another one.
    fn evaluate(&mut self, slot: usize, day: i64) -> Option<AccountFees> {
        let entry = &mut self.accounts[slot];
        if entry.fees.forced {
            return None;
        }
        let volume = entry.volume.before(day);
        let reached = self.schedule.tiers.partition_point(|t| t.volume <= volume);
        let tier = u8::try_from(reached).unwrap_or(u8::MAX);
        if tier == entry.fees.tier {
            return None;
        }
        entry.fees.tier = tier;
        self.epoch += 1;
        Some(entry.fees)
    }

    /// # Errors
    /// `InvalidFees`.
    pub fn check_instrument(&self, fees: &InstrumentFees) -> Result<(), RejectCode> {
        payable(fees).then_some(()).ok_or(RejectCode::InvalidFees)
    }

    pub fn set_instrument(&mut self, fees: InstrumentFees) {
        self.instruments.insert(fees.instrument, fees);
        self.epoch += 1;
    }

    /// # Errors
    /// `UnknownTier`.
    pub fn check_account(&self, c: &SetAccountFees) -> Result<(), RejectCode> {
        match c.tier {
            TierRule::Forced(tier) if tier > self.schedule.top() => Err(RejectCode::UnknownTier),
            _ => Ok(()),
        }
    }

    /// What was found good. Answers how the account stands now.
    pub fn set_account(&mut self, c: &SetAccountFees) -> AccountFees {
        self.epoch += 1;
        let day = self.day;
        let entry = self.entry(c.account);
        if let Some(discounted) = c.discounted {
            entry.fees.discounted = discounted;
        }
        match c.tier {
            TierRule::Keep => {}
            TierRule::Forced(tier) => {
                entry.fees.forced = true;
                entry.fees.tier = tier;
            }
            TierRule::ByVolume => {
                entry.fees.forced = false;
                if let Some(slot) = self.slot(c.account) {
                    let _ = self.evaluate(slot, day);
                }
            }
        }
        self.account(c.account)
    }

    /// Are volumes kept?
    #[must_use]
    #[inline]
    pub fn counts(&self) -> bool {
        !self.schedule.tiers.is_empty()
    }

    /// An account traded for this much of the valuation asset.
    #[inline]
    pub fn count(&mut self, account: AccountId, time: Time, value: Amount) {
        let held = self.day;
        self.entry(account).volume.add(day_of(time), value, held);
    }

    /// Has a day ended whose volumes are not looked at yet?
    #[must_use]
    #[inline]
    pub fn due(&self, time: Time) -> bool {
        self.counts() && (self.rolling.is_some() || day_of(time) > self.day)
    }

    /// Gives at most `budget` accounts the tier of the new day.
    pub fn roll(&mut self, time: Time, budget: u32, mut tell: impl FnMut(AccountFees)) {
        if !self.due(time) {
            return;
        }
        let (day, from) = self.rolling.unwrap_or((day_of(time), 0));
        let mut left = budget;
        for at in from as usize..self.slots.len() {
            let Some(slot) = self.filled(at) else {
                continue;
            };
            // what a snapshot forgets must not be counted either
            if self.accounts[slot].is_forgotten() {
                continue;
            }
            if left == 0 {
                self.rolling = Some((day, u32::try_from(at).unwrap_or(NONE)));
                return;
            }
            left -= 1;
            if let Some(fees) = self.evaluate(slot, day) {
                tell(fees);
            }
        }
        self.day = day;
        self.rolling = None;
    }

    /// Is there nothing to remember?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.schedule == FeeSchedule::default()
            && self.instruments.is_empty()
            && self.remembered().next().is_none()
    }

    fn remembered(&self) -> impl Iterator<Item = &Entry> {
        self.entries().filter(|e| !e.is_forgotten())
    }

    /// Appends the canonical bytes: `schedule  day:i64  rolling:option<i64>  from:u32  n:u32 n x instrument fees`, then
    /// `n:u32 n x (account fees  n:u32 n x (day:i64 volume:i128))` by account.
    pub fn put(&self, out: &mut Vec<u8>) {
        let count = |n: usize| u32::try_from(n).expect("counts fit 32 bits");
        self.schedule.put(out);
        self.day.put(out);
        self.rolling.map(|(day, _)| day).put(out);
        self.rolling.map_or(0, |(_, from)| from).put(out);
        count(self.instruments.len()).put(out);
        for fees in self.instruments.values() {
            fees.put(out);
        }
        count(self.remembered().count()).put(out);
        for entry in self.remembered() {
            entry.fees.put(out);
            count(entry.volume.days().len()).put(out);
            for (day, value) in entry.volume.days() {
                day.put(out);
                value.put(out);
            }
        }
    }

    /// # Errors
    /// When the bytes are not what [`Fees::put`] writes.
    pub fn take(input: &mut &[u8], accounts_end: AccountId) -> Result<Fees, Malformed> {
        let mut fees = Fees {
            schedule: Wire::take(input)?,
            day: Wire::take(input)?,
            epoch: 1,
            ..Fees::default()
        };
        let rolling: Option<i64> = Wire::take(input)?;
        let from = u32::take(input)?;
        fees.rolling = rolling.map(|day| (day, from));
        if rolling.is_none() && from != 0 {
            return Err(Malformed("where fees roll"));
        }
        for _ in 0..u32::take(input)? {
            let one = InstrumentFees::take(input)?;
            let last = fees.instruments.last_key_value();
            if last.is_some_and(|(id, _)| *id >= one.instrument) {
                return Err(Malformed("order of instrument fees"));
            }
            fees.instruments.insert(one.instrument, one);
        }
        let mut previous = AccountId(0);
        for _ in 0..u32::take(input)? {
            let one = AccountFees::take(input)?;
            let mut days = Vec::new();
            for _ in 0..u32::take(input)? {
                days.push((i64::take(input)?, Amount::take(input)?));
            }
            let volume = Volume::from_days(days).ok_or(Malformed("days of a volume"))?;
            let empty = one.is_plain() && volume.is_empty();
            if one.account <= previous || one.account < AccountId::FIRST_USER || empty {
                return Err(Malformed("order of account fees"));
            }
            previous = one.account;
            if one.account >= accounts_end {
                return Err(Malformed("number of an account"));
            }
            let entry = fees.entry(one.account);
            entry.fees = one;
            entry.volume = volume;
        }
        Ok(fees)
    }

    /// Do rates, tiers and volumes keep the rules, for accounts below `accounts_end` and these instruments?
    ///
    /// # Errors
    /// A sentence about the first that does not.
    pub fn audit<'a>(
        &self,
        accounts_end: AccountId,
        find: impl Fn(InstrumentId) -> Option<&'a Instrument>,
    ) -> Result<(), String> {
        if self.check_schedule(&self.schedule).is_err() {
            return Err("the schedule of fees breaks its rules".to_owned());
        }
        for fees in self.instruments.values() {
            let own = find(fees.instrument).map(|i| (i.maker_fee, i.taker_fee));
            if !payable(fees) || own != Some((fees.standard.maker, fees.standard.taker)) {
                return Err(format!(
                    "the fees of instrument {} are not its own",
                    fees.instrument
                ));
            }
        }
        if !self.counts() && (self.day != 0 || self.rolling.is_some()) {
            return Err("days are counted although there are no tiers".to_owned());
        }
        for entry in self.remembered() {
            let AccountFees { account, tier, .. } = entry.fees;
            let counted = self.counts() || entry.volume.is_empty();
            if account >= accounts_end || tier > self.schedule.top() || !counted {
                return Err(format!("account {account} has a tier that there is not"));
            }
        }
        Ok(())
    }
}
