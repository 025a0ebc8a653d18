//! Orders that take their price from the book, once.

use protocol::*;
use types::*;

use crate::support::*;

fn pegged(kind: OrderKind, side: Side, peg: PegKind, offset: u8, id: &str) -> PlaceOrder {
    let mut order = limit(side, "0", "1", id);
    order.kind = kind;
    order.extras = Some(Box::new(Extras {
        peg: Some(Peg { kind: peg, offset }),
        ..Extras::NONE
    }));
    order
}

/// Bids at 99 and 97, asks at 101 and 104, all Bob's.
fn world() -> World {
    let mut world = World::new();
    for (side, price) in [
        (Side::Buy, "99"),
        (Side::Buy, "97"),
        (Side::Sell, "101"),
        (Side::Sell, "104"),
    ] {
        world.limit(BOB, side, price, "5");
    }
    world
}

#[test]
fn a_peg_is_looked_up_once() {
    let mut world = world();
    let cases = [
        (Side::Buy, PegKind::Primary, 0, "99"),
        (Side::Buy, PegKind::Primary, 1, "97"),
        (Side::Sell, PegKind::Primary, 1, "104"),
        (Side::Sell, PegKind::Primary, 0, "101"),
    ];
    for (at, (side, kind, offset, price)) in cases.into_iter().enumerate() {
        let order = pegged(OrderKind::Limit, side, kind, offset, &format!("p{at}"));
        let placed = world.place(ANN, order).unwrap().order;
        assert_eq!(
            (placed.price, placed.status),
            (dec(price), OrderStatus::New)
        );
        let peg = placed.peg().unwrap();
        assert_eq!(peg.peg, Peg { kind, offset });
        assert_eq!((peg.asked, peg.priced), (Decimal::ZERO, true));
        assert_eq!(placed.asked_price(), Decimal::ZERO);
    }
    // the touch moves on; the orders stay
    world.limit(BOB, Side::Buy, "100", "1");
    let stays = open_orders(&world).into_iter().find(|o| o.peg().is_some());
    assert_eq!(stays.unwrap().price, dec("99"));
    let mut restored = again(&world);
    both(
        &mut world,
        &mut restored,
        BOB,
        limit(Side::Sell, "97", "20", "sweep"),
    );
    again(&world);
}

#[test]
fn a_market_peg_takes_the_best_price_and_only_that() {
    let mut world = world();
    let mut order = pegged(OrderKind::Limit, Side::Buy, PegKind::Market, 0, "ioc");
    (order.qty, order.tif) = (dec("7"), TimeInForce::Ioc);
    let placed = world.place(ANN, order).unwrap().order;
    assert_eq!(
        (placed.executed_qty, placed.status),
        (dec("5"), OrderStatus::Expired)
    );
    assert_eq!(
        (placed.price, placed.peg().unwrap().priced),
        (dec("101"), true)
    );
    again(&world);
    assert!(open_orders(&world).iter().all(|o| o.peg().is_none()));
}

#[test]
fn a_stop_is_pegged_when_it_acts() {
    let mut world = world();
    world.limit(ANN, Side::Buy, "101", "1");
    let mut order = pegged(
        OrderKind::StopLossLimit,
        Side::Sell,
        PegKind::Primary,
        0,
        "stop",
    );
    order.extras.as_mut().unwrap().stop_price = dec("99");
    let waits = world.place(ANN, order).unwrap().order;
    assert_eq!(
        (waits.price, waits.peg().unwrap().priced),
        (Decimal::ZERO, false)
    );
    assert_eq!(balance(&world, ANN, BTC).1, 100_000_000);
    let mut restored = again(&world);
    both(
        &mut world,
        &mut restored,
        ANN,
        limit(Side::Sell, "99", "1", "reach"),
    );
    let told = world.events.iter().find_map(|event| match event {
        Event::OrderPegged(e) => Some((e.order, e.price)),
        _ => None,
    });
    assert_eq!(told, Some((waits.id, dec("101"))));
    let orders = open_orders(&world);
    let acts = orders.iter().find(|o| o.id == waits.id).unwrap();
    assert_eq!((acts.price, acts.peg().unwrap().priced), (dec("101"), true));
    again(&world);
}

/// When there is no level any more, the order ends as it acts.
#[test]
fn a_stop_without_a_level_to_be_pegged_to_is_refused() {
    let mut world = World::new();
    world.limit(BOB, Side::Sell, "100", "1");
    world.limit(ANN, Side::Buy, "100", "1");
    let mut order = pegged(
        OrderKind::StopLossLimit,
        Side::Sell,
        PegKind::Primary,
        0,
        "stop",
    );
    order.extras.as_mut().unwrap().stop_price = dec("99");
    let waits = world.place(ANN, order).unwrap().order;
    world.limit(BOB, Side::Buy, "98", "1");
    world.limit(BOB, Side::Sell, "98", "1");
    let closed = world.events.iter().find_map(|event| match event {
        Event::OrderClosed(e) => Some((e.order, e.reason)),
        _ => None,
    });
    assert_eq!(closed, Some((waits.id, CloseReason::Refused)));
    assert_eq!(balance(&world, ANN, BTC).1, 0);
    again(&world);
}

#[test]
fn pegs_are_refused_by_kind_book_and_filters() {
    let filters = Filters {
        price: Some(PriceFilter {
            min: dec("98"),
            max: dec("1000"),
            tick: dec("0.5"),
        }),
        notional: Some(NotionalFilter {
            min: dec("50"),
            apply_min_to_market: true,
            ..NotionalFilter::default()
        }),
        ..Filters::default()
    };
    let mut world = World::with(registry(), filters);
    world.limit(BOB, Side::Buy, "99", "1");
    world.limit(BOB, Side::Sell, "101", "1");
    let order = |kind, peg, offset| pegged(kind, Side::Buy, peg, offset, "x");
    let with = |mut order: PlaceOrder, change: fn(&mut PlaceOrder)| {
        change(&mut order);
        order
    };
    use OrderKind::*;
    use PegKind::{Market as Other, Primary};
    let cases = [
        (order(Market, Primary, 0), RejectCode::PegNotForKind),
        (order(LimitMaker, Other, 0), RejectCode::PegKindNotForKind),
        (
            with(order(Limit, Primary, 0), |o| o.tif = TimeInForce::Ioc),
            RejectCode::UnsupportedCombination,
        ),
        (order(Limit, Primary, 1), RejectCode::PegLiquidity),
        (order(Limit, Other, 100), RejectCode::PegLiquidity),
        (
            with(order(Limit, Primary, 0), |o| o.price = dec("97")),
            RejectCode::PriceFilter,
        ),
        (
            with(order(Limit, Primary, 0), |o| o.qty = dec("0.5")),
            RejectCode::Notional,
        ),
        (
            with(order(Limit, Primary, 0), |o| o.qty = dec("99999999")),
            RejectCode::InsufficientBalance,
        ),
    ];
    for (order, code) in cases {
        assert_eq!(
            world.place(ANN, order.clone()).unwrap_err(),
            code.into(),
            "{order:?}"
        );
    }
    let placed = world.place(ANN, order(LimitMaker, Primary, 0)).unwrap();
    assert_eq!(placed.order.price, dec("99"));
    let mut beside = order(Limit, Primary, 0);
    (beside.price, beside.client_id) = (dec("150"), ClientId::new("y").unwrap());
    let placed = world.place(ANN, beside).unwrap().order;
    assert_eq!(
        (placed.price, placed.asked_price()),
        (dec("99"), dec("150"))
    );
}
