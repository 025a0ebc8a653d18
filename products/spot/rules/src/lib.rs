//! Spot: base and quote change hands at the match.

use contract::Contract;
use types::ContractKind;

/// The spot contract; kind 1.
#[derive(Debug, Default, Clone, Copy)]
pub struct Spot;

impl Spot {
    pub const KIND: ContractKind = ContractKind(1);
}

impl Contract for Spot {
    fn kind(&self) -> ContractKind {
        Self::KIND
    }
}
