//! Self-trade prevention that takes quantity off both orders, and trade groups.

use protocol::*;
use types::*;

use crate::support::*;

fn world() -> World {
    let mut instrument = instrument("BTCUSDT", Filters::default());
    instrument.allowed_stp = StpModes::ALL;
    World::of(registry(), instrument)
}

fn group(world: &mut World, account: AccountId, group: Option<u32>) -> Result<Reply, Reject> {
    world.admin(Admin::SetTradeGroup(SetTradeGroup {
        account,
        group: group.map(TradeGroupId),
    }))
}

fn place(
    world: &mut World,
    account: AccountId,
    (side, price, qty): (Side, &str, &str),
    mode: StpMode,
) -> Placed {
    let mut order = limit(side, price, qty, &format!("p{}", world.seq));
    order.stp = Some(mode);
    world.place(account, order).unwrap()
}

fn prevented(world: &World) -> Vec<MatchPrevented> {
    let of = |event: &Event| match event {
        Event::MatchPrevented(prevented) => Some(*prevented),
        _ => None,
    };
    world.events.iter().filter_map(of).collect()
}

/// The documents' scenario G: a smaller taker ends, the maker goes on with less.
#[test]
fn decrement_takes_the_smaller_quantity_off_both() {
    let mut world = world();
    place(&mut world, ANN, (Side::Buy, "2", "6"), StpMode::None);
    let taker = place(&mut world, ANN, (Side::Sell, "2", "2"), StpMode::Decrement);
    assert_eq!(taker.order.status, OrderStatus::ExpiredInMatch);
    assert_eq!(taker.order.prevented_qty, dec("2"));
    assert_eq!(taker.prevented_match, Some(1));
    let [seen] = prevented(&world)[..] else {
        panic!("{:?}", world.events);
    };
    assert_eq!(seen.mode, StpMode::Decrement);
    assert_eq!(
        (seen.maker_prevented, seen.taker_prevented),
        (dec("2"), dec("2"))
    );
    assert!(
        world
            .events
            .contains(&Event::OrderDecremented(OrderDecremented {
                instrument: MARKET,
                order: OrderId(1),
                account: ANN,
                qty: dec("2"),
                open_qty: dec("4"),
                update: Some(UpdateId(2)),
            }))
    );
    let [maker] = &open_orders(&world)[..] else {
        panic!("one order stays");
    };
    assert_eq!(maker.status, OrderStatus::New);
    assert_eq!(
        (maker.prevented_qty, maker.open_qty()),
        (dec("2"), dec("4"))
    );
    assert_eq!(balance(&world, ANN, USDT).1, 800_000_000);
    assert_eq!(balance(&world, ANN, BTC).1, 0);
    again(&world);
}

#[test]
fn a_larger_taker_goes_on_and_equal_orders_both_end() {
    let mut world = world();
    place(&mut world, ANN, (Side::Sell, "100", "1"), StpMode::None);
    place(&mut world, BOB, (Side::Sell, "101", "1"), StpMode::None);
    let taker = place(&mut world, ANN, (Side::Buy, "101", "3"), StpMode::Decrement);
    assert_eq!(taker.order.status, OrderStatus::PartiallyFilled);
    assert_eq!(taker.order.prevented_qty, dec("1"));
    assert_eq!(taker.order.executed_qty, dec("1"));
    assert_eq!(taker.order.open_qty(), dec("1"));
    let closed = world.events.iter().find_map(|event| match event {
        Event::OrderClosed(closed) => Some((closed.order, closed.reason, closed.open_qty)),
        _ => None,
    });
    assert_eq!(closed, Some((OrderId(1), CloseReason::Prevented, dec("1"))));
    let equal = place(
        &mut world,
        ANN,
        (Side::Sell, "101", "1"),
        StpMode::Decrement,
    );
    assert_eq!(equal.order.status, OrderStatus::ExpiredInMatch);
    assert!(open_orders(&world).is_empty());
    for asset in [BTC, USDT] {
        assert_eq!(balance(&world, ANN, asset).1, 0);
    }
}

#[test]
fn fok_with_prevention_on_its_way_does_not_begin() {
    let mut world = world();
    place(&mut world, ANN, (Side::Sell, "100", "1"), StpMode::None);
    place(&mut world, BOB, (Side::Sell, "100", "5"), StpMode::None);
    let mut order = limit(Side::Buy, "100", "2", "fok");
    (order.stp, order.tif) = (Some(StpMode::Decrement), TimeInForce::Fok);
    let placed = world.place(ANN, order).unwrap();
    assert_eq!(placed.order.status, OrderStatus::Expired);
    assert_eq!(placed.order.prevented_qty, Decimal::ZERO);
    assert_eq!(open_orders(&world).len(), 2);
}

/// A MARKET order by quote amount loses of its budget what was prevented.
#[test]
fn a_budget_is_used_up_by_what_was_prevented() {
    let mut world = world();
    place(&mut world, ANN, (Side::Sell, "100", "1"), StpMode::None);
    place(&mut world, BOB, (Side::Sell, "100", "5"), StpMode::None);
    let mut order = limit(Side::Buy, "0", "0", "budget");
    order.kind = OrderKind::Market;
    order.quote_qty = dec("250");
    order.stp = Some(StpMode::Decrement);
    let placed = world.place(ANN, order.clone()).unwrap();
    assert_eq!(placed.order.status, OrderStatus::Filled);
    assert_eq!(placed.order.executed_qty, dec("1.5"));
    assert_eq!(placed.order.qty, dec("2.5"));
    place(&mut world, ANN, (Side::Sell, "99", "5"), StpMode::None);
    order.client_id = ClientId::new("again").unwrap();
    order.quote_qty = dec("99");
    let placed = world.place(ANN, order).unwrap();
    assert_eq!(placed.order.status, OrderStatus::ExpiredInMatch);
    assert_eq!(placed.order.executed_qty, Decimal::ZERO);
}

