//! Two orders that exclude each other have one quantity: whatever lowers one lowers the other, and what they hold.

use protocol::*;
use types::*;

use crate::lists::{
    CAT, activated, balance, bid, ended, ids, leg, list, oco, pair, pairs_are_equal, place,
    same_after_restart, trade, world, world_with,
};
use crate::support::*;

fn amend(world: &mut World, order: OrderId, qty: &str, name: &str) -> Result<Amended, Reject> {
    let command = Command::AmendOrder(AmendOrder {
        instrument: MARKET,
        order: OrderKey::Id(order),
        new_qty: dec(qty),
        client_id: ClientId::new(name).unwrap(),
    });
    match world.run(CAT, command)? {
        Reply::Amended(amended) => {
            same_after_restart(world);
            Ok(*amended)
        }
        other => panic!("{other:?}"),
    }
}

fn refused(world: &mut World, order: OrderId, qty: &str, name: &str) -> RejectCode {
    amend(world, order, qty, name).unwrap_err().code()
}

fn names(amended: &Amended) -> Vec<&str> {
    let list = amended.list.as_ref().unwrap();
    list.legs.iter().map(|leg| leg.client_id.as_str()).collect()
}

/// What was told of lower quantities: in the book, and of orders that wait.
fn told(world: &World) -> (Vec<OrderId>, Vec<OrderId>) {
    let mut told = (vec![], vec![]);
    for event in &world.events {
        match event {
            Event::OrderAmended(e) => told.0.push(e.order),
            Event::WaitingAmended(e) => told.1.push(e.order),
            _ => {}
        }
    }
    told
}

#[test]
fn amending_either_order_of_an_oco_lowers_both() {
    for which in [0, 1] {
        let mut world = world();
        let placed = place(&mut world, oco()).unwrap();
        let orders = ids(&placed);
        assert_eq!(balance(&world, BTC).1, 200_000_000);
        let amended = amend(&mut world, orders[which], "1.5", "new").unwrap();
        assert_eq!(
            (amended.order.id, amended.order.qty),
            (orders[which], dec("1.5"))
        );
        let expected = [["new", "below"], ["above", "new"]][which];
        assert_eq!(names(&amended), expected);
        assert_eq!(
            amended.previous_client_id.as_str(),
            ["above", "below"][which]
        );
        assert_eq!(told(&world), (vec![orders[0]], vec![orders[1]]));
        assert_eq!(balance(&world, BTC).1, 150_000_000);
        let open: Vec<_> = open_orders(&world);
        let mine = open.iter().filter(|o| o.account == CAT);
        assert!(mine.clone().all(|o| o.qty == dec("1.5")) && mine.count() == 2);
        // the book has less of it too
        world.limit(BOB, Side::Buy, "120", "1.5");
        assert_eq!(
            ended(&world),
            (
                vec![(orders[1], CloseReason::OcoTriggered)],
                vec![placed.list.id]
            )
        );
        assert_eq!(balance(&world, BTC).1, 0);
    }
}

#[test]
fn a_pair_that_buys_holds_the_dearer_of_what_is_left() {
    let kinds = [
        // the cheaper one rests in the book, the dearer waits
        (
            OrderKind::StopLossLimit,
            "125",
            OrderKind::LimitMaker,
            "90",
            "0",
            125,
        ),
        // both wait
        (
            OrderKind::StopLossLimit,
            "125",
            OrderKind::TakeProfitLimit,
            "90",
            "91",
            125,
        ),
        // the one without a limit price is held for at its stop price
        (
            OrderKind::StopLoss,
            "0",
            OrderKind::LimitMaker,
            "90",
            "0",
            120,
        ),
    ];
    for (above, limit, below, price, stop, dearer) in kinds {
        let mut world = world();
        let above = leg(above, Side::Buy, limit, "120", "2", "a");
        let below = leg(below, Side::Buy, price, stop, "2", "b");
        let placed = place(&mut world, list(ListKind::Oco, "l", vec![above, below])).unwrap();
        assert_eq!(balance(&world, USDT).1, 2 * dearer * 100_000_000);
        amend(&mut world, ids(&placed)[1], "0.75", "n").unwrap();
        assert_eq!(balance(&world, USDT).1, dearer * 75_000_000);
        amend(&mut world, ids(&placed)[0], "0.5", "m").unwrap();
        assert_eq!(balance(&world, USDT).1, dearer * 50_000_000);
    }
}

