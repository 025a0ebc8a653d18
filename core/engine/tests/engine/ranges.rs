//! Reference prices, and the range around them in which takers trade.

use engine::Engine;
use protocol::*;
use types::*;

use crate::support::*;

fn range(bid: (&str, &str), ask: (&str, &str)) -> Admin {
    let multiple = |text: &str| (!text.is_empty()).then(|| dec(text));
    Admin::SetExecutionRules(Box::new(ExecutionRules {
        instrument: MARKET,
        range: Some(PriceRange {
            bid_up: multiple(bid.0),
            bid_down: multiple(bid.1),
            ask_up: multiple(ask.0),
            ask_down: multiple(ask.1),
        }),
    }))
}

fn told(price: Option<&str>) -> Admin {
    Admin::SetReference(SetReference {
        instrument: MARKET,
        calculation: Some(Calculation::External(0)),
        price: price.map(dec),
    })
}

fn mean(count: u32, width_ms: u32) -> Admin {
    Admin::SetReference(SetReference {
        instrument: MARKET,
        calculation: Some(Calculation::Mean(Mean { count, width_ms })),
        price: None,
    })
}

/// A tick of 0.01 and 100 as the reference price; buys between 90 and 110, sells between 95 and 105.
fn bounded() -> World {
    let filters = Filters {
        price: Some(PriceFilter {
            min: dec("0.01"),
            max: dec("100000"),
            tick: dec("0.01"),
        }),
        ..Filters::default()
    };
    let mut world = World::with(registry(), filters);
    world.admin(told(Some("100"))).unwrap();
    world
        .admin(range(("1.1", "0.9"), ("1.05", "0.95")))
        .unwrap();
    world
}

fn ended(world: &World) -> Option<(CloseReason, Decimal)> {
    world.events.iter().find_map(|event| match event {
        Event::OrderClosed(closed) => Some((closed.reason, closed.open_qty)),
        _ => None,
    })
}

fn traded(world: &World) -> Vec<Decimal> {
    let prices = world.events.iter().filter_map(|event| match event {
        Event::Traded(trade) => Some(trade.price),
        _ => None,
    });
    prices.collect()
}

#[test]
fn a_taker_stops_at_the_edge_and_expires() {
    let mut world = bounded();
    for price in ["100", "110", "110.01"] {
        world.limit(ANN, Side::Sell, price, "1");
    }
    let placed = world.limit(BOB, Side::Buy, "120", "5");
    assert_eq!(
        traded(&world),
        [dec("100"), dec("110")],
        "the edge is inside"
    );
    assert_eq!(ended(&world), Some((CloseReason::PriceRange, dec("3"))));
    assert_eq!(placed.order.status, OrderStatus::Expired);
    assert_eq!(placed.order.executed_qty, dec("2"));

    let placed = world.limit(BOB, Side::Buy, "120", "1");
    assert_eq!(
        (traded(&world), placed.order.status),
        (vec![], OrderStatus::Expired)
    );
    let placed = world.limit(BOB, Side::Buy, "110", "1");
    assert_eq!(
        placed.order.status,
        OrderStatus::New,
        "it does not reach 110.01"
    );
}

#[test]
fn the_far_edge_binds_too_and_sellers_have_their_own() {
    let mut world = bounded();
    world.limit(ANN, Side::Sell, "89.99", "1");
    world.limit(BOB, Side::Buy, "95", "1");
    assert_eq!(ended(&world), Some((CloseReason::PriceRange, dec("1"))));
    assert_eq!(traded(&world), []);

    let mut world = bounded();
    for price in ["95", "94.99"] {
        world.limit(ANN, Side::Buy, price, "1");
    }
    world.limit(BOB, Side::Sell, "94", "3");
    assert_eq!(traded(&world), [dec("95")]);
    assert_eq!(ended(&world), Some((CloseReason::PriceRange, dec("2"))));
    world.limit(ANN, Side::Buy, "105.01", "1");
    world.limit(BOB, Side::Sell, "94", "1");
    assert_eq!(
        (traded(&world), ended(&world)),
        (vec![], Some((CloseReason::PriceRange, dec("1"))))
    );
}

#[test]
fn every_kind_of_taker_ends_for_the_range() {
    let order = |kind, tif, price: &str| PlaceOrder {
        kind,
        tif,
        ..limit(Side::Buy, price, "2", "x")
    };
    let market = PlaceOrder {
        price: Decimal::ZERO,
        ..order(OrderKind::Market, TimeInForce::Gtc, "1")
    };
    let by_quote = PlaceOrder {
        qty: Decimal::ZERO,
        quote_qty: dec("250"),
        ..market.clone()
    };
    for (placed, executed) in [
        (order(OrderKind::Limit, TimeInForce::Ioc, "130"), "1"),
        (order(OrderKind::Limit, TimeInForce::Fok, "130"), "0"),
        (market, "1"),
        (by_quote, "1"),
    ] {
        let mut world = bounded();
        world.limit(ANN, Side::Sell, "100", "1");
        world.limit(ANN, Side::Sell, "120", "5");
        let what = format!("{placed:?}");
        let answer = world.place(BOB, placed).unwrap();
        let reason = ended(&world).map(|(reason, _)| reason);
        assert_eq!(reason, Some(CloseReason::PriceRange), "{what}");
        assert_eq!(answer.order.executed_qty, dec(executed), "{what}");
    }
    // what the book itself cannot fill has its own reason still
    let mut world = bounded();
    world.limit(ANN, Side::Sell, "100", "1");
    let fok = order(OrderKind::Limit, TimeInForce::Fok, "130");
    world.place(BOB, fok).unwrap();
    assert_eq!(ended(&world), Some((CloseReason::UnfilledFok, dec("2"))));
}

