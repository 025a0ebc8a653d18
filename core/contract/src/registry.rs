use core::fmt;

use types::{ContractKind, ProductId};

use crate::{Contract, MAX_PRODUCT, Product};

/// Which contracts and products an engine knows.
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

    /// # Panics
    /// When its kind is taken: a defect of the wiring.
    #[must_use]
    pub fn contract(mut self, contract: impl Contract + 'static) -> Registry {
        assert!(
            self.contract_of(contract.kind()).is_none(),
            "contract kind {} is registered twice",
            contract.kind()
        );
        self.contracts.push(Box::new(contract));
        self
    }

    /// # Panics
    /// When its id is taken or beyond [`MAX_PRODUCT`]: a defect of the wiring.
    #[must_use]
    pub fn product(mut self, product: impl Product + 'static) -> Registry {
        let id = product.id();
        assert!(id <= MAX_PRODUCT, "product {id} has no pool account");
        assert!(
            self.products.iter().all(|p| p.id() != id),
            "product {id} is registered twice"
        );
        self.products.push(Box::new(product));
        self.products.sort_by_key(|p| p.id());
        self
    }

    #[must_use]
    pub fn contract_of(&self, kind: ContractKind) -> Option<&dyn Contract> {
        self.contracts
            .iter()
            .find(|c| c.kind() == kind)
            .map(|c| &**c)
    }

    /// Where the contract of this kind stands among [`Registry::contract_at`].
    #[must_use]
    pub fn position_of(&self, kind: ContractKind) -> Option<usize> {
        self.contracts.iter().position(|c| c.kind() == kind)
    }

    /// # Panics
    /// Beyond the registered contracts.
    #[must_use]
    pub fn contract_at(&self, position: usize) -> &dyn Contract {
        &*self.contracts[position]
    }

    /// In the order of their ids.
    #[must_use]
    pub fn products(&self) -> &[Box<dyn Product>] {
        &self.products
    }

    pub fn products_mut(&mut self) -> &mut [Box<dyn Product>] {
        &mut self.products
    }

    pub fn product_mut(&mut self, id: ProductId) -> Option<&mut Box<dyn Product>> {
        self.products.iter_mut().find(|p| p.id() == id)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("contracts", &self.contracts.len())
            .field("products", &self.products.len())
            .finish()
    }
}
