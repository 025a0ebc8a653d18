//! What trades cost, on demand: the venue's schedule, an instrument's rates, an account's tier.
//!
//! A venue begins without tiers and without a discount asset. The first account that is given one of them brings the schedule of
//! [`usual`]: nine tiers by volume in USDT, and a quarter off in TIDE.

use std::collections::BTreeMap;

use kit::{ApiError, Json};
use protocol::{
    AccountFees, Admin, Discount, FeeParts, FeeSchedule, InstrumentFees, RejectCode,
    SetAccountFees, SetTradeGroup, Tier, TierRule,
};
use serde::{Deserialize, Deserializer};
use types::{AccountId, Amount, AssetId, Decimal, Rate, TradeGroupId, format_atoms};

use crate::body::{self, PRECISION, wrong};
use crate::desk::{Answer, Sandbox, written};

/// What to change of an account; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ChangedAccount {
    /// `null`: by volume again.
    #[serde(default, deserialize_with = "given")]
    tier: Option<Option<u8>>,
    discount_token: Option<bool>,
    /// `null`, or -1: of none.
    #[serde(default, deserialize_with = "given")]
    trade_group_id: Option<Option<i64>>,
}

impl ChangedAccount {
    fn is_empty(&self) -> bool {
        self.tier.is_none() && self.discount_token.is_none() && self.trade_group_id.is_none()
    }
}

/// What to change of the schedule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ChangedSchedule {
    /// `null`: none.
    #[serde(default, deserialize_with = "given")]
    discount_asset: Option<Option<String>>,
    discount: Option<String>,
    valuation_asset: Option<String>,
    tiers: Option<Vec<TierBody>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TierBody {
    volume: String,
    maker: String,
    taker: String,
}

/// What to change of an instrument. Of the parts of one commission, too, those left out stay.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedInstrument {
    #[serde(default)]
    standard: BTreeMap<String, String>,
    #[serde(default)]
    tax: BTreeMap<String, String>,
    #[serde(default)]
    special: BTreeMap<String, String>,
    discount: Option<bool>,
}

/// Tells a field that is `null` from one that is not there.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    input: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(input).map(Some)
}

const TOKEN: &str = "TIDE";
const TOKEN_SHARE: Rate = Rate(75_000_000);
const VALUATION: &str = "USDT";
/// Volume in thousands of the valuation asset, maker and taker in units of 10⁻⁸.
const TIERS: [(i128, i64, i64); 9] = [
    (1_000, 90_000, 100_000),
    (5_000, 80_000, 100_000),
    (20_000, 60_000, 80_000),
    (75_000, 50_000, 70_000),
    (150_000, 40_000, 60_000),
    (400_000, 30_000, 50_000),
    (800_000, 20_000, 40_000),
    (2_000_000, 10_000, 30_000),
    (4_000_000, 0, 20_000),
];

/// The schedule of a sandbox whose venue has none. Volumes have the decimals of the valuation asset.
fn usual(token: AssetId, valuation: AssetId, precision: u8) -> FeeSchedule {
    let thousand = 1_000 * 10_i128.pow(u32::from(precision));
    FeeSchedule {
        discount: Some(Discount {
            asset: token,
            share: TOKEN_SHARE,
        }),
        valuation,
        tiers: TIERS
            .map(|(volume, maker, taker)| Tier {
                volume: Amount(volume * thousand),
                maker: Rate(maker),
                taker: Rate(taker),
            })
            .to_vec(),
    }
}

fn rate(name: &str, text: &str) -> Result<Rate, ApiError> {
    match Decimal::parse(text) {
        Ok(rate) if (0..=Decimal::SCALE).contains(&rate.0) => Ok(Rate(rate.0)),
        _ => Err(wrong(format!(
            "{name} '{text}' is not a rate: a decimal from 0 to 1 of at most eight decimals is expected, as a string."
        ))),
    }
}

fn change_parts(
    kind: &str,
    parts: &mut FeeParts,
    changed: &BTreeMap<String, String>,
) -> Result<(), ApiError> {
    for (name, text) in changed {
        let part = match name.as_str() {
            "maker" => &mut parts.maker,
            "taker" => &mut parts.taker,
            "buyer" => &mut parts.buyer,
            "seller" => &mut parts.seller,
            _ => {
                return Err(wrong(format!(
                    "{kind} has no part '{name}': maker, taker, buyer and seller are expected."
                )));
            }
        };
        *part = rate(&format!("{kind}.{name}"), text)?;
    }
    Ok(())
}

fn write_parts(json: &mut Json, parts: &FeeParts) {
    json.dec("maker", Decimal(parts.maker.0))
        .dec("taker", Decimal(parts.taker.0))
        .dec("buyer", Decimal(parts.buyer.0))
        .dec("seller", Decimal(parts.seller.0));
}