/// The documents' scenario H: two accounts of one group, and the balances that they say.
#[test]
fn transfer_moves_what_was_prevented_without_commission() {
    let mut world = world();
    group(&mut world, ANN, Some(1)).unwrap();
    group(&mut world, BOB, Some(1)).unwrap();
    let before = [balance(&world, ANN, BTC).0, balance(&world, ANN, USDT).0];
    place(
        &mut world,
        ANN,
        (Side::Buy, "0.2", "0.6"),
        StpMode::Transfer,
    );
    let taker = place(
        &mut world,
        BOB,
        (Side::Sell, "0.2", "0.2"),
        StpMode::Transfer,
    );
    assert_eq!(taker.order.status, OrderStatus::ExpiredInMatch);
    assert_eq!(taker.order.prevented_qty, dec("0.2"));
    assert_eq!(balance(&world, ANN, BTC), (before[0] + 20_000_000, 0));
    assert_eq!(
        balance(&world, ANN, USDT),
        (before[1] - 12_000_000, 8_000_000)
    );
    assert_eq!(balance(&world, BOB, BTC), (before[0] - 20_000_000, 0));
    assert_eq!(balance(&world, BOB, USDT), (before[1] + 4_000_000, 0));
    assert_eq!(prevented(&world)[0].mode, StpMode::Transfer);
    let told = Event::MatchPreventedInGroup(MatchPreventedInGroup {
        instrument: MARKET,
        id: 1,
        group: TradeGroupId(1),
    });
    assert!(world.events.contains(&told));
    let moved = world
        .events
        .iter()
        .filter(|e| matches!(e, Event::Transferred(_)));
    assert_eq!(moved.count(), 4);
    assert!(!world.events.iter().any(|e| matches!(e, Event::Traded(_))));
    again(&world);
}

#[test]
fn transfer_is_a_decrement_unless_both_ask_and_accounts_differ() {
    let mut world = world();
    for account in [ANN, BOB] {
        group(&mut world, account, Some(7)).unwrap();
    }
    let cases = [
        (ANN, StpMode::Transfer, BOB, StpMode::None),
        (ANN, StpMode::Transfer, ANN, StpMode::Transfer),
        (ANN, StpMode::Decrement, BOB, StpMode::Transfer),
    ];
    for (maker, maker_mode, taker, taker_mode) in cases {
        let before = balance(&world, taker, USDT);
        place(&mut world, maker, (Side::Buy, "2", "1"), maker_mode);
        place(&mut world, taker, (Side::Sell, "2", "1"), taker_mode);
        let modes: Vec<_> = prevented(&world).iter().map(|p| p.mode).collect();
        if taker_mode == StpMode::None {
            assert!(modes.is_empty(), "nothing is prevented without a mode");
        } else {
            assert_eq!(modes, [StpMode::Decrement]);
            assert_eq!(balance(&world, taker, USDT), before);
        }
    }
}

#[test]
fn a_group_is_one_party_to_every_mode_and_open_orders_follow_it() {
    let mut world = world();
    place(&mut world, ANN, (Side::Sell, "100", "1"), StpMode::None);
    for account in [ANN, BOB] {
        group(&mut world, account, Some(3)).unwrap();
    }
    let mut restored = again(&world);
    let mut order = limit(Side::Buy, "100", "1", "x");
    order.stp = Some(StpMode::ExpireMaker);
    both(&mut world, &mut restored, BOB, order);
    let [seen] = prevented(&world)[..] else {
        panic!("{:?}", world.events);
    };
    assert_eq!((seen.maker_account, seen.taker_account), (ANN, BOB));
    // out of the group they trade again
    group(&mut world, ANN, None).unwrap();
    let taker = place(
        &mut world,
        ANN,
        (Side::Sell, "100", "1"),
        StpMode::ExpireBoth,
    );
    assert_eq!(taker.order.status, OrderStatus::Filled);
}

/// An account that has never been at the market meets its group's orders too.
#[test]
fn a_newcomer_belongs_to_its_group() {
    let mut world = world();
    place(&mut world, ANN, (Side::Sell, "100", "1"), StpMode::Transfer);
    for account in [ANN, BOB] {
        group(&mut world, account, Some(0)).unwrap();
    }
    let mut order = limit(Side::Buy, "0", "1", "m");
    order.kind = OrderKind::Market;
    order.stp = Some(StpMode::Transfer);
    let before = balance(&world, BOB, USDT).0;
    let placed = world.place(BOB, order).unwrap();
    assert_eq!(placed.order.status, OrderStatus::ExpiredInMatch);
    assert_eq!(balance(&world, BOB, USDT).0, before - 10_000_000_000);
}

#[test]
fn groups_are_checked() {
    let mut world = world();
    assert_eq!(
        group(&mut world, AccountId(4_000), Some(1)),
        Err(RejectCode::UnknownAccount.into())
    );
    assert_eq!(
        group(&mut world, ANN, Some(u32::MAX)),
        Err(RejectCode::InvalidTradeGroup.into())
    );
    group(&mut world, ANN, Some(5)).unwrap();
    let told = Event::TradeGroupChanged(SetTradeGroup {
        account: ANN,
        group: Some(TradeGroupId(5)),
    });
    assert_eq!(world.events, std::slice::from_ref(&told));
    let mut heard = Vec::new();
    world.engine.tell(&mut |event| heard.push(event));
    assert!(heard.contains(&told));
    assert_eq!(heard, {
        let mut heard = Vec::new();
        again(&world).tell(&mut |event| heard.push(event));
        heard
    });
}
