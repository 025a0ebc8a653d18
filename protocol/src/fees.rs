//! What a trade costs its two parties.
//!
//! Commission is the sum of three: the standard one, a tax, and a special one. Each has a part for the order's role (maker or taker) and one
//! for its side (buyer or seller), and is reckoned on what the party receives. The standard one falls with the account's tier, and falls again
//! when the commission is paid in the venue's own asset. Engine and readers resolve it with the same [`Commission::of`], so that what is
//! told is what is charged.

use types::{AccountId, Amount, AssetId, InstrumentId, Rate, Side};

use crate::Instrument;
use crate::codec::{Malformed, Wire};

wire_struct! {
    /// The parts of one of the three commissions. An order pays one of the first two and one of the last two.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct FeeParts { pub maker: Rate, pub taker: Rate, pub buyer: Rate, pub seller: Rate }
}

impl FeeParts {
    /// What an order of this side and role pays.
    #[must_use]
    pub const fn rate(&self, side: Side, maker: bool) -> Rate {
        let role = if maker { self.maker } else { self.taker };
        let side = match side {
            Side::Buy => self.buyer,
            Side::Sell => self.seller,
        };
        Rate(role.0.saturating_add(side.0))
    }

    /// All that an order may have to pay.
    #[must_use]
    pub fn highest(&self) -> Rate {
        let role = self.maker.max(self.taker);
        Rate(role.0.saturating_add(self.buyer.max(self.seller).0))
    }
}

wire_struct! {
    /// A tier begins at a 30-day volume, in atoms of the valuation asset. Its rates replace an instrument's higher ones.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Tier { pub volume: Amount, pub maker: Rate, pub taker: Rate }
}
wire_struct! {
    /// Commission may be paid in this asset. `share` is what is left of the standard part then (0.75: a quarter off).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Discount { pub asset: AssetId, pub share: Rate }
}

/// What holds for the whole venue.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FeeSchedule {
    pub discount: Option<Discount>,
    /// What volumes are measured in; asset 0 when there are no tiers.
    pub valuation: AssetId,
    /// From tier 1 on, volumes rising. Tier 0 has the instruments' own rates.
    pub tiers: Vec<Tier>,
}

impl Wire for FeeSchedule {
    fn put(&self, out: &mut Vec<u8>) {
        self.discount.put(out);
        self.valuation.put(out);
        u8::try_from(self.tiers.len()).unwrap_or(u8::MAX).put(out);
        for tier in self.tiers.iter().take(usize::from(u8::MAX)) {
            tier.put(out);
        }
    }

    fn take(input: &mut &[u8]) -> Result<Self, Malformed> {
        let mut schedule = FeeSchedule {
            discount: Wire::take(input)?,
            valuation: Wire::take(input)?,
            tiers: Vec::new(),
        };
        for _ in 0..u8::take(input)? {
            schedule.tiers.push(Tier::take(input)?);
        }
        Ok(schedule)
    }
}

impl FeeSchedule {
    /// The highest tier.
    #[must_use]
    pub fn top(&self) -> u8 {
        u8::try_from(self.tiers.len()).unwrap_or(u8::MAX)
    }
}

wire_struct! {
    /// What holds for one instrument.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct InstrumentFees {
        pub instrument: InstrumentId,
        /// Maker and taker are the instrument's own rates.
        pub standard: FeeParts,
        pub tax: FeeParts,
        pub special: FeeParts,
        /// May its commission be paid in the discount asset?
        pub discounted: bool,
    }
}

impl InstrumentFees {
    /// What holds while nothing was said: the instrument's rates and nothing else.
    #[must_use]
    pub fn plain(instrument: &Instrument) -> InstrumentFees {
        InstrumentFees {
            instrument: instrument.id,
            standard: FeeParts {
                maker: instrument.maker_fee,
                taker: instrument.taker_fee,
                ..FeeParts::default()
            },
            tax: FeeParts::default(),
            special: FeeParts::default(),
            discounted: true,
        }
    }
}

wire_struct! {
    /// How an account stands.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct AccountFees {
        pub account: AccountId,
        pub tier: u8,
        /// The venue gave it its tier, whatever its volume.
        pub forced: bool,
        /// It wants to pay in the discount asset.
        pub discounted: bool,
    }
}

impl AccountFees {
    /// An account of which nothing was said.
    #[must_use]
    pub const fn plain(account: AccountId) -> AccountFees {
        AccountFees {
            account,
            tier: 0,
            forced: false,
            discounted: false,
        }
    }

    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == AccountFees::plain(self.account)
    }
}

wire_enum! {
    /// Where an account's tier comes from.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum TierRule {
        /// As before.
        0 = Keep,
        /// Its volume.
        1 = ByVolume,
        /// The venue.
        2 = Forced(u8),
    }
}
wire_struct! {
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct SetAccountFees {
        pub account: AccountId,
        pub tier: TierRule,
        /// `None`: as before.
        pub discounted: Option<bool>,
    }
}

/// The commission of one account on one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Commission {
    pub standard: FeeParts,
    pub tax: FeeParts,
    pub special: FeeParts,
    pub discount: Option<Discount>,
    pub enabled_for_account: bool,
    pub enabled_for_symbol: bool,
}

