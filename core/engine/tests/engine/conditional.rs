//! Conditional orders, by example: what they hold, what lets them act, what becomes of them then.

use engine::{Engine, TRIGGERS_AT_ONCE};
use protocol::*;
use types::*;

use crate::support::*;

const CAT: AccountId = AccountId(1003);

fn conditional(kind: OrderKind, side: Side, stop: &str, qty: &str, id: &str) -> PlaceOrder {
    let mut order = limit(side, "0", qty, id);
    order.kind = kind;
    order.extras = Some(Box::new(Extras {
        stop_price: dec(stop),
        ..Extras::NONE
    }));
    order
}

fn trailing(kind: OrderKind, side: Side, stop: &str, delta: u32, id: &str) -> PlaceOrder {
    let mut order = conditional(kind, side, stop, "1", id);
    order.extras.as_mut().unwrap().trailing_delta = delta;
    order
}

/// A third account waits; the first two trade.
fn world() -> World {
    let mut world = World::new();
    world.admin(Admin::OpenAccount).unwrap();
    for asset in [BTC, USDT] {
        world.fund(CAT, asset, 1_000_000_000_000).unwrap();
    }
    world
}

fn trade(world: &mut World, price: &str) {
    world.limit(ANN, Side::Sell, price, "0.5");
    world.limit(BOB, Side::Buy, price, "0.5");
}

/// A book on both sides, far enough apart that trades at 100 and around happen by orders of their own.
fn stock(world: &mut World) {
    world.limit(ANN, Side::Sell, "200", "50");
    world.limit(BOB, Side::Buy, "50", "50");
}

fn triggered(world: &World) -> Vec<OrderId> {
    let of = |event: &Event| match event {
        Event::OrderTriggered(t) => Some(t.order),
        _ => None,
    };
    world.events.iter().filter_map(of).collect()
}

fn closed(world: &World) -> Vec<(OrderId, CloseReason)> {
    let of = |event: &Event| match event {
        Event::OrderClosed(c) => Some((c.order, c.reason)),
        _ => None,
    };
    world.events.iter().filter_map(of).collect()
}

fn held(world: &World, account: AccountId, asset: AssetId) -> i128 {
    let mut found = 0;
    world.engine.tell(&mut |event| {
        if let Event::BalanceChanged(b) = event
            && (b.account, b.asset) == (account, asset)
        {
            found = b.held.0;
        }
    });
    found
}

/// A snapshot restores to the same state.
fn same_after_restart(world: &mut World) {
    let mut bytes = Vec::new();
    world
        .engine
        .snapshot(&mut |piece| bytes.extend_from_slice(piece));
    let restored = Engine::restore(registry(), &bytes).unwrap();
    assert_eq!(restored.digest(), world.engine.digest());
    world.engine = restored;
}

#[test]
fn each_kind_waits_for_its_side_of_the_price() {
    use OrderKind::{StopLoss, TakeProfit};
    use Side::{Buy, Sell};
    for (kind, side, stop, before, at) in [
        (StopLoss, Sell, "95", "96", "95"),
        (StopLoss, Buy, "105", "104", "105"),
        (TakeProfit, Sell, "105", "104.99", "106"),
        (TakeProfit, Buy, "95", "95.01", "94"),
    ] {
        let mut world = world();
        stock(&mut world);
        trade(&mut world, "100");
        let placed = world
            .place(CAT, conditional(kind, side, stop, "1", "c"))
            .unwrap();
        assert_eq!(placed.order.status, OrderStatus::New);
        assert!(!placed.order.is_working());
        same_after_restart(&mut world);
        trade(&mut world, before);
        assert_eq!(triggered(&world), []);
        trade(&mut world, at);
        assert_eq!(triggered(&world), [placed.order.id], "{kind:?} {side:?}");
        let party = |event: &Event| match event {
            Event::Traded(t) if t.taker.account == CAT => Some((t.taker.order, t.qty, t.price)),
            _ => None,
        };
        let price = if side == Buy { "200" } else { "50" };
        let fills: Vec<_> = world.events.iter().filter_map(party).collect();
        assert_eq!(fills, [(placed.order.id, dec("1"), dec(price))]);
        assert_eq!(held(&world, CAT, BTC) + held(&world, CAT, USDT), 0);
    }
}

