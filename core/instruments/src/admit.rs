//! What may be listed at all.

use protocol::{Denied, Instrument, LotSizeFilter, RejectCode, StpModes};
use types::{Decimal, Rate};

use crate::MAX_AVG_PRICE_MINS;

/// 1 to 50 characters: letters without lower case, digits, `-`, `.`, `_`, `&`.
#[must_use]
pub fn is_symbol(text: &str) -> bool {
    (1..=50).contains(&text.chars().count()) && text.chars().all(is_symbol_char)
}

/// 1 to 20 characters: letters without lower case and digits.
#[must_use]
pub fn is_asset_name(text: &str) -> bool {
    (1..=20).contains(&text.chars().count())
        && text
            .chars()
            .all(|c| c.is_alphanumeric() && !c.is_lowercase())
}

fn is_symbol_char(c: char) -> bool {
    (c.is_alphanumeric() && !c.is_lowercase()) || "-._&".contains(c)
}

pub(crate) fn check(instrument: &Instrument) -> Result<(), RejectCode> {
    if !is_symbol(&instrument.symbol) {
        return Err(RejectCode::InvalidName);
    }
    let f = &instrument.filters;
    let price = f
        .price
        .is_none_or(|p| positive(&[p.min, p.max, p.tick]) && ordered(p.min, p.max));
    let notional = f.notional.is_none_or(|n| {
        positive(&[n.min, n.max]) && ordered(n.min, n.max) && n.avg_price_mins <= MAX_AVG_PRICE_MINS
    });
    let percent = f.percent_price_by_side.is_none_or(|p| {
        positive(&[p.bid_up, p.bid_down, p.ask_up, p.ask_down])
            && p.bid_down <= p.bid_up
            && p.ask_down <= p.ask_up
            && p.avg_price_mins <= MAX_AVG_PRICE_MINS
    });
    let either_side = f.percent_price.is_none_or(|p| {
        positive(&[p.up, p.down]) && p.down <= p.up && p.avg_price_mins <= MAX_AVG_PRICE_MINS
    });
    let least = f
        .min_notional
        .is_none_or(|n| positive(&[n.min]) && n.avg_price_mins <= MAX_AVG_PRICE_MINS);
    let trailing = f
        .trailing_delta
        .is_none_or(|t| t.min_above <= t.max_above && t.min_below <= t.max_below);
    let position = f.max_position.is_none_or(|max| max.0 >= 0);
    let lots = f.lot_size.is_none_or(|l| lot(&l)) && f.market_lot_size.is_none_or(|l| lot(&l));
    let fees = [instrument.maker_fee, instrument.taker_fee]
        .iter()
        .all(|fee| (Rate(0)..=Rate(Decimal::SCALE)).contains(fee));
    let known = StpModes::ALL.0 & instrument.allowed_stp.0 == instrument.allowed_stp.0
        && Denied::EVERY.0 & instrument.denied.0 == instrument.denied.0;
    let stp = known && instrument.allowed_stp.contains(instrument.default_stp);
    let later = either_side && least && trailing && position;
    if price && notional && percent && lots && fees && stp && later {
        Ok(())
    } else {
        Err(RejectCode::InvalidSpecification)
    }
}

fn lot(l: &LotSizeFilter) -> bool {
    positive(&[l.min, l.max, l.step]) && ordered(l.min, l.max)
}

fn positive(values: &[Decimal]) -> bool {
    values.iter().all(|v| v.0 >= 0)
}

fn ordered(min: Decimal, max: Decimal) -> bool {
    max.is_zero() || min <= max
}