impl Sandbox {
    pub(crate) async fn change_account(&self, id: &str, body: &[u8]) -> Answer {
        let changed: ChangedAccount = body::read(body)?;
        let account = self.known_account(id)?;
        if changed.is_empty() {
            return Err(wrong(
                "Nothing is to be changed; `tier`, `discountToken` or `tradeGroupId` is expected.",
            ));
        }
        if let Some(group) = changed.trade_group_id {
            self.change_group(account, group).await?;
            if changed.tier.is_none() && changed.discount_token.is_none() {
                return Ok(self.told_account(account));
            }
        }
        let wants_tier = matches!(changed.tier, Some(Some(1..)));
        if wants_tier || changed.discount_token == Some(true) {
            self.complete_schedule(wants_tier).await?;
        }
        let set = SetAccountFees {
            account,
            tier: match changed.tier {
                None => TierRule::Keep,
                Some(None) => TierRule::ByVolume,
                Some(Some(tier)) => TierRule::Forced(tier),
            },
            discounted: changed.discount_token,
        };
        match self.try_admin(Admin::SetAccountFees(set)).await? {
            Err(RejectCode::UnknownTier) => {
                let top = self.views().fee_schedule().top();
                return Err(wrong(format!(
                    "There is no such tier: 0 to {top} are expected, or null for the tier of the account's volume."
                )));
            }
            outcome => outcome?,
        };
        Ok(self.told_account(account))
    }

    async fn change_group(&self, account: AccountId, group: Option<i64>) -> Result<(), ApiError> {
        let refused = || {
            wrong(
                "tradeGroupId is not one: a whole number from 0 to 2147483646 is expected, or null to leave the group.",
            )
        };
        let group = match group.filter(|number| *number != -1) {
            None => None,
            Some(number) => Some(TradeGroupId(u32::try_from(number).map_err(|_| refused())?)),
        };
        let set = SetTradeGroup { account, group };
        match self.try_admin(Admin::SetTradeGroup(set)).await? {
            Err(RejectCode::InvalidTradeGroup) => Err(refused()),
            outcome => outcome.map(|_| ()).map_err(ApiError::from),
        }
    }

    fn told_account(&self, account: AccountId) -> Vec<u8> {
        told_account(
            &self.views().account_fees(account),
            self.views().trade_group(account),
        )
    }

    /// Gives the venue a discount asset, and tiers, if it has none and somebody wants them.
    async fn complete_schedule(&self, tiers: bool) -> Result<(), ApiError> {
        let mut schedule = (*self.views().fee_schedule()).clone();
        let lacks = schedule.discount.is_none() || (tiers && schedule.tiers.is_empty());
        if !lacks {
            return Ok(());
        }
        let token = self.asset(TOKEN).await?;
        let valuation = self.asset(VALUATION).await?;
        let precision = self
            .views()
            .asset(valuation)
            .map_or(PRECISION, |asset| asset.precision);
        let usual = usual(token, valuation, precision);
        schedule.discount = schedule.discount.or(usual.discount);
        if schedule.tiers.is_empty() {
            (schedule.valuation, schedule.tiers) = (usual.valuation, usual.tiers);
        }
        self.admin(Admin::SetFees(Box::new(schedule))).await?;
        Ok(())
    }

    pub(crate) async fn change_fees(&self, body: &[u8]) -> Answer {
        let changed: ChangedSchedule = body::read(body)?;
        let schedule = self.changed_schedule(&changed).await?;
        match self.try_admin(Admin::SetFees(Box::new(schedule))).await? {
            Err(RejectCode::InvalidFees) => Err(wrong(
                "The tiers cannot be: volumes have to rise from above zero, and no account may have been given a tier that there would not be any more.",
            )),
            outcome => {
                outcome?;
                Ok(self.told_fees())
            }
        }
    }

    /// Everything is read before the first asset is made.
    async fn changed_schedule(&self, changed: &ChangedSchedule) -> Result<FeeSchedule, ApiError> {
        let mut schedule = (*self.views().fee_schedule()).clone();
        let share = changed.discount.as_ref();
        let share = share.map(|text| rate("discount", text)).transpose()?;
        let token = changed.discount_asset.as_ref().map(Option::as_deref);
        let valuation = changed.valuation_asset.as_deref();
        for name in token.flatten().into_iter().chain(valuation) {
            body::asset_name(name)?;
        }
        if let Some(tiers) = &changed.tiers {
            schedule.tiers = self.read_tiers(tiers, valuation, schedule.valuation)?;
        }
        if share.is_some() && token.unwrap_or(Some("")).is_none() {
            return Err(wrong("A `discount` needs a `discountAsset`."));
        }

        if let Some(token) = token {
            let kept = schedule.discount.map_or(TOKEN_SHARE, |d| d.share);
            schedule.discount = match token {
                Some(name) => Some(Discount {
                    asset: self.asset(name).await?,
                    share: kept,
                }),
                None => None,
            };
        }
        match (&mut schedule.discount, share) {
            (Some(discount), Some(share)) => discount.share = share,
            (None, Some(_)) => return Err(wrong("A `discount` needs a `discountAsset`.")),
            (_, None) => {}
        }
        if schedule.tiers.is_empty() {
            schedule.valuation = AssetId(0);
        } else if let Some(name) = valuation {
            schedule.valuation = self.asset(name).await?;
        }
        Ok(schedule)
    }