#[test]
fn the_wrong_side_of_the_last_trade_is_refused() {
    use OrderKind::{StopLoss, StopLossLimit, TakeProfit};
    use Side::{Buy, Sell};
    let mut world = world();
    let mut early = conditional(StopLossLimit, Sell, "100", "1", "early");
    early.price = dec("99");
    world.place(CAT, early).unwrap();
    trade(&mut world, "101");
    for (kind, side, stop) in [
        (StopLoss, Sell, "101"),
        (StopLoss, Buy, "101"),
        (TakeProfit, Sell, "100"),
        (TakeProfit, Buy, "102"),
    ] {
        let order = conditional(kind, side, stop, "1", "c");
        let refused = world.place(CAT, order).unwrap_err();
        assert_eq!(
            refused.code(),
            RejectCode::WouldTrigger,
            "{kind:?} {side:?}"
        );
    }
}

#[test]
fn shapes_that_are_no_conditional_order_are_refused() {
    let mut world = world();
    let mut no_stop = conditional(OrderKind::StopLoss, Side::Sell, "90", "1", "c");
    no_stop.extras = None;
    let nothing = conditional(OrderKind::StopLoss, Side::Sell, "0", "1", "c");
    let whole = trailing(OrderKind::StopLoss, Side::Sell, "0", 10_000, "c");
    let mut priced = conditional(OrderKind::StopLoss, Side::Sell, "90", "1", "c");
    priced.price = dec("89");
    let mut plain = limit(Side::Sell, "90", "1", "c");
    plain.extras = Some(Box::new(Extras::NONE));
    for order in [no_stop, nothing, whole, priced, plain] {
        let refused = world.place(CAT, order).unwrap_err();
        assert_eq!(refused.code(), RejectCode::UnsupportedCombination);
    }
}

#[test]
fn a_limit_rests_at_its_price_once_triggered_and_is_canceled_like_any() {
    let mut world = world();
    stock(&mut world);
    trade(&mut world, "100");
    let mut order = conditional(OrderKind::StopLossLimit, Side::Sell, "95", "2", "stop");
    order.price = dec("94.5");
    let id = world.place(CAT, order.clone()).unwrap().order.id;
    assert_eq!(held(&world, CAT, BTC), 200_000_000);
    let twice = world.place(CAT, order).unwrap_err();
    assert_eq!(twice.code(), RejectCode::DuplicateClientId);
    trade(&mut world, "95");
    assert_eq!(triggered(&world), [id]);
    assert!(
        world
            .events
            .iter()
            .any(|e| matches!(e, Event::OrderRested(r) if r.order == id && r.price == dec("94.5")))
    );
    assert_eq!(held(&world, CAT, BTC), 200_000_000);
    same_after_restart(&mut world);
    // partly taken, then canceled by its client id
    world.limit(BOB, Side::Buy, "94.5", "0.5");
    let cancel = Command::CancelOrder(CancelOrder {
        instrument: MARKET,
        order: OrderKey::ClientId(ClientId::new("stop").unwrap()),
        client_id: ClientId::new("x").unwrap(),
        restriction: None,
    });
    let Reply::Canceled(canceled) = world.run(CAT, cancel).unwrap() else {
        panic!("not canceled");
    };
    assert_eq!(canceled.executed_qty, dec("0.5"));
    assert!(canceled.is_working());
    assert_eq!(held(&world, CAT, BTC), 0);
}

#[test]
fn waiting_orders_are_canceled_by_id_by_name_and_all_at_once() {
    let mut world = world();
    trade(&mut world, "100");
    let cancel = |order| {
        Command::CancelOrder(CancelOrder {
            instrument: MARKET,
            order,
            client_id: ClientId::new("x").unwrap(),
            restriction: Some(CancelRestriction::OnlyNew),
        })
    };
    let stop = |id| conditional(OrderKind::StopLoss, Side::Buy, "110", "1", id);
    let id = world.place(CAT, stop("a")).unwrap().order.id;
    assert_eq!(held(&world, CAT, USDT), 11_000_000_000);
    let foreign = world.run(BOB, cancel(OrderKey::Id(id))).unwrap_err();
    assert_eq!(foreign.code(), RejectCode::UnknownOrder);
    let misnamed = OrderKey::Both(BothKeys {
        id,
        client_id: ClientId::new("b").unwrap(),
    });
    let refused = world.run(CAT, cancel(misnamed)).unwrap_err();
    assert_eq!(refused.code(), RejectCode::ClientIdMismatch);
    world.run(CAT, cancel(OrderKey::Id(id))).unwrap();
    assert_eq!(closed(&world), [(id, CloseReason::Canceled)]);
    assert_eq!(held(&world, CAT, USDT), 0);

    world.place(CAT, stop("b")).unwrap();
    world.limit(CAT, Side::Buy, "1", "1");
    let all = Command::CancelAll(CancelAll {
        instrument: MARKET,
        client_id: ClientId::NONE,
    });
    let Reply::CanceledAll(orders, _) = world.run(CAT, all.clone()).unwrap() else {
        panic!("not canceled");
    };
    assert_eq!(orders.len(), 2);
    assert_eq!(
        world.run(CAT, all).unwrap_err().code(),
        RejectCode::UnknownOrder
    );
    trade(&mut world, "111");
    assert_eq!(triggered(&world), []);
}

