//! Orders that show only a part of themselves.

use protocol::*;
use types::*;

use crate::support::*;

fn iceberg(side: Side, price: &str, qty: &str, peak: &str, id: &str) -> PlaceOrder {
    let mut order = limit(side, price, qty, id);
    order.extras = Some(Box::new(Extras {
        iceberg_qty: dec(peak),
        ..Extras::NONE
    }));
    order
}

/// What the book shows at a price: by the events that readers follow.
fn shown(levels: &mut i64, events: &[Event], makers: &[OrderId]) {
    for event in events {
        *levels += match event {
            Event::OrderRested(e) => e.open_qty.0,
            Event::IcebergShown(e) => e.delta.0,
            Event::Traded(e) => -e.qty.0,
            Event::OrderClosed(e) if e.update.is_some() && makers.contains(&e.order) => {
                -e.open_qty.0
            }
            Event::OrderDecremented(e) if e.update.is_some() => -e.qty.0,
            _ => 0,
        };
    }
}

#[test]
fn a_part_is_shown_and_the_next_stands_behind_the_others() {
    let mut world = World::new();
    let mut level = 0;
    let all = [OrderId(1), OrderId(2)];
    let first = world
        .place(ANN, iceberg(Side::Sell, "100", "5", "2", "ice"))
        .unwrap();
    assert_eq!(first.order.iceberg_qty(), dec("2"));
    assert_eq!(balance(&world, ANN, BTC).1, 500_000_000, "held as a whole");
    shown(&mut level, &world.events, &all);
    assert_eq!(level, dec("2").0);
    world.limit(BOB, Side::Sell, "100", "1");
    shown(&mut level, &world.events, &all);

    world.limit(BOB, Side::Buy, "100", "3");
    shown(&mut level, &world.events, &all);
    let traded: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Traded(t) => Some((t.maker.order, t.qty, t.maker.open_qty)),
            _ => None,
        })
        .collect();
    // both parties of the second are Bob's, and nothing prevents that here
    assert_eq!(
        traded,
        [
            (OrderId(1), dec("2"), dec("3")),
            (OrderId(2), dec("1"), dec("0"))
        ]
    );
    assert_eq!(level, dec("2").0, "the second part");
    let [told] = &open_orders(&world)[..] else {
        panic!("one order is open");
    };
    assert_eq!((told.open_qty(), told.shown_qty()), (dec("3"), dec("2")));

    let mut restored = again(&world);
    both(
        &mut world,
        &mut restored,
        BOB,
        limit(Side::Buy, "100", "2.5", "more"),
    );
    shown(&mut level, &world.events, &all);
    assert_eq!(level, dec("0.5").0, "the last part is what is left of it");
    let mut cancel = CancelOrder {
        instrument: MARKET,
        order: OrderKey::Id(OrderId(1)),
        client_id: ClientId::new("c").unwrap(),
        restriction: None,
    };
    world
        .run(ANN, Command::CancelOrder(cancel.clone()))
        .unwrap();
    shown(&mut level, &world.events, &all);
    assert_eq!((level, balance(&world, ANN, BTC).1), (0, 0));

    // a canceled iceberg gives back what it hid, too
    let again = world
        .place(ANN, iceberg(Side::Buy, "50", "7", "3", "bid"))
        .unwrap();
    cancel.order = OrderKey::Id(again.order.id);
    world.run(ANN, Command::CancelOrder(cancel)).unwrap();
    let Some(Event::OrderClosed(closed)) = world.events.first() else {
        panic!("{:?}", world.events);
    };
    assert_eq!(closed.open_qty, dec("3"), "what was shown");
    assert_eq!(balance(&world, ANN, USDT).1, 0);
}

#[test]
fn fok_and_quote_amounts_count_what_is_hidden() {
    let mut world = World::new();
    world
        .place(ANN, iceberg(Side::Sell, "100", "5", "1", "ice"))
        .unwrap();
    let mut order = limit(Side::Buy, "100", "4", "fok");
    order.tif = TimeInForce::Fok;
    let placed = world.place(BOB, order).unwrap();
    assert_eq!(placed.order.status, OrderStatus::Filled);
    let mut order = limit(Side::Buy, "0", "0", "m");
    order.kind = OrderKind::Market;
    order.quote_qty = dec("100");
    let placed = world.place(BOB, order).unwrap();
    assert_eq!(placed.order.executed_qty, dec("1"));
    assert!(open_orders(&world).is_empty());
}

#[test]
fn an_amendment_hides_less_first() {
    let mut world = World::new();
    world
        .place(ANN, iceberg(Side::Sell, "100", "10", "4", "ice"))
        .unwrap();
    for (qty, less) in [("6", None), ("3", Some("-1"))] {
        let amend = AmendOrder {
            instrument: MARKET,
            order: OrderKey::Id(OrderId(1)),
            new_qty: dec(qty),
            client_id: ClientId::new(&format!("a{qty}")).unwrap(),
        };
        world.run(ANN, Command::AmendOrder(amend)).unwrap();
        let shown = world.events.iter().find_map(|event| match event {
            Event::IcebergShown(e) => Some(e.delta),
            _ => None,
        });
        let less = less.map(|text: &str| Decimal(-dec(text.trim_start_matches('-')).0));
        assert_eq!(shown, less, "to {qty}");
        again(&world);
    }
    assert_eq!(balance(&world, ANN, BTC).1, 300_000_000);
}

