//! Icebergs and pegged orders as orders of lists.

use protocol::*;
use types::*;

use crate::lists::{
    CAT, activated, balance, bid, ended, ids, leg, list, place, refused, same_after_restart, trade,
    world, world_with,
};
use crate::support::*;

fn with(mut order: PlaceOrder, change: impl FnOnce(&mut Extras)) -> PlaceOrder {
    let mut extras = order.extras.as_deref().copied().unwrap_or(Extras::NONE);
    change(&mut extras);
    order.extras = extras.boxed();
    order
}

fn pegged(order: PlaceOrder, kind: PegKind, offset: u8) -> PlaceOrder {
    with(order, |extras| extras.peg = Some(Peg { kind, offset }))
}

fn iceberg(order: PlaceOrder, peak: &str) -> PlaceOrder {
    with(order, |extras| extras.iceberg_qty = dec(peak))
}

fn seller(kind: OrderKind, price: &str, stop: &str, qty: &str, id: &str) -> PlaceOrder {
    leg(kind, Side::Sell, price, stop, qty, id)
}

/// The open orders of the lists' owner.
fn of_cat(world: &World) -> Vec<Order> {
    let all = open_orders(world).into_iter();
    all.filter(|order| order.account == CAT).collect()
}

/// The prices that pegged orders took when they began or acted.
fn told_prices(world: &World) -> Vec<(OrderId, Decimal)> {
    let of = |event: &Event| match event {
        Event::OrderPegged(e) => Some((e.order, e.price)),
        _ => None,
    };
    world.events.iter().filter_map(of).collect()
}

#[test]
fn both_orders_of_an_oco_may_be_icebergs() {
    let mut world = world();
    let above = iceberg(seller(OrderKind::LimitMaker, "120", "0", "2", "a"), "0.5");
    let below = iceberg(
        seller(OrderKind::StopLossLimit, "70", "80", "2", "b"),
        "0.25",
    );
    let placed = place(&mut world, list(ListKind::Oco, "l", vec![above, below])).unwrap();
    let peaks: Vec<_> = placed.orders.iter().map(Order::iceberg_qty).collect();
    assert_eq!(peaks, [dec("0.5"), dec("0.25")]);
    assert_eq!(balance(&world, BTC).1, 200_000_000);
    let shown: Vec<_> = of_cat(&world).iter().map(Order::shown_qty).collect();
    assert_eq!(shown[0], dec("0.5"));
    // the stop acts, and shows its own part of itself
    trade(&mut world, "80");
    let left = of_cat(&world);
    let what: Vec<_> = left.iter().map(|o| (o.price, o.shown_qty())).collect();
    assert_eq!(what, [(dec("70"), dec("0.25"))]);
    assert_eq!(balance(&world, BTC).1, 200_000_000);
    same_after_restart(&mut world);
    world.limit(BOB, Side::Buy, "70", "2");
    assert_eq!(ended(&world).1, [placed.list.id]);
    same_after_restart(&mut world);
}

#[test]
fn orders_of_an_oco_take_their_prices_as_they_enter_the_book() {
    let mut world = world();
    let above = pegged(
        seller(OrderKind::LimitMaker, "0", "0", "2", "a"),
        PegKind::Primary,
        0,
    );
    let below = pegged(
        seller(OrderKind::StopLossLimit, "0", "80", "2", "b"),
        PegKind::Market,
        0,
    );
    let placed = place(&mut world, list(ListKind::Oco, "l", vec![above, below])).unwrap();
    let orders = ids(&placed);
    let stands: Vec<_> = placed
        .orders
        .iter()
        .map(|o| (o.price, o.peg().unwrap().priced))
        .collect();
    assert_eq!(stands, [(dec("200"), true), (Decimal::ZERO, false)]);
    same_after_restart(&mut world);
    trade(&mut world, "80");
    assert_eq!(told_prices(&world), [(orders[1], dec("50"))]);
    assert_eq!(
        ended(&world),
        (
            vec![(orders[0], CloseReason::OcoTriggered)],
            vec![placed.list.id]
        )
    );
    same_after_restart(&mut world);
}

#[test]
fn a_pegged_pending_order_is_priced_when_the_working_one_is_filled() {
    let mut world = world();
    let working = pegged(
        leg(OrderKind::Limit, Side::Buy, "0", "0", "2", "w"),
        PegKind::Primary,
        0,
    );
    let pending = iceberg(
        pegged(
            seller(OrderKind::Limit, "0", "0", "3", "p"),
            PegKind::Primary,
            0,
        ),
        "1",
    );
    let placed = place(&mut world, list(ListKind::Oto, "l", vec![working, pending])).unwrap();
    let orders = ids(&placed);
    let waits = &placed.orders[1];
    assert_eq!(placed.orders[0].price, dec("50"));
    assert_eq!(
        (waits.price, waits.peg().unwrap().priced),
        (Decimal::ZERO, false)
    );
    same_after_restart(&mut world);
    // the best ask of the moment of placing is another one now
    world.limit(ANN, Side::Sell, "150", "1");
    world.limit(ANN, Side::Sell, "50", "52");
    assert_eq!(activated(&world), [(orders[1], dec("3"))]);
    assert_eq!(told_prices(&world), [(orders[1], dec("150"))]);
    let open = of_cat(&world);
    assert_eq!((open[0].price, open[0].shown_qty()), (dec("150"), dec("1")));
    assert!(open[0].activated_at().is_some() && open[0].peg().unwrap().priced);
    same_after_restart(&mut world);
    world.limit(BOB, Side::Buy, "150", "4");
    assert_eq!(ended(&world), (vec![], vec![placed.list.id]));
    same_after_restart(&mut world);
}

