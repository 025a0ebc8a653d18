//! Execution rules and reference prices.
//!
//! A market may bound the prices at which a taker trades, around a reference price that the engine computes or is told. No market here does:
//! each lists no rules, and has no reference price (-2043).

use kit::{ApiError, Call, Context, Handler, Input, Kind, Method, Outcome, Param, Weight};

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
        Handler::Now(no_reference_price),
    ),
    Method::public(
        "/api/v3/referencePrice/calculation",
        Some("referencePrice.calculation"),
        Weight::Fixed(2),
        &[
            Param::required("symbol", Kind::Symbol),
            Param::optional("symbolStatus", SYMBOL_STATUS),
        ],
        Handler::Now(no_reference_price),
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
                json.array("rules", |_| {}).end();
            }
        });
        json.end();
    })
}

fn no_reference_price(ctx: &Context, call: &Call) -> Outcome {
    symbols::instrument(ctx, call)?;
    Err(ApiError::no_reference_price())
}
