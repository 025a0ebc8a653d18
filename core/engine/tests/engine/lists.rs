//! Order lists, by example: what they hold, what ends one order because of another, what a filled working order begins.

use engine::Engine;
use protocol::*;
use types::*;

use crate::support::*;

pub const CAT: AccountId = AccountId(1003);

/// A third account places lists; the first two trade. The last trade is at 100, the book far away.
pub fn world() -> World {
    world_with(Filters::default())
}

pub fn world_with(filters: Filters) -> World {
    let mut world = World::with(registry(), filters);
    world.admin(Admin::OpenAccount).unwrap();
    for asset in [BTC, USDT] {
        world.fund(CAT, asset, 100_000_000_000).unwrap();
    }
    trade(&mut world, "100");
    world.limit(ANN, Side::Sell, "200", "50");
    world.limit(BOB, Side::Buy, "50", "50");
    world
}

pub fn trade(world: &mut World, price: &str) {
    world.limit(ANN, Side::Sell, price, "0.5");
    world.limit(BOB, Side::Buy, price, "0.5");
}

pub fn leg(
    kind: OrderKind,
    side: Side,
    price: &str,
    stop: &str,
    qty: &str,
    id: &str,
) -> PlaceOrder {
    let mut order = limit(side, price, qty, id);
    order.kind = kind;
    order.extras = kind.is_conditional().then(|| {
        Box::new(Extras {
            stop_price: dec(stop),
            trailing_delta: 0,
            ..Extras::NONE
        })
    });
    order
}

pub fn list(kind: ListKind, id: &str, legs: Vec<PlaceOrder>) -> PlaceList {
    PlaceList {
        instrument: MARKET,
        kind,
        client_id: ClientId::new(id).unwrap(),
        legs,
    }
}

/// Sells at 120, or stops at 80.
pub fn pair(qty: &str) -> [PlaceOrder; 2] {
    [
        leg(OrderKind::LimitMaker, Side::Sell, "120", "0", qty, "above"),
        leg(OrderKind::StopLoss, Side::Sell, "0", "80", qty, "below"),
    ]
}

pub fn oco() -> PlaceList {
    list(ListKind::Oco, "oco", pair("2").into())
}

pub fn bid(price: &str, qty: &str) -> PlaceOrder {
    leg(OrderKind::Limit, Side::Buy, price, "0", qty, "working")
}

pub fn place(world: &mut World, list: PlaceList) -> Result<ListReply, Reject> {
    match world.run(CAT, Command::PlaceList(Box::new(list)))? {
        Reply::ListPlaced(reply) => {
            same_after_restart(world);
            Ok(*reply)
        }
        other => panic!("{other:?}"),
    }
}

pub fn refused(world: &mut World, list: PlaceList) -> RejectCode {
    place(world, list).unwrap_err().code()
}

/// A snapshot restores to the same state.
pub fn same_after_restart(world: &mut World) {
    let mut bytes = Vec::new();
    world
        .engine
        .snapshot(&mut |piece| bytes.extend_from_slice(piece));
    let restored = Engine::restore(registry(), &bytes).unwrap();
    assert_eq!(restored.digest(), world.engine.digest());
    world.engine = restored;
}

/// What ended otherwise than by being filled, and the lists that ended.
pub fn ended(world: &World) -> (Vec<(OrderId, CloseReason)>, Vec<ListId>) {
    let closed = |event: &Event| match event {
        Event::OrderClosed(c) if c.account == CAT => Some((c.order, c.reason)),
        _ => None,
    };
    let lists = |event: &Event| match event {
        Event::ListEnded(list) => {
            assert!(list.done);
            Some(list.id)
        }
        _ => None,
    };
    (
        world.events.iter().filter_map(closed).collect(),
        world.events.iter().filter_map(lists).collect(),
    )
}

pub fn activated(world: &World) -> Vec<(OrderId, Decimal)> {
    let of = |event: &Event| match event {
        Event::OrderActivated(a) => Some((a.order, a.qty)),
        _ => None,
    };
    world.events.iter().filter_map(of).collect()
}

pub fn balance(world: &World, asset: AssetId) -> (i128, i128) {
    let mut found = (0, 0);
    world.engine.tell(&mut |event| {
        if let Event::BalanceChanged(b) = event
            && (b.account, b.asset) == (CAT, asset)
        {
            found = (b.free.0, b.held.0);
        }
    });
    found
}

