//! Execution rules and reference prices.
//!
//! A market may bound the prices at which a taker trades, around a reference price that the engine computes or is told. A market
//! for which nobody set one lists no rules, and has no reference price (-2043); one that is set and not known at present is null.

use kit::{ApiError, Call, Context, Handler, Input, Json, Kind, Method, Outcome, Param, Weight};
use protocol::{Calculation, PriceRange};

use crate::orders::written;
use crate::symbols::{self, Chosen, SYMBOL_STATUS};

pub const METHODS: &[Method] = &[
    Method::public(
        "/api/v3/executionRules",
        Some("executionRules"),
        Weight::By(rules_weight),
        RULES,
        Handler::Now(rules),
    )
    .with_conditions(one_choice),
    Method::public(
        "/api/v3/referencePrice",
        Some("referencePrice"),
        Weight::Fixed(2),
        &[Param::required("symbol", Kind::Symbol)],
        Handler::Now(reference_price),
    ),
    Method::public(
        "/api/v3/referencePrice/calculation",
        Some("referencePrice.calculation"),
        Weight::Fixed(2),
        &[
            Param::required("symbol", Kind::Symbol),
            Param::optional("symbolStatus", SYMBOL_STATUS),
        ],
        Handler::Now(calculation),
    ),
];

const RULES: &[Param] = &[
    Param::optional("symbol", Kind::Symbol),
    Param::optional("symbols", Kind::Symbols),
    Param::optional("symbolStatus", SYMBOL_STATUS),
];
/// What asking for everything weighs.
const ALL_WEIGHT: u32 = 40;

fn rules_weight(input: &Input<'_>) -> u32 {
    symbols::how_many(input).map_or(ALL_WEIGHT, |count| count.saturating_mul(2).min(ALL_WEIGHT))
}

/// By a name, by names or by status: one of the three at most.
fn one_choice(input: &Input<'_>) -> Result<(), ApiError> {
    let given = ["symbol", "symbols", "symbolStatus"]
        .into_iter()
        .filter(|name| input.has(name));
    if given.count() > 1 {
        return Err(ApiError::bad_combination());
    }
    Ok(())
}

fn rules(ctx: &Context, call: &Call) -> Outcome {
    let list = match symbols::chosen(ctx, call)? {
        Chosen::One(one) => vec![one],
        Chosen::Several(list) => list,
    };
    written(call, |json| {
        json.begin().array("symbolRules", |json| {
            for one in &list {
                json.begin().str("symbol", &one.symbol);
                let range = ctx.views.price_range(one.id);
                json.array("rules", |json| {
                    if let Some(range) = range {
                        price_range(json, &range);
                    }
                });
                json.end();
            }
        });
        json.end();
    })
}

fn price_range(json: &mut Json, range: &PriceRange) {
    json.begin().str("ruleType", "PRICE_RANGE");
    for (name, multiple) in [
        ("bidLimitMultUp", range.bid_up),
        ("bidLimitMultDown", range.bid_down),
        ("askLimitMultUp", range.ask_up),
        ("askLimitMultDown", range.ask_down),
    ] {
        if let Some(multiple) = multiple {
            json.dec(name, multiple);
        }
    }
    json.end();
}

fn reference_price(ctx: &Context, call: &Call) -> Outcome {
    let instrument = symbols::instrument(ctx, call)?;
    let reference = ctx.views.reference(instrument.id);
    let reference = reference.ok_or_else(ApiError::no_reference_price)?;
    let now = ctx.now();
    written(call, |json| {
        json.begin().str("symbol", &instrument.symbol);
        match reference.at(now) {
            Some(price) => json.dec("referencePrice", price),
            None => json.null("referencePrice"),
        };
        json.time("timestamp", reference.valid_at(now)).end();
    })
}

fn calculation(ctx: &Context, call: &Call) -> Outcome {
    let instrument = symbols::instrument(ctx, call)?;
    let reference = ctx.views.reference(instrument.id);
    let calculation = reference.and_then(|reference| reference.calculation);
    let calculation = calculation.ok_or_else(ApiError::no_reference_price)?;
    written(call, |json| {
        json.begin().str("symbol", &instrument.symbol);
        match calculation {
            Calculation::External(id) => json
                .str("calculationType", "EXTERNAL")
                .num("externalCalculationId", id),
            Calculation::Mean(mean) => json
                .str("calculationType", "ARITHMETIC_MEAN")
                .num("bucketCount", mean.count)
                .num("bucketWidthMs", mean.width_ms),
        };
        json.end();
    })
}
