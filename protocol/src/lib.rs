//! What crosses the exchange's inner border, and its bytes: [`Request`] in, [`Reply`] or [`Reject`] and [`Event`]s out.
//!
//! No dialect here: names and codes of a wire API appear only in the table of [`RejectCode`], which says what each refusal is called there.
//!
//! Prices and quantities are [`types::Decimal`] (10⁻⁸), so that a record explains itself even after an instrument's tick has changed; ticks
//! and lots exist only inside the core. Amounts are atoms of the asset named beside them.
//!
//! A record in the journal is `Request` bytes; its events are written to the event log. Both are read back by [`codec::Wire::take`], and both
//! are under the chain: `chain' = xxh3(chain, seq, time, request bytes, event bytes)`, see [`chain`].

#[macro_use]
pub mod codec;
mod aggregate;
mod batch;
#[cfg(test)]
mod book_golden;
mod command;
mod event;
mod fees;
mod instrument;
mod limits;
mod list;
mod order;
mod reference;
mod reject;
mod reply;
mod routing;

pub use aggregate::{Aggregate, aggregates};
pub use batch::{Batch, Executed};
pub use codec::{Malformed, Wire};
pub use command::{
    Admin, AmendOrder, BalanceLock, BlockTrade, BothKeys, CancelAll, CancelList, CancelOrder,
    CancelReplace, CancelReplaceMode, CancelRestriction, Command, Fund, ListInstrument, NewAsset,
    OrderKey, PlaceList, PlaceOrder, ProductCommand, Request, SetFeatures, SetFilters, SetStatus,
    SetTradeGroup, Transfer, Wake,
};
pub use event::{
    AssetCreated, BalanceChanged, BlockTraded, CloseReason, Event, Events, IcebergShown,
    MarketRestored, MatchPrevented, MatchPreventedInGroup, OrderActivated, OrderAmended,
    OrderClosed, OrderDecremented, OrderPegged, OrderPlaced, OrderRested, OrderTriggered, Party,
    Traded, TrailingStarted, Transferred, WaitingAmended, WaitingDecremented,
};
pub use fees::{
    AccountFees, Commission, Discount, FeeParts, FeeSchedule, InstrumentFees, SetAccountFees, Tier,
    TierRule,
};
pub use instrument::{
    Denied, Feature, Filters, Instrument, LotSizeFilter, MarketStatus, MinNotionalFilter,
    NotionalFilter, PercentPriceBySideFilter, PercentPriceFilter, PriceFilter, TrailingDeltaFilter,
};
pub use limits::{ExchangeFilters, MaxAsset};
pub use list::{ListKind, ListLeg, OrderList};
pub use order::{
    Condition, Extras, More, Order, OrderKind, OrderStatus, Peg, PegKind, Pegged, StpMode,
    StpModes, TimeInForce,
};
pub use reference::{Calculation, ExecutionRules, Mean, PriceRange, Reference, SetReference, Span};
pub use reject::{Reject, RejectCode};
pub use reply::{Amended, CancelReplaced, ListReply, Placed, Reply};
pub use routing::{Allocated, SetRouting, WorkingFloor};

/// Continues the hash chain over one accepted record: its place, its time, its request and everything that followed from it.
#[must_use]
pub fn chain(
    previous: u64,
    seq: types::Seq,
    time: types::Time,
    request: &[u8],
    events: &[u8],
) -> u64 {
    let head = xxhash_rust::xxh3::xxh3_64_with_seed(&head_bytes(seq, time), previous);
    let request = xxhash_rust::xxh3::xxh3_64_with_seed(request, head);
    xxhash_rust::xxh3::xxh3_64_with_seed(events, request)
}