pub fn open(world: &World) -> Vec<(OrderId, OrderStatus)> {
    let mut open = Vec::new();
    world.engine.tell(&mut |event| {
        if let Event::OrderRestored(order) = event
            && order.account == CAT
        {
            assert!(order.list().is_some());
            open.push((order.id, order.status));
        }
    });
    open
}

pub fn ids(reply: &ListReply) -> Vec<OrderId> {
    reply.list.legs.iter().map(|leg| leg.order).collect()
}

#[test]
fn an_oco_holds_once_and_the_first_that_trades_ends_the_other() {
    for qty in ["0.5", "2"] {
        let mut world = world();
        let placed = place(&mut world, oco()).unwrap();
        let orders = ids(&placed);
        assert_eq!(balance(&world, BTC).1, 200_000_000);
        assert_eq!(placed.list.kind, ListKind::Oco);
        assert!(placed.orders.iter().all(|o| o.status == OrderStatus::New));
        world.limit(BOB, Side::Buy, "120", qty);
        let whole = qty == "2";
        let lists = if whole { vec![placed.list.id] } else { vec![] };
        let expected = (vec![(orders[1], CloseReason::OcoTriggered)], lists);
        assert_eq!(ended(&world), expected);
        assert_eq!(balance(&world, BTC).1, if whole { 0 } else { 150_000_000 });
    }
}

#[test]
fn the_stop_of_an_oco_acts_and_the_limit_leaves_the_book() {
    let mut world = world();
    let placed = place(&mut world, oco()).unwrap();
    let orders = ids(&placed);
    trade(&mut world, "80");
    let expected = (
        vec![(orders[0], CloseReason::OcoTriggered)],
        vec![placed.list.id],
    );
    assert_eq!(ended(&world), expected);
    assert_eq!((open(&world), balance(&world, BTC).1), (vec![], 0));
}

#[test]
fn an_oco_that_buys_holds_the_dearer_of_its_orders() {
    let mut world = world();
    let above = leg(OrderKind::StopLossLimit, Side::Buy, "125", "120", "2", "a");
    let below = leg(OrderKind::LimitMaker, Side::Buy, "90", "0", "2", "b");
    place(&mut world, list(ListKind::Oco, "l", vec![above, below])).unwrap();
    assert_eq!(balance(&world, USDT).1, 25_000_000_000);
    world.limit(ANN, Side::Sell, "90", "0.5");
    assert_eq!(balance(&world, USDT).1, 13_500_000_000);
}

#[test]
fn canceling_one_order_cancels_the_list() {
    for which in 0..5 {
        let mut world = world();
        let placed = place(&mut world, oco()).unwrap();
        let orders = ids(&placed);
        let name = ClientId::new("c").unwrap();
        let command = match which {
            0 | 1 => Command::CancelOrder(CancelOrder {
                instrument: MARKET,
                order: OrderKey::Id(orders[which]),
                client_id: name,
                restriction: None,
            }),
            2 => Command::CancelAll(CancelAll {
                instrument: MARKET,
                client_id: name,
            }),
            _ => Command::CancelList(CancelList {
                instrument: MARKET,
                list: (which == 3).then_some(placed.list.id),
                list_client_id: match which {
                    3 => ClientId::NONE,
                    _ => placed.list.client_id,
                },
                client_id: name,
            }),
        };
        let (list, canceled) = match world.run(CAT, command).unwrap() {
            Reply::ListCanceled(reply) => (reply.list, reply.orders),
            Reply::CanceledAll(orders, mut lists) => (lists.remove(0), orders),
            other => panic!("{other:?}"),
        };
        assert!(list.done);
        let both: Vec<_> = canceled.iter().map(|o| (o.id, o.status)).collect();
        let expected = orders.iter().map(|id| (*id, OrderStatus::Canceled));
        assert_eq!(both, expected.collect::<Vec<_>>());
        assert_eq!(ended(&world).1, [placed.list.id]);
        assert_eq!(balance(&world, BTC).1, 0);
        same_after_restart(&mut world);
    }
}

#[test]
fn prices_of_an_oco_stand_on_both_sides_of_the_last_trade() {
    let mut world = world();
    for (above, below) in [("100", "80"), ("99", "80"), ("120", "100"), ("120", "130")] {
        let legs = vec![
            leg(OrderKind::LimitMaker, Side::Sell, above, "0", "1", "a"),
            leg(OrderKind::StopLoss, Side::Sell, "0", below, "1", "b"),
        ];
        let code = refused(&mut world, list(ListKind::Oco, "l", legs));
        assert_eq!(code, RejectCode::OcoPrices, "{above} {below}");
    }
}

