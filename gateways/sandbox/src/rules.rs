//! Execution rules and reference prices of a symbol, as the API writes them.

use kit::ApiError;
use protocol::{
    Admin, BlockTrade, Calculation, ExecutionRules, Mean, PriceRange, Reference, RejectCode,
    SetReference,
};
use serde::Deserialize;
use types::{Decimal, InstrumentId};

use crate::body::{self, ChangedSymbol, decimal, wrong};
use crate::desk::written;

#[derive(Deserialize)]
#[serde(tag = "calculationType", deny_unknown_fields)]
pub(crate) enum NewCalculation {
    #[serde(rename = "EXTERNAL", rename_all = "camelCase")]
    External { external_calculation_id: u32 },
    #[serde(rename = "ARITHMETIC_MEAN", rename_all = "camelCase")]
    Mean {
        bucket_count: u32,
        bucket_width_ms: u32,
    },
}

#[derive(Deserialize)]
#[serde(tag = "ruleType", deny_unknown_fields)]
pub(crate) enum NewRule {
    #[serde(rename = "PRICE_RANGE", rename_all = "camelCase")]
    PriceRange {
        bid_limit_mult_up: Option<String>,
        bid_limit_mult_down: Option<String>,
        ask_limit_mult_up: Option<String>,
        ask_limit_mult_down: Option<String>,
    },
}

/// What a change of a symbol says of its rules, as commands. `now` is the reference price's present state.
pub(crate) fn commands(
    instrument: InstrumentId,
    now: Option<&Reference>,
    new: &ChangedSymbol,
) -> Result<Vec<Admin>, ApiError> {
    let mut commands = Vec::new();
    if let Some(rules) = &new.execution_rules {
        let range = range(rules)?;
        commands.push(Admin::SetExecutionRules(Box::new(ExecutionRules {
            instrument,
            range,
        })));
    }
    if new.reference_price.is_none() && new.reference_price_calculation.is_none() {
        return Ok(commands);
    }
    let told = now.and_then(|now| now.calculation);
    let calculation = match &new.reference_price_calculation {
        Some(given) => given.as_ref().map(calculation),
        // who names a price sets it by hand, unless it came from outside before
        None => match told {
            Some(Calculation::External(id)) => Some(Calculation::External(id)),
            _ => Some(Calculation::External(0)),
        },
    };
    let price = match (&new.reference_price, calculation) {
        (Some(Some(text)), _) => Some(decimal("referencePrice", "price", text)?),
        (None, Some(Calculation::External(_))) => now.and_then(|now| now.price),
        _ => None,
    };
    let set = SetReference {
        instrument,
        calculation,
        price,
    };
    if !Reference::new(&set, types::Time(0)).is_sound() {
        return Err(wrong(format!(
            "The reference price cannot be set so: a price is positive and goes with calculationType EXTERNAL; bucketCount is 1 to {}, bucketWidthMs 1 to {}.",
            Calculation::MAX_BUCKETS,
            Calculation::MAX_WIDTH_MS
        )));
    }
    commands.push(Admin::SetReference(set));
    Ok(commands)
}

fn calculation(new: &NewCalculation) -> Calculation {
    match new {
        NewCalculation::External {
            external_calculation_id,
        } => Calculation::External(*external_calculation_id),
        NewCalculation::Mean {
            bucket_count,
            bucket_width_ms,
        } => Calculation::Mean(Mean {
            count: *bucket_count,
            width_ms: *bucket_width_ms,
        }),
    }
}

/// No rule ends the range.
fn range(rules: &[NewRule]) -> Result<Option<PriceRange>, ApiError> {
    let multiple = |name: &str, text: &Option<String>| -> Result<Option<Decimal>, ApiError> {
        text.as_deref()
            .map(|text| decimal("PRICE_RANGE", name, text))
            .transpose()
    };
    let range = match rules {
        [] => return Ok(None),
        [
            NewRule::PriceRange {
                bid_limit_mult_up,
                bid_limit_mult_down,
                ask_limit_mult_up,
                ask_limit_mult_down,
            },
        ] => PriceRange {
            bid_up: multiple("bidLimitMultUp", bid_limit_mult_up)?,
            bid_down: multiple("bidLimitMultDown", bid_limit_mult_down)?,
            ask_up: multiple("askLimitMultUp", ask_limit_mult_up)?,
            ask_down: multiple("askLimitMultDown", ask_limit_mult_down)?,
        },
        _ => return Err(wrong("executionRules holds PRICE_RANGE once at most.")),
    };
    if !range.is_valid() {
        return Err(wrong(
            "PRICE_RANGE: at least one multiplier is expected, each above zero, and none down above its up.",
        ));
    }
    Ok(Some(range))
}

impl crate::desk::Sandbox {
    /// Records a trade that two accounts agreed on outside of the book.
    pub(crate) async fn block_trade(&self, symbol: &str, body: &[u8]) -> crate::desk::Answer {
        let new: body::NewBlockTrade = body::read(body)?;
        let found = self.views().instrument(symbol);
        let instrument = found.ok_or_else(|| ApiError::bad_symbol().with_status(404))?;
        let trade = BlockTrade {
            instrument: instrument.id,
            buyer: self.known_account(&new.buyer.to_string())?,
            seller: self.known_account(&new.seller.to_string())?,
            price: decimal("blockTrade", "price", &new.price)?,
            qty: decimal("blockTrade", "quantity", &new.quantity)?,
            buyer_is_maker: new.is_buyer_maker,
        };
        match self.try_admin(Admin::RecordBlockTrade(trade)).await? {
            Ok(_) => Ok(written(|json| {
                json.str("symbol", symbol)
                    .dec("price", trade.price)
                    .dec("qty", trade.qty);
                json.flag("isBuyerMaker", trade.buyer_is_maker);
            })),
            Err(RejectCode::InvalidBlockTrade) => Err(wrong(
                "That is no block trade: two different accounts, a positive price on tickSize and a positive quantity on stepSize are expected.",
            )),
            Err(code) => Err(code.into()),
        }
    }
}
