//! The two plugs of the exchange: [`Contract`] for whatever has a book, [`Product`] for whatever has none, and the [`Registry`] that joins
//! them to the engine.

use types::{ContractKind, ProductId};

/// How an order or a position exposes its owner, and how a match settles.
pub trait Contract: Send {
    fn kind(&self) -> ContractKind;
}

/// A product without a book.
pub trait Product: Send {
    fn id(&self) -> ProductId;
}

/// Which contracts and products an engine knows. A new product is one line where this is built.
#[derive(Default)]
pub struct Registry {
    contracts: Vec<Box<dyn Contract>>,
    products: Vec<Box<dyn Product>>,
}

impl Registry {
    #[must_use]
    pub fn new() -> Registry {
        Registry::default()
    }

    #[must_use]
    pub fn contract(mut self, contract: impl Contract + 'static) -> Registry {
        self.contracts.push(Box::new(contract));
        self
    }

    #[must_use]
    pub fn product(mut self, product: impl Product + 'static) -> Registry {
        self.products.push(Box::new(product));
        self
    }
}

impl core::fmt::Debug for Registry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Registry")
            .field("contracts", &self.contracts.len())
            .field("products", &self.products.len())
            .finish()
    }
}