fn head_bytes(seq: types::Seq, time: types::Time) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&seq.0.to_le_bytes());
    bytes[8..].copy_from_slice(&time.0.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use types::*;

    use super::*;

    fn samples() -> Vec<Request> {
        let place = PlaceOrder {
            instrument: InstrumentId(7),
            side: Side::Sell,
            kind: OrderKind::Limit,
            tif: TimeInForce::Gtc,
            stp: Some(StpMode::ExpireMaker),
            price: Decimal(6_543_210_000_000),
            qty: Decimal(150_000),
            quote_qty: Decimal::ZERO,
            client_id: ClientId::new("web_0123456789abcdefAB").unwrap(),
            strategy_id: None,
            strategy_kind: Some(1_000_001),
            extras: None,
        };
        let cancel = CancelOrder {
            instrument: InstrumentId(7),
            order: OrderKey::Both(BothKeys {
                id: OrderId(9),
                client_id: ClientId::new("a").unwrap(),
            }),
            client_id: ClientId::new("b").unwrap(),
            restriction: Some(CancelRestriction::OnlyNew),
        };
        let commands = [
            Command::PlaceOrder(place.clone()),
            Command::CancelOrder(cancel.clone()),
            Command::CancelAll(CancelAll {
                instrument: InstrumentId(1),
                client_id: ClientId::NONE,
            }),
            Command::CancelReplace(Box::new(CancelReplace {
                cancel,
                place,
                mode: CancelReplaceMode::AllowFailure,
            })),
            Command::AmendOrder(AmendOrder {
                instrument: InstrumentId(2),
                order: OrderKey::Id(OrderId(u64::MAX)),
                new_qty: Decimal(1),
                client_id: ClientId::new("n").unwrap(),
            }),
            Command::Transfer(Transfer {
                from: Wallet::SPOT,
                to: Wallet::FUNDING,
                asset: AssetId(3),
                amount: Amount(i128::MAX),
            }),
            Command::Wake(Wake { budget: 64 }),
            Command::Product(ProductCommand {
                product: ProductId(2),
                body: Box::from(&b"body"[..]),
            }),
            Command::Admin(Admin::OpenAccount),
            Command::Admin(Admin::CreateAsset(NewAsset {
                name: "TIDE".into(),
                precision: 8,
            })),
            Command::Admin(Admin::HaltInstrument(InstrumentId(4))),
        ];
        let request = |command| Request {
            actor: AccountId(1001),
            id: RequestId(5),
            expires: Time(1_700_000_000_000_000),
            command,
        };
        commands.into_iter().map(request).collect()
    }

    /// `tests/golden/requests-1.bin` was written when format 1 was made and must be read, and written again, for ever.
    #[test]
    fn requests_read_back_and_equal_the_golden_bytes() {
        let golden: &[u8] = include_bytes!("../tests/golden/requests-1.bin");
        let mut bytes = Vec::new();
        for request in samples() {
            request.put(&mut bytes);
        }
        if std::env::var_os("WRITE_GOLDEN").is_some() {
            std::fs::write(
                concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/requests-1.bin"),
                &bytes,
            )
            .unwrap();
            return;
        }
        assert_eq!(
            bytes, golden,
            "the byte form of a request changed: old journals would not be read"
        );
        let mut rest = golden;
        for request in samples() {
            assert_eq!(Request::take(&mut rest).unwrap(), request);
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn a_placed_order_stays_within_the_hot_record() {
        let mut bytes = Vec::new();
        samples()[0].put(&mut bytes);
        assert!(
            bytes.len() <= 96,
            "{} bytes; with the journal's frame a hot record may have 128",
            bytes.len()
        );
    }

    #[test]
    fn every_prefix_is_refused() {
        for request in samples() {
            let mut bytes = Vec::new();
            request.put(&mut bytes);
            for end in 0..bytes.len() {
                assert!(
                    Request::take(&mut &bytes[..end]).is_err(),
                    "{request:?} cut at {end}"
                );
            }
        }
    }

    #[test]
    fn the_chain_depends_on_every_part() {
        let base = chain(1, Seq(1), Time(1), b"ab", b"c");
        for other in [
            chain(2, Seq(1), Time(1), b"ab", b"c"),
            chain(1, Seq(2), Time(1), b"ab", b"c"),
            chain(1, Seq(1), Time(2), b"ab", b"c"),
            chain(1, Seq(1), Time(1), b"a", b"bc"),
            chain(1, Seq(1), Time(1), b"ab", b""),
        ] {
            assert_ne!(base, other);
        }
    }
}