#[test]
fn prevention_ends_the_whole_of_an_iceberg_or_takes_off_part_by_part() {
    for (mode, open) in [(StpMode::ExpireMaker, "0"), (StpMode::Decrement, "2")] {
        let mut instrument = instrument("BTCUSDT", Filters::default());
        instrument.allowed_stp = StpModes::ALL;
        let mut world = World::of(registry(), instrument);
        let mut level = 0;
        world
            .place(ANN, iceberg(Side::Sell, "100", "5", "2", "ice"))
            .unwrap();
        shown(&mut level, &world.events, &[OrderId(1)]);
        let mut order = limit(Side::Buy, "100", "3", "t");
        order.stp = Some(mode);
        order.tif = TimeInForce::Ioc;
        world.place(ANN, order).unwrap();
        shown(&mut level, &world.events, &[OrderId(1)]);
        assert_eq!(balance(&world, ANN, BTC).1, i128::from(dec(open).0));
        let left: i64 = open_orders(&world).iter().map(|o| o.shown_qty().0).sum();
        assert_eq!(level, left);
        again(&world);
    }
}

#[test]
fn a_stop_becomes_an_iceberg() {
    let mut world = World::new();
    world.limit(ANN, Side::Sell, "100", "1");
    world.limit(BOB, Side::Buy, "100", "1");
    let mut order = iceberg(Side::Sell, "95", "6", "2", "stop");
    order.kind = OrderKind::StopLossLimit;
    order.extras.as_mut().unwrap().stop_price = dec("98");
    let placed = world.place(ANN, order).unwrap();
    assert_eq!(placed.order.iceberg_qty(), dec("2"));
    again(&world);
    world.limit(BOB, Side::Buy, "97", "1");
    world.limit(BOB, Side::Sell, "97", "1");
    let orders = open_orders(&world);
    let stop = orders.iter().find(|o| o.id == placed.order.id).unwrap();
    assert_eq!((stop.open_qty(), stop.shown_qty()), (dec("6"), dec("2")));
    again(&world);
}

#[test]
fn icebergs_are_refused_by_shape_and_filters() {
    let filters = Filters {
        iceberg_parts: Some(3),
        max_num_iceberg_orders: Some(1),
        lot_size: Some(LotSizeFilter {
            min: dec("0.5"),
            max: dec("100"),
            step: dec("0.1"),
        }),
        ..Filters::default()
    };
    let mut world = World::with(registry(), filters);
    let ioc = |tif| {
        let mut order = iceberg(Side::Buy, "10", "3", "1", "x");
        order.tif = tif;
        order
    };
    let mut market = iceberg(Side::Buy, "0", "3", "1", "x");
    market.kind = OrderKind::Market;
    let mut negative = iceberg(Side::Buy, "10", "3", "1", "x");
    negative.extras.as_mut().unwrap().iceberg_qty = Decimal(-1);
    let cases = [
        (ioc(TimeInForce::Ioc), RejectCode::UnsupportedCombination),
        (ioc(TimeInForce::Fok), RejectCode::UnsupportedCombination),
        (market, RejectCode::UnsupportedCombination),
        (negative, RejectCode::UnsupportedCombination),
        (
            iceberg(Side::Buy, "10", "3", "0.4", "x"),
            RejectCode::LotSize,
        ),
        (
            iceberg(Side::Buy, "10", "3", "0.55", "x"),
            RejectCode::LotSize,
        ),
        (
            iceberg(Side::Buy, "10", "3", "3.1", "x"),
            RejectCode::IcebergExceedsQty,
        ),
        (
            iceberg(Side::Buy, "10", "3.1", "1", "x"),
            RejectCode::IcebergParts,
        ),
    ];
    for (order, code) in cases {
        let refused = world.place(ANN, order.clone());
        assert_eq!(refused.unwrap_err(), code.into(), "{order:?}");
    }
    world
        .place(ANN, iceberg(Side::Buy, "10", "3", "1", "fits"))
        .unwrap();
    let second = world.place(ANN, iceberg(Side::Buy, "10", "3", "3", "second"));
    assert_eq!(second.unwrap_err(), RejectCode::MaxNumIcebergOrders.into());
    world.limit(ANN, Side::Buy, "10", "3");
}

/// Without a filter, too, one taker cannot meet endlessly many parts.
#[test]
fn the_parts_of_an_iceberg_are_bounded() {
    let mut world = World::new();
    let order = iceberg(Side::Sell, "100", "1", "0.0001", "dust");
    let refused = world.place(ANN, order);
    assert_eq!(refused.unwrap_err(), RejectCode::IcebergParts.into());
}