/// A trailing order without prices holds by the price of its placing, and keeps its share of that.
#[test]
fn a_trailing_order_keeps_its_share_of_what_it_held() {
    let mut world = world();
    let mut order = limit(Side::Buy, "0", "3", "t");
    order.kind = OrderKind::StopLoss;
    order.extras = Some(Box::new(Extras {
        trailing_delta: 100,
        ..Extras::NONE
    }));
    let placed = world.place(CAT, order).unwrap().order;
    assert_eq!(balance(&world, USDT).1, 30_000_000_000);
    trade(&mut world, "130");
    amend(&mut world, placed.id, "1", "n").unwrap();
    assert_eq!(balance(&world, USDT).1, 10_000_000_000);
}

#[test]
fn what_a_pair_may_not_be_amended_to() {
    let filters = Filters {
        notional: Some(NotionalFilter {
            min: dec("50"),
            ..NotionalFilter::default()
        }),
        max_num_order_amends: Some(1),
        ..Filters::default()
    };
    let mut world = world_with(filters);
    let orders = ids(&place(&mut world, oco()).unwrap());
    for which in [0, 1] {
        assert_eq!(
            refused(&mut world, orders[which], "3", "n"),
            RejectCode::AmendIncrease
        );
        assert_eq!(
            refused(&mut world, orders[which], "2", "n"),
            RejectCode::AmendNoChange
        );
        // 0.5 at 120 is enough, 0.5 at 80 is not
        assert_eq!(
            refused(&mut world, orders[which], "0.5", "n"),
            RejectCode::Notional
        );
        let other = ["below", "above"][which];
        assert_eq!(
            refused(&mut world, orders[which], "1", other),
            RejectCode::DuplicateClientId
        );
    }
    amend(&mut world, orders[0], "1.5", "above").unwrap();
    // it counts for both
    assert_eq!(
        refused(&mut world, orders[1], "1", "n"),
        RejectCode::MaxNumOrderAmends
    );
    // also when the stop has acted
    let trade_one = |world: &mut World, price: &str| {
        world.limit(ANN, Side::Sell, price, "1");
        world.limit(BOB, Side::Buy, price, "1");
    };
    trade_one(&mut world, "85");
    let sell = leg(OrderKind::StopLossLimit, Side::Sell, "84", "80", "2", "s");
    let placed = world.place(CAT, sell).unwrap().order;
    amend(&mut world, placed.id, "1.5", "s").unwrap();
    trade_one(&mut world, "80");
    let acted = open_orders(&world).into_iter().find(|o| o.id == placed.id);
    assert!(acted.unwrap().is_working());
    assert_eq!(
        refused(&mut world, placed.id, "1", "s"),
        RejectCode::MaxNumOrderAmends
    );
    assert_eq!(
        refused(&mut world, OrderId(999), "1", "s"),
        RejectCode::AmendUnknownOrder
    );
}

#[test]
fn working_and_pending_orders_are_amended_each_for_itself() {
    let mut world = world();
    let sell = leg(OrderKind::Market, Side::Sell, "0", "0", "3", "pending");
    let oto = place(
        &mut world,
        list(ListKind::Oto, "l", vec![bid("90", "2"), sell]),
    )
    .unwrap();
    let orders = ids(&oto);
    let pending = amend(&mut world, orders[1], "1", "p").unwrap();
    assert_eq!(
        (pending.order.status, pending.order.qty),
        (OrderStatus::PendingNew, dec("1"))
    );
    assert_eq!(names(&pending), ["working", "p"]);
    assert_eq!(told(&world), (vec![], vec![orders[1]]));
    let working = amend(&mut world, orders[0], "0.5", "w").unwrap();
    assert_eq!(names(&working), ["w", "p"]);
    assert_eq!(balance(&world, USDT).1, 4_500_000_000);
    world.limit(ANN, Side::Sell, "90", "0.5");
    assert_eq!(activated(&world), [(orders[1], dec("1"))]);
}