impl Commission {
    #[must_use]
    pub fn of(schedule: &FeeSchedule, fees: &InstrumentFees, account: &AccountFees) -> Commission {
        let mut standard = fees.standard;
        if let Some(tier) = usize::from(account.tier)
            .checked_sub(1)
            .and_then(|at| schedule.tiers.get(at))
        {
            standard.maker = standard.maker.min(tier.maker);
            standard.taker = standard.taker.min(tier.taker);
        }
        Commission {
            standard,
            tax: fees.tax,
            special: fees.special,
            discount: schedule.discount,
            enabled_for_account: account.discounted,
            enabled_for_symbol: fees.discounted && schedule.discount.is_some(),
        }
    }

    /// The sum that an order of this side and role pays of what it receives, when it does not pay in the discount asset.
    #[must_use]
    pub const fn rate(&self, side: Side, maker: bool) -> Rate {
        let parts = [&self.standard, &self.tax, &self.special];
        let (mut sum, mut at) = (0_i64, 0);
        while at < parts.len() {
            sum = sum.saturating_add(parts[at].rate(side, maker).0);
            at += 1;
        }
        Rate(sum)
    }

    /// The discount, if it is enabled on both sides.
    #[must_use]
    pub fn discounted(&self) -> Option<Discount> {
        self.discount
            .filter(|_| self.enabled_for_account && self.enabled_for_symbol)
    }
}

#[cfg(test)]
mod tests {
    use types::{AssetId, Decimal};

    use super::*;
    use crate::{Admin, Event};

    fn parts(maker: i64, taker: i64, buyer: i64, seller: i64) -> FeeParts {
        FeeParts {
            maker: Rate(maker),
            taker: Rate(taker),
            buyer: Rate(buyer),
            seller: Rate(seller),
        }
    }

    fn sample() -> (FeeSchedule, InstrumentFees, AccountFees) {
        let schedule = FeeSchedule {
            discount: Some(Discount {
                asset: AssetId(3),
                share: Rate(75_000_000),
            }),
            valuation: AssetId(2),
            tiers: vec![
                Tier {
                    volume: Amount(5),
                    maker: Rate(90),
                    taker: Rate(100),
                },
                Tier {
                    volume: Amount(50),
                    maker: Rate(70),
                    taker: Rate(80),
                },
            ],
        };
        let fees = InstrumentFees {
            instrument: InstrumentId(1),
            standard: parts(80, 200, 3, 4),
            tax: parts(10, 20, 30, 40),
            special: parts(1_000, 2_000, 3_000, 4_000),
            discounted: true,
        };
        let account = AccountFees {
            tier: 1,
            ..AccountFees::plain(AccountId(1001))
        };
        (schedule, fees, account)
    }

    #[test]
    fn a_tier_replaces_higher_rates_alone() {
        let (schedule, fees, account) = sample();
        let commission = Commission::of(&schedule, &fees, &account);
        assert_eq!(commission.standard, parts(80, 100, 3, 4));
        assert_eq!(commission.rate(Side::Buy, true), Rate(83 + 40 + 4_000));
        assert_eq!(commission.rate(Side::Sell, false), Rate(104 + 60 + 6_000));
        assert_eq!(fees.special.highest(), Rate(6_000));
    }

    #[test]
    fn a_discount_needs_account_and_symbol() {
        let (schedule, mut fees, mut account) = sample();
        assert_eq!(
            Commission::of(&schedule, &fees, &account).discounted(),
            None
        );
        account.discounted = true;
        let both = Commission::of(&schedule, &fees, &account);
        assert_eq!(both.discounted(), schedule.discount);
        fees.discounted = false;
        assert_eq!(
            Commission::of(&schedule, &fees, &account).discounted(),
            None
        );
    }

    #[test]
    fn schedules_read_back_and_their_prefixes_are_refused() {
        let (schedule, ..) = sample();
        let mut bytes = Vec::new();
        schedule.put(&mut bytes);
        assert_eq!(FeeSchedule::take(&mut &bytes[..]), Ok(schedule));
        for end in 0..bytes.len() {
            assert!(FeeSchedule::take(&mut &bytes[..end]).is_err());
        }
        assert_eq!(Rate(75_000_000).0, 3 * Decimal::SCALE / 4);
    }

    /// The bytes of every command and event about fees, for ever.
    #[test]
    fn the_bytes_of_fees_are_golden() {
        let (schedule, fees, account) = sample();
        let set = |tier, discounted| {
            Admin::SetAccountFees(SetAccountFees {
                account: AccountId(1001),
                tier,
                discounted,
            })
        };
        let mut bytes = Vec::new();
        for admin in [
            Admin::SetFees(Box::new(schedule.clone())),
            Admin::SetInstrumentFees(Box::new(fees)),
            set(TierRule::Keep, Some(true)),
            set(TierRule::ByVolume, None),
            set(TierRule::Forced(9), Some(false)),
        ] {
            admin.put(&mut bytes);
        }
        for event in [
            Event::FeesChanged(Box::new(schedule)),
            Event::InstrumentFeesChanged(Box::new(fees)),
            Event::AccountFeesChanged(account),
        ] {
            event.put(&mut bytes);
        }
        assert_eq!(GOLDEN, &bytes[..], "old journals would not be read");
    }

    const GOLDEN: &[u8] = include_bytes!("../tests/golden/fees-1.bin");
}
