//! The two plugs of the exchange: [`Contract`] for whatever has a book, [`Product`] for whatever has none, [`Cx`], the narrow world that a
//! product's handler sees, and the [`Registry`] that joins them to the engine.
//!
//! A new product is one folder and one line where the registry is built; nothing in the engine names one.

mod cx;
mod registry;
mod terms;

pub use cx::Cx;
pub use registry::Registry;
pub use terms::Terms;

use protocol::{Instrument, RejectCode, Reply};
use types::{
    AccountId, Amount, AssetId, ContractKind, InstrumentId, OrderId, Price, ProductId, Qty, Rate,
    Side, Time, Wallet,
};

/// Which of an instrument's two assets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Leg {
    Base = 0,
    Quote = 1,
}

/// An amount of one of the instrument's assets that an order or a match takes from its owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hold {
    pub leg: Leg,
    pub amount: Amount,
}

/// Two orders that meet, as a contract has to settle them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Match {
    pub price: Price,
    pub qty: Qty,
    pub aggressor_side: Side,
    /// The whole commission of maker and taker, as a share of what each receives.
    pub rates: [Rate; 2],
}

/// What one party of a match gives and receives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// Signed changes of its balances of base and quote, after commission.
    pub legs: [Amount; 2],
    /// What the commission is reckoned on, before it.
    pub received: Amount,
    pub fee: Amount,
    pub fee_leg: Leg,
}

/// The postings of one match. They sum to zero in each leg: `maker + taker + fees`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settlement {
    /// Quote atoms that changed hands, before commission.
    pub quote: Amount,
    pub maker: Change,
    pub taker: Change,
    /// What the fees account receives of each leg.
    pub fees: [Amount; 2],
}

impl Settlement {
    /// Does it sum to zero?
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        (0..2).all(|i| self.maker.legs[i].0 + self.taker.legs[i].0 + self.fees[i].0 == 0)
    }
}

/// How an order exposes its owner, and how a match settles. Pure functions of the instrument's [`Terms`].
///
/// A contract promises: for any split of an order into fills at its limit or better, the sum of what [`Contract::settle`] takes from the
/// order's owner and of the [`Contract::exposure`] of what stays open never exceeds the exposure of the whole.
pub trait Contract: Send + Sync {
    fn kind(&self) -> ContractKind;

    /// # Errors
    /// When the specification is not one of this kind.
    fn admit(&self, instrument: &Instrument) -> Result<(), RejectCode>;

    /// The wallet that its orders draw on.
    fn wallet(&self, instrument: &Instrument) -> Wallet;

    /// What is held while an order of this price and open quantity rests.
    fn exposure(&self, terms: &Terms, side: Side, price: Price, open: Qty) -> Hold;

    /// What taking `qty` lots for `notional` (ticks x lots) from the book costs at most.
    fn cost(&self, terms: &Terms, side: Side, qty: Qty, notional: i128) -> Hold;

    /// The postings of a match. Cannot fail: what it takes was held or checked.
    fn settle(&self, terms: &Terms, matched: &Match) -> Settlement;
}

/// A fill, as products hear of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fill {
    pub instrument: InstrumentId,
    pub account: AccountId,
    pub order: OrderId,
    pub side: Side,
    pub price: Price,
    pub qty: Qty,
}

/// Bytes that a product did not write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CorruptProduct(pub String);

/// A product without a book. Its money lies in its pool account ([`pool`]), and [`Product::claims`] says whose it is.
pub trait Product: Send + Sync {
    fn id(&self) -> ProductId;

    /// Handles one command in the product's own bytes. After an `Err` the engine undoes every posting; the product must not have changed
    /// its own state either.
    ///
    /// # Errors
    /// The refusal.
    fn handle(
        &mut self,
        cx: &mut Cx<'_>,
        actor: AccountId,
        body: &[u8],
    ) -> Result<Reply, RejectCode>;

    /// When work falls due next.
    fn next_wake(&self) -> Option<Time> {
        None
    }

    /// Does due work, at most `budget` steps.
    fn wake(&mut self, _cx: &mut Cx<'_>, _budget: u32) {}

    /// Hears of each fill.
    fn filled(&mut self, _cx: &mut Cx<'_>, _fill: &Fill) {}

    /// What its pool owes, by asset; always equals the pool's balances.
    fn claims(&self) -> Vec<(AssetId, Amount)>;

    /// Appends the canonical bytes of its state.
    fn snapshot(&self, out: &mut Vec<u8>);

    /// # Errors
    /// When the bytes are not what `snapshot` writes.
    fn restore(&mut self, bytes: &[u8]) -> Result<(), CorruptProduct>;
}

/// The account in which a product keeps the money that others have a claim on.
#[must_use]
pub fn pool(product: ProductId) -> AccountId {
    AccountId(FIRST_POOL + u32::from(product.0))
}

/// The highest product id: pools lie between the fees account and the first user.
pub const MAX_PRODUCT: ProductId = ProductId(900);
const FIRST_POOL: u32 = 100;
