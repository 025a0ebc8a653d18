//! The form of a snapshot, for ever; and what is not one.

use engine::{Engine, SNAPSHOT_VERSION};
use protocol::*;
use types::*;

use crate::support::*;

/// A state with something of everything in it.
fn sample() -> World {
    let filters = Filters {
        notional: Some(NotionalFilter {
            min: Decimal(1),
            apply_min_to_market: true,
            avg_price_mins: 5,
            ..NotionalFilter::default()
        }),
        ..Filters::default()
    };
    let mut world = World::with(registry(), filters);
    world.limit(ANN, Side::Sell, "101", "2");
    world.limit(BOB, Side::Sell, "101", "1");
    let mut named = limit(Side::Buy, "99.5", "3", "named");
    named.strategy_id = Some(-5);
    named.strategy_kind = Some(1_000_000);
    named.stp = Some(StpMode::ExpireMaker);
    world.place(BOB, named).unwrap();
    world.time = world.time.plus_micros(60_000_000);
    world.limit(BOB, Side::Buy, "101", "0.5");
    world
        .run(
            ANN,
            Command::Transfer(Transfer {
                from: Wallet::SPOT,
                to: Wallet::FUNDING,
                asset: USDT,
                amount: Amount(77),
            }),
        )
        .unwrap();
    world
}

fn bytes(engine: &Engine) -> Vec<u8> {
    let mut bytes = Vec::new();
    engine.snapshot(&mut |piece| bytes.extend_from_slice(piece));
    bytes
}

/// `snapshot-1.bin` was written when version 1 was made and must be read, and written again, for ever.
#[test]
#[allow(clippy::disallowed_methods)] // a golden file is written once, by hand
fn a_snapshot_equals_the_golden_bytes_and_is_read_back() {
    let golden: &[u8] = include_bytes!("../golden/snapshot-1.bin");
    let written = bytes(&sample().engine);
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/snapshot-1.bin");
        std::fs::write(path, &written).unwrap();
        return;
    }
    assert_eq!(
        SNAPSHOT_VERSION, 1,
        "a new version needs a golden file of its own"
    );
    assert_eq!(
        written, golden,
        "the form changed: old snapshots would not be read"
    );
    let restored = Engine::restore(registry(), golden).unwrap();
    assert_eq!(bytes(&restored), golden);
    assert_eq!(restored.digest(), sample().engine.digest());
}

#[test]
fn every_cut_and_every_flipped_byte_is_corrupt() {
    let whole = bytes(&sample().engine);
    for end in 0..whole.len() {
        assert!(
            Engine::restore(registry(), &whole[..end]).is_err(),
            "cut at {end}"
        );
    }
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        assert!(
            Engine::restore(registry(), &flipped).is_err(),
            "flipped at {at}"
        );
    }
}

/// A hostile snapshot may carry a right digest over a wrong state.
#[test]
fn a_state_that_does_not_add_up_is_corrupt_although_its_digest_is_right() {
    let whole = bytes(&sample().engine);
    let (body, _) = whole.split_last_chunk::<16>().unwrap();
    let mut found = 0;
    for at in 0..body.len() {
        let mut forged = body.to_vec();
        forged[at] ^= 1;
        let digest = xxhash_rust::xxh3::xxh3_128(&forged);
        forged.extend_from_slice(&digest.to_le_bytes());
        match Engine::restore(registry(), &forged) {
            Err(_) => found += 1,
            // what cannot be contradicted (a name, a time, a counter) makes another valid state, and must be stable
            Ok(engine) => {
                engine.audit().unwrap();
                assert_eq!(bytes(&engine), forged, "byte {at} was lost");
            }
        }
    }
    assert!(found > body.len() / 3, "{found} of {}", body.len());
}

#[test]
fn the_state_told_is_the_state() {
    let world = sample();
    let mut told = Vec::new();
    world.engine.tell(&mut |event| told.push(event));
    let count = |test: fn(&Event) -> bool| told.iter().filter(|e| test(e)).count();
    assert_eq!(count(|e| matches!(e, Event::AssetCreated(_))), 2);
    assert_eq!(count(|e| matches!(e, Event::AccountOpened(_))), 2);
    assert_eq!(count(|e| matches!(e, Event::InstrumentListed(_))), 1);
    assert_eq!(count(|e| matches!(e, Event::MarketRestored(_))), 1);
    let orders: Vec<_> = told
        .iter()
        .filter_map(|event| match event {
            Event::OrderRestored(o) => Some((o.side, o.id.0, o.open_qty())),
            _ => None,
        })
        .collect();
    assert_eq!(
        orders,
        [
            (Side::Buy, 3, dec("3")),
            (Side::Sell, 1, dec("1.5")),
            (Side::Sell, 2, dec("1"))
        ]
    );
    let sum: i128 = told
        .iter()
        .filter_map(|event| match event {
            Event::BalanceChanged(b) => Some(b.free.0 + b.held.0),
            _ => None,
        })
        .sum();
    assert_eq!(sum, 0);
}
