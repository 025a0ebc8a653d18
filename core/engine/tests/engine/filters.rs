//! Filters that need the engine's state: what an account owns, and what was done to an order.

use engine::Engine;
use protocol::*;
use types::*;

use crate::support::*;

fn amend(qty: &str, name: &str) -> Command {
    Command::AmendOrder(AmendOrder {
        instrument: MARKET,
        order: OrderKey::Id(OrderId(1)),
        new_qty: dec(qty),
        client_id: ClientId::new(name).unwrap(),
    })
}

#[test]
fn max_position_counts_what_is_owned_bid_for_and_asked_now() {
    // everybody begins with a million
    let mut world = World::with(
        registry(),
        Filters {
            max_position: Some(dec("1000010")),
            ..Filters::default()
        },
    );
    world.limit(ANN, Side::Buy, "10", "6");
    let refused = Err(RejectCode::MaxPosition.into());
    let order = |qty, id| limit(Side::Buy, "9", qty, id);
    assert_eq!(world.place(ANN, order("4.00000001", "a")), refused);
    assert!(world.place(ANN, order("4", "b")).is_ok());
    assert_eq!(world.place(ANN, order("0.00000001", "c")), refused);
    // selling only lowers it, and what is held for a sale is still owned
    world.limit(ANN, Side::Sell, "20", "100");
    assert_eq!(world.place(ANN, order("0.00000001", "d")), refused);
    // a trade moves it from wanted to owned, less the commission of 0.006
    world.limit(BOB, Side::Sell, "10", "6");
    assert_eq!(world.place(ANN, order("0.00600001", "e")), refused);
    assert!(world.place(ANN, order("0.006", "f")).is_ok());
}

#[test]
fn max_position_binds_a_market_order_by_quote_amount() {
    let mut world = World::with(
        registry(),
        Filters {
            max_position: Some(dec("1000002")),
            ..Filters::default()
        },
    );
    world.limit(BOB, Side::Sell, "10", "6");
    let spend = |quote: &str| {
        let mut order = limit(Side::Buy, "0", "0", "spend");
        order.kind = OrderKind::Market;
        order.quote_qty = dec(quote);
        order
    };
    assert_eq!(
        world.place(ANN, spend("20.0000001")),
        Err(RejectCode::MaxPosition.into())
    );
    assert!(world.place(ANN, spend("20")).is_ok());
}

#[test]
fn an_order_is_amended_so_often_and_no_more_also_after_a_restart() {
    let mut world = World::with(
        registry(),
        Filters {
            max_num_order_amends: Some(2),
            ..Filters::default()
        },
    );
    world.limit(ANN, Side::Buy, "10", "6");
    world.run(ANN, amend("5", "a")).unwrap();
    let once = world.engine.digest();
    world.run(ANN, amend("4", "b")).unwrap();
    assert_ne!(world.engine.digest(), once);
    let mut bytes = Vec::new();
    world
        .engine
        .snapshot(&mut |piece| bytes.extend_from_slice(piece));
    let digest = world.engine.digest();
    world.engine = Engine::restore(registry(), &bytes).unwrap();
    assert_eq!(world.engine.digest(), digest);
    assert_eq!(
        world.run(ANN, amend("3", "c")),
        Err(RejectCode::MaxNumOrderAmends.into())
    );
}

#[test]
fn other_filters_bind_from_now_on_and_keep_the_grid() {
    let mut world = World::new();
    world.limit(ANN, Side::Buy, "10", "6");
    let set = |filters: Filters| {
        Admin::SetFilters(SetFilters {
            instrument: MARKET,
            filters: Box::new(filters),
        })
    };
    let filters = Filters {
        max_num_orders: Some(1),
        notional: Some(NotionalFilter {
            avg_price_mins: 5,
            ..NotionalFilter::default()
        }),
        ..Filters::default()
    };
    world.admin(set(filters)).unwrap();
    assert!(matches!(
        &world.events[..],
        [Event::InstrumentChanged(changed)] if changed.filters == filters
    ));
    assert_eq!(
        world.place(ANN, limit(Side::Buy, "9", "1", "a")),
        Err(RejectCode::MaxNumOrders.into())
    );
    let mut bytes = Vec::new();
    world
        .engine
        .snapshot(&mut |piece| bytes.extend_from_slice(piece));
    let restored = Engine::restore(registry(), &bytes).unwrap();
    assert_eq!(restored.digest(), world.engine.digest());
    let coarser = Filters {
        price: Some(PriceFilter {
            tick: dec("0.01"),
            ..PriceFilter::default()
        }),
        ..Filters::default()
    };
    assert_eq!(
        world.admin(set(coarser)),
        Err(RejectCode::InvalidSpecification.into())
    );
}

/// Bounds over all markets survive a snapshot, are told, and are part of the digest.
#[test]
fn the_venues_filters_are_state() {
    let mut world = World::new();
    let plain = world.engine.digest();
    let filters = ExchangeFilters {
        max_num_orders: Some(1),
        max_assets: vec![MaxAsset {
            asset: BTC,
            limit: dec("5"),
        }],
        ..ExchangeFilters::default()
    };
    let set = |filters: &ExchangeFilters| Admin::SetExchangeFilters(Box::new(filters.clone()));
    assert_eq!(world.admin(set(&filters)), Ok(Reply::Done));
    assert_ne!(world.engine.digest(), plain);
    let mut told = Vec::new();
    world.engine.tell(&mut |event| told.push(event));
    assert!(told.contains(&Event::ExchangeFiltersChanged(Box::new(filters.clone()))));
    let mut bytes = Vec::new();
    world
        .engine
        .snapshot(&mut |piece| bytes.extend_from_slice(piece));
    let restored = Engine::restore(registry(), &bytes).unwrap();
    assert_eq!(restored.digest(), world.engine.digest());
    world.engine = restored;
    world.limit(ANN, Side::Buy, "1", "5");
    let refused = |code: RejectCode| Err(code.into());
    assert_eq!(
        world.place(ANN, limit(Side::Buy, "1", "5", "second")),
        refused(RejectCode::ExchangeMaxNumOrders)
    );
    assert_eq!(
        world.place(BOB, limit(Side::Buy, "1", "5.00000001", "much")),
        refused(RejectCode::MaxAsset)
    );
    let twice = ExchangeFilters {
        max_assets: vec![filters.max_assets[0]; 2],
        ..ExchangeFilters::default()
    };
    assert!(world.admin(set(&twice)).is_err());
    assert_eq!(
        world.admin(set(&ExchangeFilters::default())),
        Ok(Reply::Done)
    );
    assert!(
        world
            .place(ANN, limit(Side::Buy, "1", "9", "second"))
            .is_ok()
    );
}
