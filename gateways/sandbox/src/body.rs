//! What requests may say.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use identity::{KeyKind, Permissions};
use kit::ApiError;
use protocol::MarketStatus;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use types::{Amount, Decimal};

use crate::features::NewFeatures;

/// Decimals of an asset that is created because somebody named it.
pub(crate) const PRECISION: u8 = 8;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct NewAccount {
    pub balances: BTreeMap<String, String>,
    pub key_type: Option<String>,
    pub public_key: Option<String>,
    pub permissions: Option<Vec<String>>,
    pub ips: Vec<IpAddr>,
}

/// A key for an account: the same fields as with a new account.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct KeyWanted {
    pub key_type: Option<String>,
    pub public_key: Option<String>,
    pub permissions: Option<Vec<String>>,
    pub ips: Vec<IpAddr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fund {
    pub asset: String,
    pub amount: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct NewSymbol {
    pub symbol: String,
    pub base_asset: String,
    pub quote_asset: String,
    #[serde(default)]
    pub filters: Vec<serde_json::Value>,
}

/// A trade of two accounts outside of the book.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct NewBlockTrade {
    pub buyer: u32,
    pub seller: u32,
    pub price: String,
    pub quantity: String,
    #[serde(default)]
    pub is_buyer_maker: bool,
}

/// What to change of a symbol; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ChangedSymbol {
    pub status: Option<String>,
    pub filters: Option<Vec<serde_json::Value>>,
    #[serde(default, deserialize_with = "given")]
    pub reference_price: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub reference_price_calculation: Option<Option<crate::rules::NewCalculation>>,
    pub execution_rules: Option<Vec<crate::rules::NewRule>>,
    /// A routing group; `null`: none.
    #[serde(default, deserialize_with = "given")]
    pub sor: Option<Option<String>>,
}

impl ChangedSymbol {
    pub fn is_empty(&self) -> bool {
        self.status.is_none()
            && self.filters.is_none()
            && self.reference_price.is_none()
            && self.reference_price_calculation.is_none()
            && self.execution_rules.is_none()
            && self.sor.is_none()
    }
}

/// Tells `null` from what is not there.
fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// -1130 with a sentence of our own.
pub(crate) fn wrong(what: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::new(-1130, what)
}

/// Reads a body; none at all is as good as `{}`.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.trim_ascii().is_empty() {
        b"{}"
    } else {
        body
    };
    serde_json::from_slice(body).map_err(|error| unread(&error))
}

pub(crate) fn unread(error: &serde_json::Error) -> ApiError {
    let text = format!("The body cannot be read: {error}. A JSON object is expected.");
    ApiError::new(-1135, text)
}

/// What to change of a symbol: what it offers, and the rest.
pub(crate) fn changed_symbol(body: &[u8]) -> Result<(NewFeatures, ChangedSymbol), ApiError> {
    let mut object: serde_json::Map<String, serde_json::Value> = read(body)?;
    let features = NewFeatures::take(&mut object)?;
    let rest = serde_json::Value::Object(object);
    let rest: ChangedSymbol = serde_json::from_value(rest).map_err(|error| unread(&error))?;
    if features.is_empty() && rest.is_empty() {
        return Err(wrong(format!(
            "Nothing is to be changed; `status`, `filters`, `referencePrice`, `referencePriceCalculation`, `executionRules`, `sor` or one of {} is expected.",
            crate::features::NAMES.join(", ")
        )));
    }
    Ok((features, rest))
}

/// An amount of an asset with so many decimals, in its atoms.
pub(crate) fn amount(text: &str, precision: u8) -> Result<Amount, ApiError> {
    let refused = || {
        wrong(format!(
            "'{text}' is not an amount: a positive decimal of at most 20 digits and {precision} decimals is expected, as a string."
        ))
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits =
        |part: &str| (1..=20).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(refused());
    }
    let fraction = fraction.trim_end_matches('0');
    let missing = usize::from(precision)
        .checked_sub(fraction.len())
        .ok_or_else(refused)?;
    let digits = format!("{whole}{fraction}{}", "0".repeat(missing));
    match digits.parse::<i128>() {
        Ok(atoms) if atoms > 0 => Ok(Amount(atoms)),
        _ => Err(refused()),
    }
}