#[test]
fn a_trailing_order_acts_when_the_price_comes_back_from_its_extreme() {
    let mut world = world();
    stock(&mut world);
    trade(&mut world, "100");
    // 1 %: from the highest trade after it was placed
    let order = trailing(OrderKind::StopLoss, Side::Sell, "0", 100, "t");
    let id = world.place(CAT, order).unwrap().order.id;
    for price in ["100", "104", "103", "102.97"] {
        trade(&mut world, price);
        assert_eq!(triggered(&world), [], "at {price}");
        same_after_restart(&mut world);
    }
    trade(&mut world, "102.96");
    assert_eq!(triggered(&world), [id]);

    // 5 % down from the highest trade, but only once 90 was seen; the first one's own trade was at 50
    trade(&mut world, "100");
    let order = trailing(OrderKind::TakeProfit, Side::Buy, "90", 500, "u");
    let id = world.place(CAT, order).unwrap().order.id;
    trade(&mut world, "91");
    trade(&mut world, "90");
    assert!(
        world
            .events
            .iter()
            .any(|e| matches!(e, Event::TrailingStarted(t) if t.order == id))
    );
    trade(&mut world, "95");
    assert_eq!(triggered(&world), [], "it follows the highest from 90 on");
    trade(&mut world, "90.25");
    assert_eq!(triggered(&world), [id], "95 less 5 %");
}

#[test]
fn what_it_cannot_afford_any_more_ends_refused() {
    let mut world = world();
    stock(&mut world);
    trade(&mut world, "100");
    // holds 100 x 105 of its 10 000 and would have to pay 200 each
    let order = conditional(OrderKind::StopLoss, Side::Buy, "105", "90", "c");
    let id = world.place(CAT, order).unwrap().order.id;
    assert_eq!(held(&world, CAT, USDT), 945_000_000_000);
    world.limit(ANN, Side::Sell, "199", "50");
    trade(&mut world, "105");
    assert_eq!(triggered(&world), [id]);
    assert_eq!(closed(&world), [(id, CloseReason::Refused)]);
    assert_eq!(held(&world, CAT, USDT), 0);
}

#[test]
fn an_empty_book_expires_it_and_a_halted_market_keeps_it_waiting() {
    let mut world = world();
    trade(&mut world, "100");
    let order = conditional(OrderKind::StopLoss, Side::Sell, "95", "1", "c");
    let id = world.place(CAT, order).unwrap().order.id;
    trade(&mut world, "95");
    assert_eq!(closed(&world), [(id, CloseReason::InsufficientLiquidity)]);
}

/// Many stops at one price act some in the trade's record, the others in records of due work, in order; none twice.
#[test]
fn a_cascade_is_bounded_and_goes_on_as_due_work() {
    let mut world = world();
    stock(&mut world);
    trade(&mut world, "100");
    let count = TRIGGERS_AT_ONCE * 2 + 3;
    let ids: Vec<OrderId> = (0..count)
        .map(|n| {
            let id = format!("c{n}");
            let order = conditional(OrderKind::StopLoss, Side::Sell, "95", "0.1", &id);
            world.place(CAT, order).unwrap().order.id
        })
        .collect();
    trade(&mut world, "95");
    let mut acted = triggered(&world);
    assert_eq!(acted.len(), TRIGGERS_AT_ONCE);
    same_after_restart(&mut world);
    // in between, one of those whose turn will come is canceled
    let gone = *ids.last().unwrap();
    let cancel = Command::CancelOrder(CancelOrder {
        instrument: MARKET,
        order: OrderKey::Id(gone),
        client_id: ClientId::NONE,
        restriction: None,
    });
    world.run(CAT, cancel).unwrap();
    acted.extend(triggered(&world));
    while world.engine.due(world.time) {
        let halt = |status| {
            Admin::SetStatus(SetStatus {
                instrument: MARKET,
                status,
            })
        };
        world.admin(halt(MarketStatus::Halt)).unwrap();
        assert!(
            !world.engine.due(world.time),
            "nothing acts in a halted market"
        );
        world.admin(halt(MarketStatus::Trading)).unwrap();
        acted.extend(triggered(&world));
        world
            .run(AccountId::TREASURY, Command::Wake(Wake { budget: 64 }))
            .unwrap();
        acted.extend(triggered(&world));
    }
    assert_eq!(acted, ids[..count - 1]);
}

