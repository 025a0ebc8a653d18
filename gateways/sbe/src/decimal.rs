//! Numbers of JSON as integers, without binary fractions in between.

use serde_json::Value;

/// Why a text has no mantissa.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It needs this exponent.
    Finer(i8),
    NoNumber,
}

/// How many units of 10^`exponent` a decimal is.
pub fn mantissa(value: &Value, exponent: i8) -> Result<i128, Unfit> {
    let number;
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::Number(_) => {
            number = value.to_string();
            &number
        }
        _ => return Err(Unfit::NoNumber),
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let places = usize::from(exponent.unsigned_abs());
    let Some(zeros) = places.checked_sub(fraction.len()) else {
        let finer = i8::try_from(fraction.len()).map_err(|_| Unfit::NoNumber)?;
        return Err(Unfit::Finer(-finer));
    };
    let mut sum = 0_i128;
    for digit in whole
        .bytes()
        .chain(fraction.bytes())
        .chain(std::iter::repeat_n(b'0', zeros))
    {
        if !digit.is_ascii_digit() {
            return Err(Unfit::NoNumber);
        }
        sum = sum
            .checked_mul(10)
            .and_then(|sum| sum.checked_add(i128::from(digit - b'0')))
            .ok_or(Unfit::NoNumber)?;
    }
    Ok(if negative { -sum } else { sum })
}

/// A mantissa as text.
pub fn text(mantissa: i128, exponent: i8) -> String {
    let places = usize::from(exponent.unsigned_abs());
    let digits = format!("{:0>width$}", mantissa.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let sign = if mantissa < 0 { "-" } else { "" };
    if places == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// An integer, or one that JSON writes as text.
pub fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A percentage: the one place where the format itself has a binary fraction.
pub fn float(value: &Value) -> Option<f32> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// Whether JSON says what a table calls its word for null.
pub fn same(value: &Value, default: &str) -> bool {
    match value {
        Value::String(text) if text == default => true,
        Value::Bool(flag) => default == if *flag { "true" } else { "false" },
        _ => match (mantissa(value, -18), mantissa(&default.into(), -18)) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        },
    }
}