#[test]
fn what_is_not_a_list_is_refused() {
    use ListKind::{Oco, Opo, Oto, Otoco};
    let mut world = world();
    let [above, below] = pair("1");
    let other = |order: &PlaceOrder, change: &dyn Fn(&mut PlaceOrder)| {
        let mut order = order.clone();
        change(&mut order);
        order
    };
    let market = leg(OrderKind::Market, Side::Buy, "0", "0", "1", "m");
    let cases = vec![
        (Oco, vec![above.clone()]),
        (Oco, vec![above.clone(), above.clone()]),
        (
            Oco,
            vec![above.clone(), other(&below, &|o| o.side = Side::Buy)],
        ),
        (
            Oco,
            vec![above.clone(), other(&below, &|o| o.qty = dec("2"))],
        ),
        (Oto, vec![market.clone(), below.clone()]),
        (Oto, vec![bid("90", "1")]),
        (Otoco, vec![bid("90", "1"), above.clone()]),
        (Opo, vec![bid("90", "1"), above.clone()]),
    ];
    for (kind, legs) in cases {
        let code = refused(&mut world, list(kind, "l", legs.clone()));
        assert_eq!(code, RejectCode::UnsupportedList, "{kind:?} {legs:?}");
    }
    place(&mut world, oco()).unwrap();
    let again = refused(&mut world, oco());
    assert_eq!(again, RejectCode::DuplicateClientId);
    let mut legs = pair("1");
    legs[1].client_id = legs[0].client_id;
    let twice = refused(&mut world, list(Oco, "other", legs.into()));
    assert_eq!(twice, RejectCode::DuplicateClientId);
    let poor = refused(&mut world, {
        let mut legs = pair("5000");
        legs[0].client_id = ClientId::new("x").unwrap();
        legs[1].client_id = ClientId::new("y").unwrap();
        list(Oco, "poor", legs.into())
    });
    assert_eq!(poor, RejectCode::InsufficientBalance);
}

#[test]
fn every_order_of_a_list_counts() {
    let limits = [
        (
            Filters {
                max_num_orders: Some(2),
                ..Filters::default()
            },
            RejectCode::MaxNumOrders,
        ),
        (
            Filters {
                max_num_algo_orders: Some(0),
                ..Filters::default()
            },
            RejectCode::MaxNumAlgoOrders,
        ),
        (
            Filters {
                max_num_order_lists: Some(0),
                ..Filters::default()
            },
            RejectCode::MaxNumOrderLists,
        ),
    ];
    for (filters, code) in limits {
        let mut world = world_with(filters);
        let [above, below] = pair("1");
        let legs = vec![bid("90", "1"), above, below];
        assert_eq!(refused(&mut world, list(ListKind::Otoco, "l", legs)), code);
    }
}

#[test]
fn a_pending_order_begins_when_the_working_one_is_filled() {
    let mut world = world();
    let sell = leg(OrderKind::Limit, Side::Sell, "110", "0", "3", "pending");
    let placed = place(
        &mut world,
        list(ListKind::Oto, "l", vec![bid("90", "2"), sell]),
    )
    .unwrap();
    let orders = ids(&placed);
    assert_eq!(placed.orders[1].status, OrderStatus::PendingNew);
    assert_eq!(balance(&world, BTC).1, 0, "a pending order holds nothing");
    world.limit(ANN, Side::Sell, "90", "1.5");
    assert_eq!(activated(&world), []);
    same_after_restart(&mut world);
    world.limit(ANN, Side::Sell, "90", "0.5");
    assert_eq!(activated(&world), [(orders[1], dec("3"))]);
    assert_eq!(open(&world), [(orders[1], OrderStatus::New)]);
    assert_eq!(balance(&world, BTC).1, 300_000_000);
    same_after_restart(&mut world);
    world.limit(BOB, Side::Buy, "110", "3");
    assert_eq!(ended(&world), (vec![], vec![placed.list.id]));
    same_after_restart(&mut world);
}

#[test]
fn a_working_order_that_is_filled_at_once_is_answered_with_a_pending_one() {
    let mut world = world();
    world.limit(ANN, Side::Sell, "101", "2");
    let market = leg(OrderKind::Market, Side::Sell, "0", "0", "1", "pending");
    let legs = vec![bid("101", "2"), market];
    let placed = place(&mut world, list(ListKind::Oto, "l", legs)).unwrap();
    let states: Vec<_> = placed.orders.iter().map(|o| o.status).collect();
    assert_eq!(states, [OrderStatus::Filled, OrderStatus::PendingNew]);
    assert_eq!(activated(&world).len(), 1);
    assert_eq!(ended(&world), (vec![], vec![placed.list.id]));
}