#[test]
fn without_a_price_or_a_multiple_nothing_is_bounded() {
    let buys_at = |world: &mut World, price: &str| {
        world.limit(ANN, Side::Sell, price, "1");
        world.limit(BOB, Side::Buy, price, "1").order.status
    };
    let mut world = bounded();
    assert_eq!(buys_at(&mut world, "200"), OrderStatus::Expired);
    world.admin(told(None)).unwrap();
    assert_eq!(buys_at(&mut world, "150"), OrderStatus::Filled);
    let mut world = bounded();
    world.admin(range(("", "0.9"), ("", ""))).unwrap();
    assert_eq!(buys_at(&mut world, "200"), OrderStatus::Filled);
    assert_eq!(buys_at(&mut world, "80"), OrderStatus::Expired);
    let none = ExecutionRules {
        instrument: MARKET,
        range: None,
    };
    world
        .admin(Admin::SetExecutionRules(Box::new(none)))
        .unwrap();
    assert_eq!(buys_at(&mut world, "70"), OrderStatus::Filled);
}

#[test]
fn the_mean_of_trades_moves_the_range() {
    let mut world = bounded();
    world.admin(mean(2, 1_000)).unwrap();
    let trade = |world: &mut World, price: &str| {
        world.limit(ANN, Side::Sell, price, "1");
        world.limit(BOB, Side::Buy, price, "1").order.status
    };
    assert_eq!(
        trade(&mut world, "50"),
        OrderStatus::Filled,
        "no trade yet, no price"
    );
    assert_eq!(trade(&mut world, "55.01"), OrderStatus::Expired);
    let sell = world.limit(ANN, Side::Sell, "54", "1");
    assert_eq!(sell.order.status, OrderStatus::New);
    assert_eq!(
        world.limit(BOB, Side::Buy, "54", "1").order.status,
        OrderStatus::Filled
    );
    // 52 now: bound at 57.2
    assert_eq!(trade(&mut world, "57"), OrderStatus::Filled);
    world.time = world.time.plus_micros(10_000_000);
    world.limit(ANN, Side::Sell, "100", "1");
    let placed = world.limit(BOB, Side::Buy, "100", "2");
    assert_eq!(
        placed.order.status,
        OrderStatus::Filled,
        "all trades are forgotten"
    );
}

#[test]
fn filters_compare_with_the_reference_price() {
    let filters = Filters {
        percent_price: Some(PercentPriceFilter {
            up: dec("1.5"),
            down: dec("0.5"),
            avg_price_mins: 5,
        }),
        ..Filters::default()
    };
    let mut world = World::with(registry(), filters);
    world.limit(ANN, Side::Sell, "10", "1");
    world.limit(BOB, Side::Buy, "10", "1");
    let refused = Err(RejectCode::PercentPrice.into());
    assert_eq!(
        world.place(ANN, limit(Side::Sell, "100", "1", "a")),
        refused
    );
    world.admin(told(Some("100"))).unwrap();
    assert!(world.place(ANN, limit(Side::Sell, "100", "1", "a")).is_ok());
    assert_eq!(world.place(BOB, limit(Side::Buy, "10", "1", "b")), refused);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut world = bounded();
    let invalid = |result| assert_eq!(result, Err(RejectCode::InvalidReference.into()));
    invalid(world.admin(told(Some("0"))));
    invalid(world.admin(mean(0, 1)));
    invalid(world.admin(mean(1, 86_400_001)));
    invalid(world.admin(Admin::SetReference(SetReference {
        instrument: MARKET,
        calculation: None,
        price: Some(dec("1")),
    })));
    assert_eq!(
        world.admin(range(("0.9", "1.1"), ("", ""))),
        Err(RejectCode::InvalidExecutionRules.into())
    );
}

#[test]
fn rules_survive_a_snapshot_and_are_told() {
    let mut world = bounded();
    world.admin(mean(3, 500)).unwrap();
    for (pause, price) in [(0, "100"), (700_000, "101"), (300_000, "99")] {
        world.time = world.time.plus_micros(pause);
        world.limit(ANN, Side::Sell, price, "1");
        world.limit(BOB, Side::Buy, price, "1");
    }
    let mut bytes = Vec::new();
    world
        .engine
        .snapshot(&mut |piece| bytes.extend_from_slice(piece));
    let again = Engine::restore(registry(), &bytes).unwrap();
    assert_eq!(again.digest(), world.engine.digest());
    let told = |engine: &Engine| {
        let mut events = Vec::new();
        engine.tell(&mut |event| events.push(event));
        events
    };
    assert_eq!(told(&again), told(&world.engine));
    let reference = told(&again).into_iter().find_map(|event| match event {
        Event::ReferenceChanged(reference) => Some(reference),
        _ => None,
    });
    let reference = reference.unwrap();
    assert_eq!(reference.spans.len(), 3);
    assert_eq!(reference.at(world.time), Some(dec("100")));
    assert!(
        told(&again)
            .iter()
            .any(|e| matches!(e, Event::ExecutionRulesChanged(_)))
    );
    // both go on alike
    world.engine = again;
    world.limit(ANN, Side::Sell, "120", "1");
    world.limit(BOB, Side::Buy, "120", "1");
    assert_eq!(ended(&world), Some((CloseReason::PriceRange, dec("1"))));
}
