//! What the naive twin of `testkit` found: each defect, by example.

use protocol::*;
use types::*;

use crate::lists::{self, CAT, leg, list};
use crate::support::*;

fn by_quote(amount: &str) -> PlaceOrder {
    let mut order = limit(Side::Buy, "0", "0", "spends");
    order.kind = OrderKind::Market;
    order.quote_qty = dec(amount);
    order
}

fn bounded_above(world: &mut World, price: &str, up: &str) {
    let told = SetReference {
        instrument: MARKET,
        calculation: Some(Calculation::External(0)),
        price: Some(dec(price)),
    };
    world.admin(Admin::SetReference(told)).unwrap();
    let range = PriceRange {
        bid_up: Some(dec(up)),
        ..PriceRange::default()
    };
    let rules = ExecutionRules {
        instrument: MARKET,
        range: Some(range),
    };
    world
        .admin(Admin::SetExecutionRules(Box::new(rules)))
        .unwrap();
}

/// The range ended an order by amount as EXPIRED although what was left of its budget bought no lot there.
#[test]
fn a_budget_that_buys_no_lot_beyond_the_range_is_spent() {
    let filters = Filters {
        lot_size: Some(LotSizeFilter {
            min: dec("0.1"),
            max: dec("1000"),
            step: dec("0.1"),
        }),
        ..Filters::default()
    };
    let mut world = World::with(registry(), filters);
    bounded_above(&mut world, "4", "1.1");
    world.limit(ANN, Side::Sell, "4", "2.9");
    world.limit(ANN, Side::Sell, "5", "10");
    let placed = world.place(BOB, by_quote("12")).unwrap();
    assert_eq!(placed.order.status, OrderStatus::Filled);
    assert_eq!(placed.order.executed_qty, dec("2.9"));
    // enough for a lot there: the range it is
    world.limit(ANN, Side::Sell, "4", "2.9");
    let placed = world.place(BOB, by_quote("13")).unwrap();
    assert_eq!(placed.order.status, OrderStatus::Expired);
    let reason = placed.order.more.and_then(|more| more.reason);
    assert_eq!(reason, Some(CloseReason::PriceRange));
}

/// An order that had waited stood last among its owner's, and by its age after a restart: then the same cancel told another story.
#[test]
fn all_orders_are_canceled_by_age_also_after_a_restart() {
    let mut world = lists::world();
    let mut stop = leg(
        OrderKind::StopLossLimit,
        Side::Buy,
        "101",
        "105",
        "1",
        "old",
    );
    stop.price = dec("101");
    let old = world.place(CAT, stop).unwrap().order.id;
    let young = limit(Side::Buy, "60", "1", "young");
    let young = world.place(CAT, young).unwrap().order.id;
    lists::trade(&mut world, "105");
    let mut restored = again(&world);
    let all = Command::CancelAll(CancelAll {
        instrument: MARKET,
        client_id: ClientId::new("all").unwrap(),
    });
    let Reply::CanceledAll(orders, _) = world.run(CAT, all.clone()).unwrap() else {
        panic!("not a cancel of all");
    };
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    assert_eq!(ids, [old, young]);
    assert!(orders[0].condition.as_ref().unwrap().triggered_at.is_some());
    let request = Request {
        actor: CAT,
        id: RequestId(0),
        expires: Time(i64::MAX),
        command: all,
    };
    let mut events = Vec::new();
    restored
        .execute(Seq(world.seq), world.time, &request, &mut events)
        .unwrap();
    assert_eq!(events, world.events);
}

/// A pending order without a quantity could trail by the whole price: no snapshot with it was read back.
#[test]
fn no_pending_order_trails_by_the_whole_price() {
    let mut world = lists::world();
    let mut pending = leg(OrderKind::StopLoss, Side::Sell, "0", "0", "0", "pending");
    pending.extras.as_mut().unwrap().trailing_delta = 10_000;
    let opo = list(ListKind::Opo, "opo", vec![lists::bid("90", "1"), pending]);
    let code = lists::refused(&mut world, opo);
    assert_eq!(code, RejectCode::UnsupportedCombination);
}

/// The filters of a pending order without a quantity looked at the average price where there was a reference price.
#[test]
fn a_pending_orders_price_is_compared_with_the_reference_price() {
    let filters = Filters {
        percent_price: Some(PercentPriceFilter {
            up: dec("2"),
            down: dec("0.5"),
            avg_price_mins: 1,
        }),
        ..Filters::default()
    };
    let mut world = lists::world_with(filters);
    let opo = |price: &str| {
        let sell = leg(OrderKind::Limit, Side::Sell, price, "0", "0", "pending");
        list(ListKind::Opo, "opo", vec![lists::bid("120", "1"), sell])
    };
    bounded_above(&mut world, "200", "1.1");
    let code = lists::refused(&mut world, opo("90"));
    assert_eq!(code, RejectCode::PercentPrice);
    lists::place(&mut world, opo("290")).unwrap();
}

/// MAX_ASSET counted a pending stop without a quantity at the last price instead of its own.
#[test]
fn a_pending_stop_counts_at_its_price() {
    let mut world = lists::world();
    let filters = ExchangeFilters {
        max_assets: vec![MaxAsset {
            asset: USDT,
            limit: dec("200"),
        }],
        ..ExchangeFilters::default()
    };
    world
        .admin(Admin::SetExchangeFilters(Box::new(filters)))
        .unwrap();
    let opo = |stop: &str| {
        let sell = leg(OrderKind::StopLoss, Side::Sell, "0", stop, "0", "pending");
        list(ListKind::Opo, "opo", vec![lists::bid("90", "2"), sell])
    };
    assert_eq!(lists::refused(&mut world, opo("101")), RejectCode::MaxAsset);
    lists::place(&mut world, opo("100")).unwrap();
}

/// The answer to a list did not say that a range ended its working order.
#[test]
fn a_list_says_that_the_range_ended_its_working_order() {
    let mut world = lists::world();
    bounded_above(&mut world, "100", "1.1");
    let pending = leg(OrderKind::Limit, Side::Sell, "300", "0", "1", "pending");
    let oto = list(ListKind::Oto, "oto", vec![lists::bid("250", "1"), pending]);
    let reply = lists::place(&mut world, oto).unwrap();
    let working = &reply.orders[0];
    assert_eq!(working.status, OrderStatus::Expired);
    let reason = working.more.as_ref().and_then(|more| more.reason);
    assert_eq!(reason, Some(CloseReason::PriceRange));
}
