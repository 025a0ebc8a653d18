//! What a symbol offers: the words of exchangeInfo, to commands.

use kit::{ApiError, words};
use protocol::{Admin, Denied, Feature, Instrument, SetFeatures, StpMode, StpModes};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::body::{unread, wrong};

/// Each as exchangeInfo calls it; what is left out stays.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct NewFeatures {
    pub order_types: Option<Vec<String>>,
    pub iceberg_allowed: Option<bool>,
    pub oco_allowed: Option<bool>,
    pub oto_allowed: Option<bool>,
    pub opo_allowed: Option<bool>,
    pub quote_order_qty_market_allowed: Option<bool>,
    pub allow_trailing_stop: Option<bool>,
    pub cancel_replace_allowed: Option<bool>,
    pub amend_allowed: Option<bool>,
    pub peg_instructions_allowed: Option<bool>,
    /// The modes of self-trade prevention that orders may ask for.
    pub stp_modes: Option<Vec<String>>,
    /// The mode of orders that ask for none.
    pub default_stp_mode: Option<String>,
}

/// The fields of [`NewFeatures`].
pub(crate) const NAMES: &[&str] = &[
    "orderTypes",
    "icebergAllowed",
    "ocoAllowed",
    "otoAllowed",
    "opoAllowed",
    "quoteOrderQtyMarketAllowed",
    "allowTrailingStop",
    "cancelReplaceAllowed",
    "amendAllowed",
    "pegInstructionsAllowed",
    "stpModes",
    "defaultStpMode",
];

fn mode(name: &str) -> Result<StpMode, ApiError> {
    let found = words::stp_named(name);
    found.ok_or_else(|| {
        let known = StpMode::ALL.map(words::stp).join(", ");
        wrong(format!(
            "'{name}' is not a mode of self-trade prevention: one of {known} is expected."
        ))
    })
}

/// Without the kinds of orders that are not named.
fn kinds(denied: Denied, names: &[String]) -> Result<Denied, ApiError> {
    let known = |name: &String| words::ORDER_TYPES.iter().any(|(kind, _)| kind == name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        let known: Vec<&str> = words::ORDER_TYPES.iter().map(|(kind, _)| *kind).collect();
        return Err(wrong(format!(
            "orderTypes: '{name}' is not an order type: {} are expected.",
            known.join(", ")
        )));
    }
    let mut denied = denied;
    for (kind, feature) in words::ORDER_TYPES {
        let named = names.iter().any(|name| name == kind);
        denied = match (feature, named) {
            (Some(feature), true) => denied.without(*feature),
            (Some(feature), false) => denied.with(*feature),
            (None, true) => denied,
            (None, false) => {
                return Err(wrong(
                    "orderTypes: LIMIT and LIMIT_MAKER are always there, and must be named.",
                ));
            }
        };
    }
    Ok(denied)
}

/// The command that makes a symbol offer this; `None` when nothing is to be changed.
pub(crate) fn command(now: &Instrument, new: &NewFeatures) -> Result<Option<Admin>, ApiError> {
    let flags = [
        (new.iceberg_allowed, Feature::Iceberg),
        (new.oco_allowed, Feature::Oco),
        (new.oto_allowed, Feature::Oto),
        (new.opo_allowed, Feature::Opo),
        (new.quote_order_qty_market_allowed, Feature::QuoteQty),
        (new.allow_trailing_stop, Feature::Trailing),
        (new.cancel_replace_allowed, Feature::CancelReplace),
        (new.amend_allowed, Feature::Amend),
        (new.peg_instructions_allowed, Feature::Peg),
    ];
    let mut denied = now.denied;
    for (flag, feature) in flags {
        denied = match flag {
            Some(true) => denied.without(feature),
            Some(false) => denied.with(feature),
            None => denied,
        };
    }
    if let Some(names) = &new.order_types {
        denied = kinds(denied, names)?;
    }
    let allowed_stp = match &new.stp_modes {
        None => now.allowed_stp,
        Some(names) => {
            let add = |modes: StpModes, name: &String| mode(name).map(|mode| modes.with(mode));
            names.iter().try_fold(StpModes(0), add)?
        }
    };
    let default_stp = match &new.default_stp_mode {
        None => now.default_stp,
        Some(name) => mode(name)?,
    };
    if !allowed_stp.contains(default_stp) {
        return Err(wrong(format!(
            "stpModes has no {}, which orders get that ask for none; name it, or another defaultStpMode.",
            words::stp(default_stp)
        )));
    }
    let next = SetFeatures {
        instrument: now.id,
        denied: denied.0,
        default_stp,
        allowed_stp,
    };
    let same = (denied, default_stp, allowed_stp) == (now.denied, now.default_stp, now.allowed_stp);
    Ok((!same).then_some(Admin::SetFeatures(next)))
}

impl NewFeatures {
    /// Takes these fields off an object; the others stay.
    pub fn take(object: &mut Map<String, Value>) -> Result<NewFeatures, ApiError> {
        let mut own = Map::new();
        for name in NAMES {
            if let Some(value) = object.remove(*name) {
                own.insert((*name).to_owned(), value);
            }
        }
        serde_json::from_value(Value::Object(own)).map_err(|error| unread(&error))
    }

    pub fn is_empty(&self) -> bool {
        let flags = [
            self.iceberg_allowed,
            self.oco_allowed,
            self.oto_allowed,
            self.opo_allowed,
            self.quote_order_qty_market_allowed,
            self.allow_trailing_stop,
            self.cancel_replace_allowed,
            self.amend_allowed,
            self.peg_instructions_allowed,
        ];
        flags.iter().all(Option::is_none)
            && self.order_types.is_none()
            && self.stp_modes.is_none()
            && self.default_stp_mode.is_none()
    }
}
