//! Block trades.

use engine::Engine;
use protocol::*;
use types::*;

use crate::support::*;

fn block(buyer: AccountId, seller: AccountId, price: &str, qty: &str) -> Admin {
    Admin::RecordBlockTrade(BlockTrade {
        instrument: MARKET,
        buyer,
        seller,
        price: dec(price),
        qty: dec(qty),
        buyer_is_maker: true,
    })
}

/// Free balances as the events tell them: of the buyer's base and quote.
fn told(world: &World) -> Vec<(AccountId, AssetId, i128)> {
    let moved = world.events.iter().filter_map(|event| match event {
        Event::Transferred(t) => Some((t.account, t.asset, t.delta.0)),
        _ => None,
    });
    moved.collect()
}

#[test]
fn a_block_trade_moves_both_assets_without_commission() {
    let mut world = World::new();
    for (id, price) in [(1, "100.5"), (2, "0.3")] {
        world.admin(block(ANN, BOB, price, "2.5")).unwrap();
        let Event::BlockTraded(traded) = &world.events[0] else {
            panic!("{:?}", world.events);
        };
        let quote = dec(price).0 as i128 * 5 / 2;
        assert_eq!((traded.id, traded.quote), (id, Amount(quote)));
        assert_eq!(
            told(&world),
            [
                (BOB, BTC, -250_000_000),
                (ANN, BTC, 250_000_000),
                (ANN, USDT, -quote),
                (BOB, USDT, quote),
            ]
        );
    }
    let mut bytes = Vec::new();
    world
        .engine
        .snapshot(&mut |piece| bytes.extend_from_slice(piece));
    world.engine = Engine::restore(registry(), &bytes).unwrap();
    world.admin(block(BOB, ANN, "7", "1")).unwrap();
    assert!(matches!(&world.events[0], Event::BlockTraded(b) if b.id == 3));
}

#[test]
fn what_cannot_be_settled_is_refused() {
    let mut world = World::new();
    world.limit(ANN, Side::Buy, "1000", "999.5");
    for (admin, code) in [
        (block(ANN, ANN, "1", "1"), RejectCode::InvalidBlockTrade),
        (block(ANN, BOB, "0", "1"), RejectCode::InvalidBlockTrade),
        (block(ANN, BOB, "1", "0"), RejectCode::InvalidBlockTrade),
        (
            block(ANN, BOB, "0.00000001", "0.00000001"),
            RejectCode::NothingToTrade,
        ),
        (
            block(ANN, AccountId(1003), "1", "1"),
            RejectCode::UnknownAccount,
        ),
        // all but 500 stand behind the order
        (block(ANN, BOB, "501", "1"), RejectCode::InsufficientBalance),
        (
            block(BOB, ANN, "0.01", "1000001"),
            RejectCode::InsufficientBalance,
        ),
    ] {
        let what = format!("{admin:?}");
        assert_eq!(world.admin(admin), Err(code.into()), "{what}");
    }
}
