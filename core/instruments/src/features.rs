//! What a market offers.

use protocol::{Denied, Feature, ListKind, OrderKind, PlaceOrder, RejectCode};
use types::Decimal;

use crate::Spec;

impl Spec {
    fn denies(&self, feature: Feature) -> bool {
        self.instrument.denied.contains(feature)
    }

    /// Whether orders of this kind, and with what is asked of this one, are offered.
    ///
    /// # Errors
    /// The code that names what is not.
    #[cold]
    pub fn offers(&self, c: &PlaceOrder) -> Result<(), RejectCode> {
        let extras = c.extras.as_deref();
        let kind = match c.kind {
            OrderKind::Limit | OrderKind::LimitMaker => None,
            OrderKind::Market => Some((Feature::Market, RejectCode::MarketOrdersUnsupported)),
            OrderKind::StopLoss => Some((Feature::StopLoss, RejectCode::StopLossUnsupported)),
            OrderKind::StopLossLimit => {
                Some((Feature::StopLossLimit, RejectCode::StopLossLimitUnsupported))
            }
            OrderKind::TakeProfit => Some((Feature::TakeProfit, RejectCode::TakeProfitUnsupported)),
            OrderKind::TakeProfitLimit => Some((
                Feature::TakeProfitLimit,
                RejectCode::TakeProfitLimitUnsupported,
            )),
        };
        let asked = [
            kind,
            (c.quote_qty != Decimal::ZERO)
                .then_some((Feature::QuoteQty, RejectCode::QuoteQtyUnsupported)),
            extras
                .is_some_and(|extras| extras.iceberg_qty != Decimal::ZERO)
                .then_some((Feature::Iceberg, RejectCode::IcebergUnsupported)),
            extras
                .is_some_and(|extras| extras.trailing_delta != 0)
                .then_some((Feature::Trailing, RejectCode::TrailingUnsupported)),
            extras
                .is_some_and(|extras| extras.peg.is_some())
                .then_some((Feature::Peg, RejectCode::PegUnsupported)),
        ];
        let refused = asked
            .into_iter()
            .flatten()
            .find(|(feature, _)| self.denies(*feature));
        refused.map_or(Ok(()), |(_, code)| Err(code))
    }

    /// Whether lists of this kind are offered: each of the words that make it up.
    ///
    /// # Errors
    /// `OcoUnsupported`, `OtoUnsupported`, `OpoUnsupported`.
    pub fn offers_list(&self, kind: ListKind) -> Result<(), RejectCode> {
        if self.instrument.denied == Denied::NONE {
            return Ok(());
        }
        let parts = [
            (kind.pays(), Feature::Opo, RejectCode::OpoUnsupported),
            (
                kind.has_working() && !kind.pays(),
                Feature::Oto,
                RejectCode::OtoUnsupported,
            ),
            (kind.has_pair(), Feature::Oco, RejectCode::OcoUnsupported),
        ];
        let refused = parts
            .into_iter()
            .find(|(has, feature, _)| *has && self.denies(*feature));
        refused.map_or(Ok(()), |(_, _, code)| Err(code))
    }

    /// # Errors
    /// `AmendUnsupported`.
    pub fn offers_amends(&self) -> Result<(), RejectCode> {
        match self.denies(Feature::Amend) {
            true => Err(RejectCode::AmendUnsupported),
            false => Ok(()),
        }
    }

    /// # Errors
    /// `CancelReplaceUnsupported`.
    pub fn offers_cancel_replace(&self) -> Result<(), RejectCode> {
        match self.denies(Feature::CancelReplace) {
            true => Err(RejectCode::CancelReplaceUnsupported),
            false => Ok(()),
        }
    }
}