#[test]
fn pending_pairs_are_amended_together_and_those_of_an_opo_not_at_all() {
    let mut world = world();
    let [above, below] = pair("2");
    let legs = vec![bid("90", "1"), above, below];
    let placed = place(&mut world, list(ListKind::Otoco, "l", legs)).unwrap();
    let orders = ids(&placed);
    let amended = amend(&mut world, orders[2], "1", "n").unwrap();
    assert_eq!(names(&amended), ["working", "above", "n"]);
    assert_eq!(told(&world).1, [orders[2], orders[1]]);
    world.limit(ANN, Side::Sell, "90", "1");
    assert_eq!(
        activated(&world),
        [(orders[1], dec("1")), (orders[2], dec("1"))]
    );
    assert_eq!(balance(&world, BTC).1, 100_000_000);
    amend(&mut world, orders[1], "0.5", "m").unwrap();
    assert_eq!(balance(&world, BTC).1, 50_000_000);
    let [mut above, mut below] = pair("0").map(|mut order| {
        order.client_id = ClientId::new(&format!("o{}", order.client_id.as_str())).unwrap();
        order
    });
    (above.qty, below.qty) = (Decimal::ZERO, Decimal::ZERO);
    let mut working = bid("90", "2");
    working.client_id = ClientId::new("owork").unwrap();
    let opoco = list(ListKind::Opoco, "o", vec![working, above, below]);
    let orders = ids(&place(&mut world, opoco).unwrap());
    assert_eq!(
        refused(&mut world, orders[1], "1", "x"),
        RejectCode::AmendPendingOpo
    );
    amend(&mut world, orders[0], "1", "x").unwrap();
    world.limit(ANN, Side::Sell, "90", "1");
    amend(&mut world, orders[1], "0.75", "y").unwrap();
    pairs_are_equal(&world);
}

/// A world in which every mode of prevention is allowed, with an OCO of 2 at 120 and at 80.
fn decrementing() -> (World, ListReply) {
    let mut market = instrument("BTCUSDT", Filters::default());
    market.allowed_stp = StpModes::ALL;
    let mut world = World::of(registry(), market);
    world.admin(Admin::OpenAccount).unwrap();
    for asset in [BTC, USDT] {
        world.fund(CAT, asset, 100_000_000_000).unwrap();
    }
    trade(&mut world, "100");
    let placed = place(&mut world, oco()).unwrap();
    (world, placed)
}

fn meet(world: &mut World, qty: &str, mode: StpMode) {
    let mut order = limit(Side::Buy, "120", qty, &format!("m{}", world.seq));
    order.stp = Some(mode);
    world.place(CAT, order).unwrap();
}

#[test]
fn what_prevention_takes_off_one_of_a_pair_it_takes_off_the_other() {
    let (mut world, placed) = decrementing();
    let orders = ids(&placed);
    meet(&mut world, "0.5", StpMode::Decrement);
    let lost: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::WaitingDecremented(e) => Some((e.order, e.prevented, e.qty, e.open_qty)),
            _ => None,
        })
        .collect();
    assert_eq!(lost, [(orders[1], 1, dec("0.5"), dec("1.5"))]);
    pairs_are_equal(&world);
    assert_eq!(balance(&world, BTC).1, 150_000_000);
    same_after_restart(&mut world);
    // amended to what is left of it and less
    amend(&mut world, orders[0], "1.5", "n").unwrap();
    assert_eq!(balance(&world, BTC).1, 100_000_000);
    // the stop acts for what is left
    world.limit(BOB, Side::Buy, "70", "5");
    trade(&mut world, "80");
    let sold: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Traded(t) if t.taker.order == orders[1] => Some((t.qty, t.taker.open_qty)),
            _ => None,
        })
        .collect();
    assert_eq!(sold, [(dec("1"), Decimal::ZERO)]);
    assert_eq!(balance(&world, BTC).1, 0);
    same_after_restart(&mut world);
}

#[test]
fn prevention_that_ends_one_of_a_pair_ends_the_list() {
    for (mode, qty) in [
        (StpMode::Decrement, "2"),
        (StpMode::Decrement, "3"),
        (StpMode::ExpireMaker, "1"),
        (StpMode::ExpireBoth, "1"),
    ] {
        let (mut world, placed) = decrementing();
        let orders = ids(&placed);
        meet(&mut world, qty, mode);
        let (closed, lists) = ended(&world);
        let of_list: Vec<_> = closed
            .into_iter()
            .filter(|(id, _)| orders.contains(id))
            .collect();
        let expected = [
            (orders[0], CloseReason::Prevented),
            (orders[1], CloseReason::OcoTriggered),
        ];
        assert_eq!(
            (of_list, lists),
            (expected.into(), vec![placed.list.id]),
            "{mode:?}"
        );
        assert_eq!(balance(&world, BTC).1, 0);
        same_after_restart(&mut world);
    }
}

/// An amendment to no more than prevention left ends the list.
#[test]
fn a_pair_amended_to_what_is_used_up_ends() {
    let (mut world, placed) = decrementing();
    let orders = ids(&placed);
    meet(&mut world, "1", StpMode::Decrement);
    let amended = amend(&mut world, orders[1], "1", "n").unwrap();
    assert_eq!(amended.order.status, OrderStatus::Canceled);
    assert!(amended.list.unwrap().done);
    assert_eq!(ended(&world).1, [placed.list.id]);
    assert_eq!(balance(&world, BTC).1, 0);
}