#[test]
fn what_cannot_be_afforded_when_it_begins_is_refused_then() {
    let mut world = world();
    let sell = leg(OrderKind::Limit, Side::Sell, "110", "0", "5000", "pending");
    let placed = place(
        &mut world,
        list(ListKind::Oto, "l", vec![bid("90", "2"), sell]),
    )
    .unwrap();
    world.limit(ANN, Side::Sell, "90", "2");
    let expected = (
        vec![(ids(&placed)[1], CloseReason::Refused)],
        vec![placed.list.id],
    );
    assert_eq!(ended(&world), expected);
}

#[test]
fn a_working_order_that_ends_takes_the_pending_ones_with_it() {
    let mut world = world();
    let mut working = bid("101", "2");
    working.tif = TimeInForce::Ioc;
    world.limit(ANN, Side::Sell, "101", "1");
    let [above, below] = pair("1");
    let placed = place(
        &mut world,
        list(ListKind::Otoco, "l", vec![working, above, below]),
    );
    let orders = ids(&placed.unwrap());
    let (closed, lists) = ended(&world);
    let expected = [
        (orders[0], CloseReason::UnfilledIoc),
        (orders[1], CloseReason::PhaseOneExpired),
        (orders[2], CloseReason::PhaseOneExpired),
    ];
    assert_eq!((closed, lists.len()), (expected.into(), 1));
}

#[test]
fn both_orders_of_an_otoco_begin_as_a_pair() {
    let mut world = world();
    let [above, below] = pair("2");
    let legs = vec![bid("90", "2"), above, below];
    let placed = place(&mut world, list(ListKind::Otoco, "l", legs)).unwrap();
    let orders = ids(&placed);
    world.limit(ANN, Side::Sell, "90", "2");
    assert_eq!(activated(&world).len(), 2);
    assert_eq!(balance(&world, BTC).1, 200_000_000);
    same_after_restart(&mut world);
    world.limit(BOB, Side::Buy, "120", "1");
    let expected = (vec![(orders[2], CloseReason::OcoTriggered)], vec![]);
    assert_eq!(ended(&world), expected);
    same_after_restart(&mut world);
}

#[test]
fn an_opo_sells_what_was_bought() {
    // commission of 0.1 % is taken from free money first, else from what was bought
    for (poor, qty) in [(false, "2"), (true, "1.998")] {
        let mut world = world();
        if poor {
            world.place(CAT, limit(Side::Sell, "50", "1", "a")).unwrap();
            let rest = balance(&world, BTC).0;
            let qty = Decimal(i64::try_from(rest).unwrap());
            let mut order = limit(Side::Sell, "300", "1", "b");
            order.qty = qty;
            // what is held is not free; it belongs to no list
            world.place(CAT, order).unwrap();
        }
        let mut sell = leg(OrderKind::Limit, Side::Sell, "110", "0", "0", "pending");
        sell.qty = Decimal::ZERO;
        let before = balance(&world, BTC);
        let legs = vec![bid("90", "2"), sell];
        let placed = place(&mut world, list(ListKind::Opo, "l", legs)).unwrap();
        world.limit(ANN, Side::Sell, "90", "1");
        let locked = balance(&world, BTC).1 - before.1;
        assert_eq!(locked, if poor { 99_900_000 } else { 100_000_000 });
        same_after_restart(&mut world);
        world.limit(ANN, Side::Sell, "90", "1");
        assert_eq!(activated(&world), [(ids(&placed)[1], dec(qty))]);
        same_after_restart(&mut world);
    }
}

#[test]
fn what_is_no_whole_lot_is_free_again() {
    let step = LotSizeFilter {
        min: dec("0.5"),
        max: dec("1000"),
        step: dec("0.5"),
    };
    let mut world = world_with(Filters {
        lot_size: Some(step),
        ..Filters::default()
    });
    let all = Decimal(i64::try_from(balance(&world, BTC).0).unwrap());
    let mut hog = limit(Side::Sell, "300", "1", "hog");
    hog.qty = all;
    world.place(CAT, hog).unwrap();
    let mut sell = leg(OrderKind::StopLoss, Side::Sell, "0", "80", "0", "pending");
    sell.qty = Decimal::ZERO;
    let legs = vec![bid("90", "2"), sell];
    let placed = place(&mut world, list(ListKind::Opo, "l", legs)).unwrap();
    world.limit(ANN, Side::Sell, "90", "2");
    assert_eq!(activated(&world), [(ids(&placed)[1], dec("1.5"))]);
    assert_eq!(balance(&world, BTC).0, 49_800_000);
}

