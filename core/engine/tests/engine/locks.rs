//! Balances that are locked from outside.

use engine::Engine;
use protocol::*;
use types::*;

use crate::support::*;

fn lock(account: AccountId, asset: AssetId, atoms: i128) -> Admin {
    let delta = Amount(atoms);
    Admin::LockBalance(BalanceLock {
        account,
        asset,
        delta,
    })
}

fn refused(world: &mut World, admin: Admin) -> RejectCode {
    world.admin(admin).unwrap_err().code()
}

#[test]
fn what_is_locked_is_not_free_and_survives_a_restart() {
    let mut world = World::new();
    let (free, held) = balance(&world, ANN, USDT);
    world.admin(lock(ANN, USDT, 700)).unwrap();
    assert_eq!(
        world.events[0],
        Event::BalanceLocked(BalanceLock {
            account: ANN,
            asset: USDT,
            delta: Amount(700)
        })
    );
    assert_eq!(balance(&world, ANN, USDT), (free - 700, held + 700));
    // an order holds beside it, and is canceled without touching it
    world.limit(ANN, Side::Buy, "1", "1");
    let order = open_orders(&world)[0].id;
    world.admin(lock(ANN, USDT, 300)).unwrap();
    let restored = again(&world);
    assert_eq!(restored.digest(), world.engine.digest());
    restored.audit().unwrap();
    world.engine = restored;
    let cancel = CancelOrder {
        instrument: MARKET,
        order: OrderKey::Id(order),
        client_id: ClientId::new("bye").unwrap(),
        restriction: None,
    };
    world.run(ANN, Command::CancelOrder(cancel)).unwrap();
    assert_eq!(balance(&world, ANN, USDT), (free - 1_000, held + 1_000));
    world.admin(lock(ANN, USDT, -400)).unwrap();
    assert_eq!(balance(&world, ANN, USDT), (free - 600, held + 600));
    world.admin(lock(ANN, USDT, -600)).unwrap();
    assert_eq!(balance(&world, ANN, USDT), (free, held));
    world.engine.audit().unwrap();
    // what was undone leaves no trace
    let bytes = |engine: &Engine| {
        let mut bytes = Vec::new();
        engine.snapshot(&mut |piece| bytes.extend_from_slice(piece));
        bytes
    };
    assert_eq!(bytes(&world.engine), bytes(&again(&world)));
}

#[test]
fn what_cannot_be_locked_is_refused_and_changes_nothing() {
    let mut world = World::new();
    let (free, _) = balance(&world, ANN, USDT);
    world.admin(lock(ANN, USDT, 10)).unwrap();
    let before = world.engine.digest();
    for (admin, code) in [
        (lock(ANN, USDT, 0), RejectCode::InvalidAmount),
        (lock(ANN, USDT, -11), RejectCode::InvalidAmount),
        (lock(ANN, BTC, -1), RejectCode::InvalidAmount),
        (lock(ANN, USDT, free - 9), RejectCode::InsufficientBalance),
        (lock(ANN, AssetId(99), 1), RejectCode::UnknownAsset),
        (
            lock(AccountId::TREASURY, USDT, 1),
            RejectCode::UnknownAccount,
        ),
        (lock(AccountId(9_999), USDT, 1), RejectCode::UnknownAccount),
    ] {
        assert_eq!(refused(&mut world, admin.clone()), code, "{admin:?}");
    }
    let by_ann = world.run(ANN, Command::Admin(lock(ANN, USDT, 1)));
    assert_eq!(by_ann.unwrap_err().code(), RejectCode::NotPermitted);
    assert_eq!(world.engine.digest(), before);
    world.admin(lock(ANN, USDT, free - 10)).unwrap();
    assert_eq!(balance(&world, ANN, USDT).0, 0);
}