#[test]
fn a_pegged_pair_begins_with_what_an_opo_bought() {
    let mut world = world();
    let mut above = iceberg(
        pegged(
            seller(OrderKind::LimitMaker, "0", "0", "0", "a"),
            PegKind::Primary,
            0,
        ),
        "0.5",
    );
    let mut below = pegged(
        seller(OrderKind::StopLossLimit, "0", "80", "0", "b"),
        PegKind::Primary,
        0,
    );
    (above.qty, below.qty) = (Decimal::ZERO, Decimal::ZERO);
    let legs = vec![bid("90", "2"), above, below];
    let placed = place(&mut world, list(ListKind::Opoco, "l", legs)).unwrap();
    let orders = ids(&placed);
    world.limit(ANN, Side::Sell, "90", "2");
    assert_eq!(told_prices(&world), [(orders[1], dec("200"))]);
    assert_eq!(balance(&world, BTC).1, 200_000_000);
    let open = of_cat(&world);
    assert_eq!(
        (open[0].shown_qty(), open[1].status),
        (dec("0.5"), OrderStatus::New)
    );
    same_after_restart(&mut world);
    trade(&mut world, "80");
    assert_eq!(told_prices(&world), [(orders[2], dec("200"))]);
    assert_eq!(balance(&world, BTC).1, 200_000_000);
    same_after_restart(&mut world);
}

/// Both a price asked for beside a peg, when the list is placed, and the price that the peg gives pass the filters.
#[test]
fn what_a_pegged_pending_order_cannot_have_ends_it() {
    let filters = Filters {
        price: Some(PriceFilter {
            min: dec("60"),
            max: dec("1000"),
            tick: dec("0.01"),
        }),
        ..Filters::default()
    };
    let mut world = world_with(Filters::default());
    let pending = pegged(
        seller(OrderKind::Limit, "0", "0", "1", "p"),
        PegKind::Primary,
        7,
    );
    let placed = place(
        &mut world,
        list(ListKind::Oto, "l", vec![bid("90", "1"), pending]),
    )
    .unwrap();
    world.limit(ANN, Side::Sell, "90", "1");
    assert_eq!(
        ended(&world),
        (
            vec![(ids(&placed)[1], CloseReason::Refused)],
            vec![placed.list.id]
        )
    );
    assert_eq!(balance(&world, BTC).1, 0);
    same_after_restart(&mut world);
    let mut world = World::with(registry(), filters);
    let asked = pegged(
        seller(OrderKind::Limit, "59", "0", "1", "p"),
        PegKind::Primary,
        0,
    );
    let legs = vec![bid("90", "1"), asked];
    let code = world.run(
        ANN,
        Command::PlaceList(Box::new(list(ListKind::Oto, "l", legs))),
    );
    assert_eq!(code.unwrap_err().code(), RejectCode::PriceFilter);
}

#[test]
fn icebergs_and_pegs_of_lists_are_refused_like_those_of_single_orders() {
    let icebergs = Filters {
        max_num_iceberg_orders: Some(1),
        iceberg_parts: Some(10),
        ..Filters::default()
    };
    let above = || seller(OrderKind::LimitMaker, "120", "0", "2", "a");
    let below = || seller(OrderKind::StopLossLimit, "70", "80", "2", "b");
    let stop = || seller(OrderKind::StopLoss, "0", "80", "2", "b");
    use PegKind::{Market, Primary};
    let pairs = [
        (
            iceberg(above(), "1"),
            iceberg(below(), "1"),
            RejectCode::MaxNumIcebergOrders,
        ),
        (iceberg(above(), "0.1"), below(), RejectCode::IcebergParts),
        (
            above(),
            iceberg(below(), "3"),
            RejectCode::IcebergExceedsQty,
        ),
        (
            above(),
            iceberg(stop(), "1"),
            RejectCode::UnsupportedCombination,
        ),
        (
            above(),
            pegged(stop(), Primary, 0),
            RejectCode::PegNotForKind,
        ),
        (
            pegged(above(), Market, 0),
            below(),
            RejectCode::PegKindNotForKind,
        ),
        (
            pegged(above(), Primary, 3),
            below(),
            RejectCode::PegLiquidity,
        ),
    ];
    let mut world = world_with(icebergs);
    for (above, below, code) in pairs {
        let legs = vec![above, below];
        assert_eq!(
            refused(&mut world, list(ListKind::Oco, "l", legs.clone())),
            code,
            "{legs:?}"
        );
        let mut legs = legs;
        legs.insert(0, bid("90", "2"));
        // the book's levels are looked at when the pair begins
        if code != RejectCode::PegLiquidity {
            assert_eq!(
                refused(&mut world, list(ListKind::Otoco, "l", legs.clone())),
                code
            );
            for leg in &mut legs[1..] {
                leg.qty = Decimal::ZERO;
            }
            assert_eq!(refused(&mut world, list(ListKind::Opoco, "l", legs)), code);
        }
    }
    // a pegged order above the last price, as a pair wants it, at a price that is not
    world.limit(ANN, Side::Sell, "100", "1");
    let legs = vec![pegged(above(), Primary, 0), below()];
    assert_eq!(
        refused(&mut world, list(ListKind::Oco, "l", legs)),
        RejectCode::OcoPrices
    );
}