/// Upper-case letters and digits, at most 20.
pub(crate) fn asset_name(name: &str) -> Result<&str, ApiError> {
    let legal = |c: char| c.is_alphanumeric() && !c.is_lowercase();
    if (1..=20).contains(&name.chars().count()) && name.chars().all(legal) {
        Ok(name)
    } else {
        Err(wrong(format!(
            "'{name}' is not an asset's name: 1 to 20 upper-case letters and digits are expected."
        )))
    }
}

pub(crate) fn key_kind(name: Option<&str>) -> Result<KeyKind, ApiError> {
    let name = name.unwrap_or("HMAC");
    KeyKind::from_name(name).ok_or_else(|| {
        wrong(format!(
            "keyType '{name}' is not known: HMAC, ED25519 or RSA is expected."
        ))
    })
}

/// Both when nothing is said.
pub(crate) fn permissions(names: Option<&[String]>) -> Result<Permissions, ApiError> {
    let Some(names) = names else {
        return Ok(Permissions::ALL);
    };
    let mut permissions = Permissions {
        read: false,
        trade: false,
    };
    for name in names {
        match name.as_str() {
            "READ" => permissions.read = true,
            "TRADE" => permissions.trade = true,
            _ => {
                return Err(wrong(format!(
                    "permission '{name}' is not known: READ and TRADE are expected."
                )));
            }
        }
    }
    Ok(permissions)
}

pub(crate) fn market_status(name: &str) -> Result<MarketStatus, ApiError> {
    [
        MarketStatus::Trading,
        MarketStatus::Halt,
        MarketStatus::Break,
        MarketStatus::CancelOnly,
        MarketStatus::EndOfDay,
    ]
    .into_iter()
    .find(|status| kit::words::market_status(*status) == name)
    .ok_or_else(|| {
        wrong(format!(
            "status '{name}' is not known: TRADING, HALT, BREAK, CANCEL_ONLY or END_OF_DAY is expected."
        ))
    })
}

/// A field of a filter.
pub(crate) fn decimal(filter: &str, field: &str, text: &str) -> Result<Decimal, ApiError> {
    Decimal::parse(text).map_err(|_| {
        wrong(format!(
            "{filter}: {field} '{text}' is not a decimal of at most eight decimals."
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        assert_eq!(amount("1", 8).unwrap(), Amount(100_000_000));
        assert_eq!(amount("0.00000001", 8).unwrap(), Amount(1));
        assert_eq!(
            amount("99999999999999999999.99999999", 8).unwrap(),
            Amount(9_999_999_999_999_999_999_999_999_999)
        );
        assert_eq!(amount("5.00", 0).unwrap(), Amount(5));
        for text in [
            "",
            "0",
            "-1",
            "+1",
            "1e5",
            ".5",
            "1.",
            "0.000000001",
            "1,0",
            " 1",
            "123456789012345678901",
        ] {
            assert!(amount(text, 8).is_err(), "{text:?}");
        }
    }

    #[test]
    fn bodies_are_read_strictly() {
        assert!(read::<NewAccount>(b"").unwrap().balances.is_empty());
        assert!(read::<NewAccount>(b" {} ").unwrap().ips.is_empty());
        for body in [
            &b"[1]"[..],
            b"{\"x\":1}",
            b"{\"balances\":{\"A\":1}}",
            b"{\"ips\":[\"x\"]}",
            b"{",
            b"nonsense",
        ] {
            assert_eq!(
                read::<NewAccount>(body).err().unwrap().code,
                -1135,
                "{}",
                String::from_utf8_lossy(body)
            );
        }
        let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
        assert_eq!(read::<NewAccount>(&deep).err().unwrap().code, -1135);
        assert!(
            read::<Fund>(b"{\"asset\":\"BTC\"}")
                .err()
                .unwrap()
                .msg
                .contains("amount")
        );
    }

    #[test]
    fn words_are_checked() {
        assert_eq!(key_kind(None).unwrap(), KeyKind::Hmac);
        assert_eq!(key_kind(Some("RSA")).unwrap(), KeyKind::Rsa);
        assert!(key_kind(Some("hmac")).is_err());
        assert_eq!(permissions(None).unwrap(), Permissions::ALL);
        assert!(!permissions(Some(&["READ".into()])).unwrap().trade);
        assert!(permissions(Some(&["WITHDRAW".into()])).is_err());
        assert!(market_status("CLOSED").is_err());
        assert!(
            asset_name("btc").is_err() && asset_name("").is_err() && asset_name("1000SATS").is_ok()
        );
    }
}
