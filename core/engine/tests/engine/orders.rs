use engine::Engine;
use protocol::*;
use types::*;

use crate::support::*;

#[test]
fn two_limit_orders_trade_and_pay() {
    let mut world = World::new();
    let sell = world.limit(ANN, Side::Sell, "100", "2");
    assert_eq!(sell.order.status, OrderStatus::New);
    let buy = world.limit(BOB, Side::Buy, "101", "3");
    assert_eq!(buy.order.status, OrderStatus::PartiallyFilled);
    assert_eq!(buy.order.executed_qty, dec("2"));
    assert_eq!(buy.order.executed_quote, Amount(20_000_000_000));
    let kinds: Vec<&str> = world
        .events
        .iter()
        .map(|event| match event {
            Event::OrderPlaced(_) => "placed",
            Event::Traded(_) => "traded",
            Event::OrderRested(_) => "rested",
            Event::BalanceChanged(_) => "balance",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds[..3], ["placed", "traded", "rested"]);
    assert_eq!(kinds[3..], ["balance"; 6]);
    let mut bytes = Vec::new();
    world.engine.snapshot(&mut |b| bytes.extend_from_slice(b));
    let restored = Engine::restore(registry(), &bytes).unwrap();
    assert_eq!(restored.digest(), world.engine.digest());
}