/// The trades of one stop reach the next one's price.
#[test]
fn stops_set_off_stops() {
    let mut world = world();
    trade(&mut world, "100");
    for (price, qty) in [("95", "1"), ("90", "1"), ("85", "1")] {
        world.limit(BOB, Side::Buy, price, qty);
    }
    let ids: Vec<OrderId> = [("95", "0.6", "a"), ("90", "1", "b"), ("85", "0.5", "c")]
        .into_iter()
        .map(|(stop, qty, id)| {
            let order = conditional(OrderKind::StopLoss, Side::Sell, stop, qty, id);
            world.place(CAT, order).unwrap().order.id
        })
        .collect();
    let mut sell = limit(Side::Sell, "0", "0.5", "first");
    sell.kind = OrderKind::Market;
    world.place(ANN, sell).unwrap();
    assert_eq!(triggered(&world), ids, "95, 95 and 90, 90 and 85");
}

#[test]
fn cancel_replace_takes_a_waiting_order_for_another() {
    let mut world = world();
    trade(&mut world, "100");
    let stop = |stop, id| conditional(OrderKind::StopLoss, Side::Sell, stop, "5", id);
    let id = world.place(CAT, stop("95", "a")).unwrap().order.id;
    let replace = Command::CancelReplace(Box::new(CancelReplace {
        cancel: CancelOrder {
            instrument: MARKET,
            order: OrderKey::Id(id),
            client_id: ClientId::new("x").unwrap(),
            restriction: None,
        },
        place: stop("90", "b"),
        mode: CancelReplaceMode::StopOnFailure,
    }));
    let Reply::CancelReplaced(both) = world.run(CAT, replace).unwrap() else {
        panic!("not replaced");
    };
    assert!(both.cancel.is_ok() && both.place.is_ok());
    assert_eq!(held(&world, CAT, BTC), 500_000_000);
}

#[test]
fn their_number_and_their_delta_are_bounded_by_filters() {
    let filters = Filters {
        max_num_algo_orders: Some(2),
        trailing_delta: Some(TrailingDeltaFilter {
            min_above: 10,
            max_above: 2_000,
            min_below: 20,
            max_below: 1_000,
        }),
        ..Filters::default()
    };
    let mut world = World::with(registry(), filters);
    let stop = |delta, id| trailing(OrderKind::StopLoss, Side::Sell, "0", delta, id);
    for delta in [19, 1_001] {
        let refused = world.place(BOB, stop(delta, "c")).unwrap_err();
        assert_eq!(refused.code(), RejectCode::TrailingDelta);
    }
    world.place(BOB, stop(20, "a")).unwrap();
    world.place(BOB, stop(1_000, "b")).unwrap();
    let third = world.place(BOB, stop(20, "c")).unwrap_err();
    assert_eq!(third.code(), RejectCode::MaxNumAlgoOrders);
    world.place(ANN, stop(20, "a")).unwrap();
}

/// MAX_POSITION counts what waits to be bought.
#[test]
fn a_waiting_purchase_counts_towards_the_position() {
    let mut world = world();
    trade(&mut world, "100");
    let filters = Filters {
        max_position: Some(dec("10003")),
        ..Filters::default()
    };
    world
        .admin(Admin::SetFilters(SetFilters {
            instrument: MARKET,
            filters: Box::new(filters),
        }))
        .unwrap();
    let buy = |id| conditional(OrderKind::StopLoss, Side::Buy, "110", "2", id);
    world.place(CAT, buy("a")).unwrap();
    let refused = world.place(CAT, buy("b")).unwrap_err();
    assert_eq!(refused.code(), RejectCode::MaxPosition);
}