#[test]
fn a_canceled_opo_gives_back_what_it_locked() {
    let mut world = world();
    let mut legs = vec![bid("90", "2")];
    for mut order in pair("2") {
        order.qty = Decimal::ZERO;
        legs.push(order);
    }
    let placed = place(&mut world, list(ListKind::Opoco, "l", legs)).unwrap();
    world.limit(ANN, Side::Sell, "90", "1");
    assert!(balance(&world, BTC).1 > 0);
    let cancel = CancelList {
        instrument: MARKET,
        list: Some(placed.list.id),
        list_client_id: ClientId::NONE,
        client_id: ClientId::new("c").unwrap(),
    };
    world.run(CAT, Command::CancelList(cancel)).unwrap();
    assert_eq!((balance(&world, BTC).1, balance(&world, USDT).1), (0, 0));
    assert_eq!(
        world.run(CAT, Command::CancelList(cancel)),
        Err(RejectCode::UnknownOrder.into())
    );
}

/// A small generator, so that a failure can be told by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn open_order(&mut self, world: &World, account: AccountId) -> OrderId {
        let mut open = open_orders(world);
        open.retain(|order| order.account == account);
        match open.len() {
            0 => OrderId(1),
            some => open[usize::try_from(self.roll(some as u64)).unwrap()].id,
        }
    }

    fn price(&mut self) -> String {
        (95 + self.roll(11)).to_string()
    }

    fn qty(&mut self) -> String {
        format!("0.{}", 1 + self.roll(9))
    }

    fn side(&mut self) -> Side {
        match self.roll(2) {
            0 => Side::Buy,
            _ => Side::Sell,
        }
    }

    fn leg(&mut self, kinds: &[OrderKind], side: Side, qty: &str, id: &str) -> PlaceOrder {
        let at = usize::try_from(self.roll(kinds.len() as u64)).unwrap();
        let price = match kinds[at].is_market() {
            true => "0".to_owned(),
            false => self.price(),
        };
        let stop = self.price();
        let mut order = leg(kinds[at], side, &price, &stop, qty, id);
        if kinds[at] == OrderKind::Limit && self.roll(4) == 0 {
            order.tif = TimeInForce::Ioc;
        }
        self.rare(&mut order);
        order
    }

    /// Some are icebergs, some pegged, some with a price beside the peg.
    fn rare(&mut self, order: &mut PlaceOrder) {
        if order.kind.is_market() {
            return;
        }
        let mut extras = order.extras.as_deref().copied().unwrap_or(Extras::NONE);
        if self.roll(4) == 0 && order.tif == TimeInForce::Gtc {
            extras.iceberg_qty = dec("0.1");
        }
        if self.roll(4) == 0 {
            let own = order.kind == OrderKind::LimitMaker || self.roll(3) > 0;
            extras.peg = Some(Peg {
                kind: if own {
                    PegKind::Primary
                } else {
                    PegKind::Market
                },
                offset: u8::try_from(self.roll(3)).unwrap(),
            });
            if self.roll(2) == 0 {
                order.price = Decimal::ZERO;
            }
        }
        order.extras = extras.boxed();
    }

    fn list(&mut self, name: &str) -> PlaceList {
        use ListKind::{Oco, Opo, Opoco, Oto, Otoco};
        use OrderKind::{
            Limit, LimitMaker, Market, StopLoss, StopLossLimit, TakeProfit, TakeProfitLimit,
        };
        let kind = [Oco, Oto, Otoco, Opo, Opoco][usize::try_from(self.roll(5)).unwrap()];
        let mut legs = Vec::new();
        if kind.has_working() {
            let side = match kind.pays() {
                true => Side::Buy,
                false => self.side(),
            };
            let qty = self.qty();
            legs.push(self.leg(&[Limit, LimitMaker], side, &qty, &format!("{name}w")));
        }
        let side = match kind.pays() {
            true => Side::Sell,
            false => self.side(),
        };
        let qty = match kind.pays() {
            true => "0".to_owned(),
            false => self.qty(),
        };
        if kind.has_pair() {
            let profit = [LimitMaker, TakeProfit, TakeProfitLimit];
            let stop = [StopLoss, StopLossLimit];
            let (above, below): (&[OrderKind], &[OrderKind]) = match side {
                Side::Sell => (&profit, &stop),
                Side::Buy => (&stop, &profit),
            };
            legs.push(self.leg(above, side, &qty, &format!("{name}a")));
            legs.push(self.leg(below, side, &qty, &format!("{name}b")));
        } else {
            let any = [Limit, LimitMaker, Market, StopLoss, TakeProfitLimit];
            let mut order = self.leg(&any, side, &qty, &format!("{name}p"));
            if order.kind == Market {
                order.tif = TimeInForce::Gtc;
            }
            legs.push(order);
        }
        list(kind, name, legs)
    }
}