    /// Volumes have the decimals of the asset in which they will be measured.
    fn read_tiers(
        &self,
        tiers: &[TierBody],
        valuation: Option<&str>,
        now: AssetId,
    ) -> Result<Vec<Tier>, ApiError> {
        let asset = match valuation {
            Some(name) => self.views().asset_by_name(name),
            None => self.views().asset(now),
        };
        if !tiers.is_empty() && asset.is_none() && valuation.is_none() {
            return Err(wrong(
                "Tiers need a `valuationAsset`, in which volumes are measured.",
            ));
        }
        let precision = asset.map_or(PRECISION, |asset| asset.precision);
        let read = |tier: &TierBody| {
            Ok(Tier {
                volume: body::amount(&tier.volume, precision)?,
                maker: rate("maker", &tier.maker)?,
                taker: rate("taker", &tier.taker)?,
            })
        };
        tiers.iter().map(read).collect()
    }

    pub(crate) async fn change_symbol_fees(&self, symbol: &str, body: &[u8]) -> Answer {
        let changed: ChangedInstrument = body::read(body)?;
        let found = self
            .views()
            .instrument(symbol)
            .ok_or_else(|| ApiError::bad_symbol().with_status(404))?;
        let mut fees = self.views().instrument_fees(&found);
        change_parts("standard", &mut fees.standard, &changed.standard)?;
        change_parts("tax", &mut fees.tax, &changed.tax)?;
        change_parts("special", &mut fees.special, &changed.special)?;
        fees.discounted = changed.discount.unwrap_or(fees.discounted);
        match self
            .try_admin(Admin::SetInstrumentFees(Box::new(fees)))
            .await?
        {
            Err(RejectCode::InvalidFees) => Err(wrong(
                "Together the rates may take more than all that an order receives; at most 1 is expected.",
            )),
            outcome => {
                outcome?;
                Ok(told_symbol(symbol, &fees))
            }
        }
    }

    pub(crate) fn symbol_fees(&self, symbol: &str) -> Answer {
        let found = self
            .views()
            .instrument(symbol)
            .ok_or_else(|| ApiError::bad_symbol().with_status(404))?;
        Ok(told_symbol(symbol, &self.views().instrument_fees(&found)))
    }

    /// The schedule, as [`Sandbox::change_fees`] takes it.
    pub(crate) fn told_fees(&self) -> Vec<u8> {
        let schedule = self.views().fee_schedule();
        let discount = schedule.discount;
        let asset = |id: AssetId| self.views().asset(id);
        let token = discount.and_then(|d| asset(d.asset));
        let valuation = asset(schedule.valuation);
        let precision = valuation.as_ref().map_or(0, |asset| asset.precision);
        written(|json| {
            json.str("discountAsset", token.as_ref().map_or("", |a| &a.name))
                .dec("discount", Decimal(discount.map_or(0, |d| d.share.0)))
                .str("valuationAsset", valuation.as_ref().map_or("", |a| &a.name));
            json.array("tiers", |json| {
                for tier in &schedule.tiers {
                    json.begin()
                        .str("volume", format_atoms(tier.volume.0, precision).as_str())
                        .dec("maker", Decimal(tier.maker.0))
                        .dec("taker", Decimal(tier.taker.0))
                        .end();
                }
            });
        })
    }

    /// The account that a path names.
    pub(crate) fn known_account(&self, id: &str) -> Result<AccountId, ApiError> {
        let account = id
            .parse()
            .map(AccountId)
            .map_err(|_| wrong(format!("'{id}' is not an account's number.")))?;
        if !self.views().account_exists(account) || account.is_system() {
            return Err(wrong(format!(
                "There is no account {account}; POST /sandbox/v1/accounts opens one."
            ))
            .with_status(404));
        }
        Ok(account)
    }
}

fn told_account(fees: &AccountFees, group: Option<TradeGroupId>) -> Vec<u8> {
    written(|json| {
        json.num("accountId", fees.account)
            .num("tier", fees.tier)
            .flag("tierForced", fees.forced)
            .flag("discountToken", fees.discounted)
            .num("tradeGroupId", group.map_or(-1, |group| i64::from(group.0)));
    })
}

fn told_symbol(symbol: &str, fees: &InstrumentFees) -> Vec<u8> {
    written(|json| {
        json.str("symbol", symbol);
        for (name, parts) in [
            ("standard", &fees.standard),
            ("tax", &fees.tax),
            ("special", &fees.special),
        ] {
            json.object(name, |json| write_parts(json, parts));
        }
        json.flag("discount", fees.discounted);
    })
}
