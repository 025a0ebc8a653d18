//! Smart order routing by chance: three books of one base asset, four users, routed and plain orders, with money that always adds up.

use engine::Engine;
use protocol::*;
use types::*;

use crate::support::*;

const QUOTES: [&str; 3] = ["USDT", "USDC", "USDP"];

struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Three markets of one group, a funded router, four users.
fn world() -> World {
    let mut world = World::new();
    for (at, name) in QUOTES.iter().enumerate().skip(1) {
        let asset = NewAsset {
            name: (*name).into(),
            precision: 8,
        };
        world.admin(Admin::CreateAsset(asset)).unwrap();
        let mut listed = instrument(&format!("BTC{name}"), Filters::default());
        listed.quote = AssetId(2 + u32::try_from(at).unwrap());
        let instrument = Box::new(listed);
        world
            .admin(Admin::ListInstrument(ListInstrument { instrument }))
            .unwrap();
    }
    for _ in 0..2 {
        world.admin(Admin::OpenAccount).unwrap();
    }
    for account in [1001, 1002, 1003, 1004, AccountId::ROUTER.0] {
        for asset in 1..=4 {
            world
                .fund(AccountId(account), AssetId(asset), 10_i128.pow(12))
                .unwrap();
        }
    }
    for id in 1..=3 {
        route(&mut world, id, "usd").unwrap();
    }
    world
}

fn route(world: &mut World, id: u32, group: &str) -> Result<Reply, Reject> {
    world.admin(Admin::SetRouting(SetRouting {
        instrument: InstrumentId(id),
        group: group.into(),
    }))
}

fn order(chance: &mut Chance, seq: u64) -> PlaceOrder {
    let side = [Side::Buy, Side::Sell][chance.below(2) as usize];
    let mut order = limit(side, "1", "1", &format!("r{seq}"));
    order.instrument = InstrumentId(1 + chance.below(3) as u32);
    order.price = Decimal((95 + chance.below(11) as i64) * Decimal::SCALE);
    // off the round numbers, so that rounding has something to do
    order.qty = Decimal(1 + chance.below(300_000_001) as i64);
    order.stp = Some(StpMode::ExpireMaker);
    match chance.below(6) {
        0 => {
            order.kind = OrderKind::Market;
            order.price = Decimal::ZERO;
        }
        1 => order.tif = TimeInForce::Ioc,
        2 => order.tif = TimeInForce::Fok,
        _ => {}
    }
    order
}

/// What the router has of all quote assets together: they are worth the same.
fn at_par(world: &World) -> i128 {
    (2..=4)
        .map(|asset| total(world, AccountId::ROUTER, asset))
        .sum()
}

fn total(world: &World, account: AccountId, asset: u32) -> i128 {
    let (free, held) = balance(world, account, AssetId(asset));
    free + held
}

#[test]
fn the_router_holds_no_position_and_loses_only_dust() {
    let (mut routed, mut filled) = (0, 0);
    for seed in 1..=30 {
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut world = world();
        let (base, money) = (total(&world, AccountId::ROUTER, 1), at_par(&world));
        let mut steps = 0;
        for seq in 0..120 {
            let actor = AccountId(1001 + chance.below(4) as u32);
            let order = order(&mut chance, seq);
            let command = match chance.below(3) {
                0 => Command::PlaceRouted(order),
                _ => Command::PlaceOrder(order),
            };
            let is_routed = matches!(command, Command::PlaceRouted(_));
            let Ok(Reply::Placed(placed)) = world.run(actor, command) else {
                continue;
            };
            assert_eq!(placed.order.floor().is_some(), is_routed);
            let allocations: Vec<Allocated> = (world.events.iter())
                .filter_map(|event| match event {
                    Event::Allocated(allocated) => Some(*allocated),
                    _ => None,
                })
                .collect();
            routed += u32::from(is_routed);
            filled += u32::from(!allocations.is_empty());
            steps += allocations.len() as i128;
            let got: i64 = allocations.iter().map(|a| a.qty.0).sum();
            if !allocations.is_empty() {
                assert_eq!(got, placed.order.executed_qty.0, "{placed:?}");
                let better = |a: &&Allocated, b: &&Allocated| match placed.order.side {
                    Side::Buy => a.price <= b.price,
                    Side::Sell => a.price >= b.price,
                };
                let by_price: Vec<&Allocated> = allocations.iter().collect();
                assert!(by_price.windows(2).all(|pair| better(&pair[0], &pair[1])));
            }
            assert_eq!(total(&world, AccountId::ROUTER, 1), base, "no position");
            // each level may round once for each of its makers, by less than one atom
            let lost = money - at_par(&world);
            assert!(lost.abs() <= steps * 120, "{lost} after {steps} levels");
            if seq % 20 == 19 {
                let mut bytes = Vec::new();
                world
                    .engine
                    .snapshot(&mut |piece| bytes.extend_from_slice(piece));
                let restored = Engine::restore(registry(), &bytes).unwrap();
                assert_eq!(restored.digest(), world.engine.digest());
                world.engine = restored;
            }
        }
    }
    assert!(
        routed > 500 && filled > 150,
        "{routed} routed, {filled} over several books"
    );
}