/// The same of both orders is open while both are.
pub fn pairs_are_equal(world: &World) {
    let orders = open_orders(world);
    let mut lists = Vec::new();
    world.engine.tell(&mut |event| {
        if let Event::ListRestored(list) = event {
            lists.push(list);
        }
    });
    for list in lists.iter().filter(|list| list.kind.has_pair()) {
        let pair = &list.legs[usize::from(list.kind.has_working())..];
        let find = |leg: &ListLeg| orders.iter().find(|order| order.id == leg.order);
        if let (Some(a), Some(b)) = (find(&pair[0]), find(&pair[1])) {
            assert_eq!((a.qty, a.open_qty()), (b.qty, b.open_qty()), "{a:?} {b:?}");
        }
    }
}

/// Every command is audited: money adds up, holds are what open orders and lists need, lists and orders are linked.
#[test]
fn random_lists_keep_every_promise() {
    let (mut placed, mut begun, mut done) = (0, 0, 0);
    let (mut icebergs, mut pegs, mut amended, mut lowered) = (0, 0, 0, 0);
    for seed in 1..=80_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut market = instrument("BTCUSDT", Filters::default());
        market.allowed_stp = StpModes::ALL;
        let mut world = World::of(registry(), market);
        trade(&mut world, "100");
        for step in 0..200_u64 {
            // every other world has one owner of nearly all orders, who meets himself
            let second = dice.roll(if seed % 2 == 0 { 12 } else { 2 }) == 1;
            let actor = if second { BOB } else { ANN };
            let name = format!("{seed}-{step}");
            let command = match dice.roll(12) {
                0..=3 => Command::PlaceList(Box::new(dice.list(&name))),
                4 => Command::CancelList(CancelList {
                    instrument: MARKET,
                    list: Some(ListId(1 + dice.roll(40))),
                    list_client_id: ClientId::NONE,
                    client_id: ClientId::new("c").unwrap(),
                }),
                5 => Command::CancelOrder(CancelOrder {
                    instrument: MARKET,
                    order: OrderKey::Id(OrderId(1 + dice.roll(200))),
                    client_id: ClientId::new("c").unwrap(),
                    restriction: None,
                }),
                6 => Command::Wake(Wake { budget: 8 }),
                10 | 11 => Command::AmendOrder(AmendOrder {
                    instrument: MARKET,
                    order: OrderKey::Id(dice.open_order(&world, actor)),
                    new_qty: dec(&dice.qty()),
                    client_id: ClientId::new(&format!("{name}n")).unwrap(),
                }),
                _ => {
                    let (side, price, qty) = (dice.side(), dice.price(), dice.qty());
                    let mut order = limit(side, &price, &qty, &name);
                    order.stp = (dice.roll(4) > 0).then_some(StpMode::Decrement);
                    Command::PlaceOrder(order)
                }
            };
            let actor = match command {
                Command::Wake(_) => AccountId::TREASURY,
                _ => actor,
            };
            let _ = world.run(actor, command);
            for event in &world.events {
                match event {
                    Event::ListPlaced(_) => placed += 1,
                    Event::OrderActivated(_) => begun += 1,
                    Event::ListEnded(_) => done += 1,
                    Event::IcebergShown(_) => icebergs += 1,
                    Event::OrderPegged(_) => pegs += 1,
                    Event::WaitingAmended(_) => amended += 1,
                    Event::WaitingDecremented(_) => lowered += 1,
                    _ => {}
                }
            }
            pairs_are_equal(&world);
            if step % 10 == 0 {
                same_after_restart(&mut world);
            }
        }
    }
    assert!(
        placed > 300 && begun > 100 && done > 200,
        "{placed} {begun} {done}"
    );
    assert!(
        icebergs > 100 && pegs > 30 && amended > 100 && lowered > 5,
        "{icebergs} {pegs} {amended} {lowered}"
    );
}