#[test]
fn groups_have_members_that_fit() {
    let mut world = world();
    let refused = Err(RejectCode::InvalidRouting.into());
    let mut twin = instrument("BTCUSDT2", Filters::default());
    twin.quote = USDT;
    let instrument = Box::new(twin);
    world
        .admin(Admin::ListInstrument(ListInstrument { instrument }))
        .unwrap();
    assert_eq!(
        route(&mut world, 4, "usd"),
        refused,
        "the same quote asset twice"
    );
    assert_eq!(route(&mut world, 4, "a b"), refused);
    assert_eq!(route(&mut world, 4, "other"), Ok(Reply::Done));
    let mut told = Vec::new();
    world.engine.tell(&mut |event| {
        if let Event::RoutingChanged(set) = event {
            told.push((set.instrument.0, set.group.to_string()));
        }
    });
    let own = |id| (id, "usd".to_owned());
    assert_eq!(told, [own(1), own(2), own(3), (4, "other".to_owned())]);
    assert_eq!(route(&mut world, 1, ""), Ok(Reply::Done));
    let placed = world.run(ANN, Command::PlaceRouted(limit(Side::Buy, "1", "1", "a")));
    assert_eq!(placed, Err(RejectCode::SorUnsupported.into()));
}

/// A book that the router cannot pay in is left out.
#[test]
fn a_router_without_money_routes_nothing() {
    let mut world = world();
    let all = total(&world, AccountId::ROUTER, 3);
    let ask = |id: u32, price: &str, name: &str| PlaceOrder {
        instrument: InstrumentId(id),
        ..limit(Side::Sell, price, "1", name)
    };
    world.place(BOB, ask(2, "90", "cheap")).unwrap();
    world.place(BOB, ask(1, "95", "own")).unwrap();
    // it buys with 90 of the second quote asset, and has a hundred thousand million atoms
    assert_eq!(all, 10_i128.pow(12));
    let mut big = limit(Side::Buy, "100", "1", "big");
    big.qty = dec("0.5");
    let reply = world.run(ANN, Command::PlaceRouted(big)).unwrap();
    let Reply::Placed(placed) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(placed.order.floor(), Some(WorkingFloor::Sor));
    assert_eq!(
        placed.order.executed_quote,
        Amount(45 * Decimal::SCALE as i128)
    );
    // the dear rest of the cheap book would cost more than it has
    world.place(BOB, ask(3, "99000", "dear")).unwrap();
    let mut order = limit(Side::Buy, "99500", "1", "dear");
    order.instrument = InstrumentId(2);
    order.qty = dec("0.6");
    let free = balance(&world, ANN, AssetId(3)).0;
    assert!(free > 0);
    let before = total(&world, AccountId::ROUTER, 4);
    let outcome = world.run(ANN, Command::PlaceRouted(order));
    assert_eq!(total(&world, AccountId::ROUTER, 4), before, "{outcome:?}");
}
