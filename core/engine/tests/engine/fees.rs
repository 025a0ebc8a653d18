//! Commission: three kinds of it, tiers, and payment in the discount asset.

use engine::Engine;
use protocol::*;
use types::*;

use crate::support::*;

const TIDE: AssetId = AssetId(3);
const TIDE_USDT: InstrumentId = InstrumentId(2);
const BTC_TIDE: InstrumentId = InstrumentId(3);
const UNIT: i128 = 100_000_000;
const DAY: i64 = 86_400_000_000;

/// BTCUSDT, TIDEUSDT and BTCTIDE; Ann and Bob have no TIDE yet.
fn venue() -> World {
    let mut world = World::new();
    world
        .admin(Admin::CreateAsset(NewAsset {
            name: "TIDE".into(),
            precision: 8,
        }))
        .unwrap();
    for (symbol, base, quote) in [("TIDEUSDT", TIDE, USDT), ("BTCTIDE", BTC, TIDE)] {
        let instrument = Box::new(Instrument {
            base,
            quote,
            ..instrument(symbol, Filters::default())
        });
        world
            .admin(Admin::ListInstrument(ListInstrument { instrument }))
            .unwrap();
    }
    world
}

fn parts(maker: i64, taker: i64, buyer: i64, seller: i64) -> FeeParts {
    FeeParts {
        maker: Rate(maker),
        taker: Rate(taker),
        buyer: Rate(buyer),
        seller: Rate(seller),
    }
}

fn schedule(share: i64, tiers: &[(i128, i64, i64)]) -> FeeSchedule {
    FeeSchedule {
        discount: Some(Discount {
            asset: TIDE,
            share: Rate(share),
        }),
        valuation: if tiers.is_empty() { AssetId(0) } else { USDT },
        tiers: tiers
            .iter()
            .map(|(volume, maker, taker)| Tier {
                volume: Amount(volume * UNIT),
                maker: Rate(*maker),
                taker: Rate(*taker),
            })
            .collect(),
    }
}

fn account(world: &mut World, account: AccountId, tier: TierRule, discounted: Option<bool>) {
    let set = SetAccountFees {
        account,
        tier,
        discounted,
    };
    world.admin(Admin::SetAccountFees(set)).unwrap();
}

fn pay_in_tide(world: &mut World, who: AccountId) {
    account(world, who, TierRule::Keep, Some(true));
}

fn fees(world: &mut World, fees: InstrumentFees) {
    world
        .admin(Admin::SetInstrumentFees(Box::new(fees)))
        .unwrap();
}

fn on(world: &mut World, instrument: InstrumentId, who: AccountId, order: (Side, &str, &str)) {
    let name = format!("t{}", world.seq);
    let mut order = limit(order.0, order.1, order.2, &name);
    order.instrument = instrument;
    world.place(who, order).unwrap();
}

/// Ann sells to Bob's bid.
fn meet(world: &mut World, instrument: InstrumentId, price: &str, qty: &str) -> Traded {
    on(world, instrument, BOB, (Side::Buy, price, qty));
    on(world, instrument, ANN, (Side::Sell, price, qty));
    trades(world)[0]
}

fn trades(world: &World) -> Vec<Traded> {
    let trades = world.events.iter().filter_map(|e| match e {
        Event::Traded(trade) => Some(*trade),
        _ => None,
    });
    trades.collect()
}

fn has(world: &World, account: AccountId, asset: AssetId) -> i128 {
    let mut sum = 0;
    world.engine.tell(&mut |event| {
        if let Event::BalanceChanged(b) = event
            && (b.account, b.asset) == (account, asset)
        {
            sum += b.free.0 + b.held.0;
        }
    });
    sum
}

fn snapshot(engine: &Engine) -> Vec<u8> {
    let mut bytes = Vec::new();
    engine.snapshot(&mut |piece| bytes.extend_from_slice(piece));
    bytes
}

fn restored(world: &World) -> Engine {
    let bytes = snapshot(&world.engine);
    let engine = Engine::restore(registry(), &bytes).unwrap();
    assert_eq!(snapshot(&engine), bytes);
    engine
}

/// TIDE trades at this price between two who are nobody else here.
fn price_tide(world: &mut World, price: &str) {
    for who in [ANN, BOB] {
        world.fund(who, TIDE, UNIT).unwrap();
    }
    meet(world, TIDE_USDT, price, "1");
    // leave them without any: sold to a third
    let Reply::AccountOpened(other) = world.admin(Admin::OpenAccount).unwrap() else {
        panic!("an account");
    };
    world.fund(other, USDT, 100_000 * UNIT).unwrap();
    for who in [ANN, BOB] {
        let left = has(world, who, TIDE);
        let qty = Decimal(i64::try_from(left).unwrap()).to_string();
        if left > 0 {
            on(world, TIDE_USDT, other, (Side::Buy, price, &qty));
            on(world, TIDE_USDT, who, (Side::Sell, price, &qty));
        }
        assert_eq!(has(world, who, TIDE), 0);
    }
}

#[test]
fn what_is_said_of_nobody_changes_nothing() {
    let (mut flat, mut said) = (venue(), venue());
    let market = said.engine.digest();
    said.admin(Admin::SetFees(Box::default())).unwrap();
    assert_eq!(said.engine.digest(), market, "an empty schedule is none");
    let plain = InstrumentFees {
        instrument: MARKET,
        standard: parts(100_000, 100_000, 0, 0),
        tax: FeeParts::default(),
        special: FeeParts::default(),
        discounted: true,
    };
    fees(&mut said, plain);
    for world in [&mut flat, &mut said] {
        world
            .place(ANN, limit(Side::Sell, "101.37", "0.33333333", "a"))
            .unwrap();
        world
            .place(BOB, limit(Side::Buy, "102", "0.5", "b"))
            .unwrap();
    }
    assert_eq!(flat.events, said.events);
}

#[test]
fn an_instrument_s_own_parts_go_to_fees_taxes_and_residue() {
    let mut world = venue();
    fees(
        &mut world,
        InstrumentFees {
            instrument: MARKET,
            standard: parts(100_001, 200_001, 30_001, 40_001),
            tax: parts(10_001, 20_001, 3_001, 4_001),
            special: parts(50_003, 60_003, 7_003, 8_003),
            discounted: false,
        },
    );
    let trade = meet(&mut world, MARKET, "35123.77", "0.49975311");
    let received = trade.quote.0;
    let floor = |rate: i128| received * rate / UNIT;
    let (standard, tax, special) = (floor(240_002), floor(24_002), floor(68_006));
    assert_eq!(trade.taker.fee.0, floor(240_002 + 24_002 + 68_006));
    assert_eq!(trade.taker.fee_asset, USDT);
    assert_eq!(has(&world, AccountId::FEES, USDT), standard + special);
    assert_eq!(has(&world, AccountId::TAXES, USDT), tax);
    let residue = trade.taker.fee.0 - standard - tax - special;
    assert_eq!(has(&world, AccountId::RESIDUE, USDT), residue);
    assert!(residue > 0, "an example that leaves something");
    let base = 49_975_311_i128;
    assert_eq!(
        trade.maker.fee.0,
        base * (100_001 + 30_001 + 10_001 + 3_001 + 50_003 + 7_003) / UNIT
    );
    assert_eq!(trade.maker.fee_asset, BTC);
}

/// The example of the public documents, from order to balance.
#[test]
fn the_documented_example_is_charged() {
    let mut world = venue();
    price_tide(&mut world, "260");
    world
        .admin(Admin::SetFees(Box::new(schedule(25_000_000, &[]))))
        .unwrap();
    fees(
        &mut world,
        InstrumentFees {
            instrument: MARKET,
            standard: parts(10, 20, 30, 40),
            special: parts(1_000_000, 2_000_000, 3_000_000, 4_000_000),
            tax: parts(112, 114, 118, 116),
            discounted: true,
        },
    );
    pay_in_tide(&mut world, ANN);
    world.fund(ANN, TIDE, 403_660_712).unwrap();
    let before = [AccountId::FEES, AccountId::TAXES, AccountId::RESIDUE]
        .map(|account| has(&world, account, TIDE));
    let usdt = has(&world, ANN, USDT);
    let trade = meet(&mut world, MARKET, "35000", "0.49975");
    assert_eq!(
        (trade.taker.fee, trade.taker.fee_asset),
        (Amount(403_660_712), TIDE)
    );
    assert_eq!(has(&world, ANN, TIDE), 0, "to the last atom");
    assert_eq!(
        has(&world, ANN, USDT) - usdt,
        1_749_125_000_000,
        "undiminished"
    );
    let after = [AccountId::FEES, AccountId::TAXES, AccountId::RESIDUE]
        .map(|account| has(&world, account, TIDE));
    let gained = [0, 1, 2].map(|at| after[at] - before[at]);
    assert_eq!(gained, [1_009 + 403_644_230, 15_473, 0]);
    restored(&world);
}

#[test]
fn an_atom_less_and_the_whole_comes_from_what_is_received() {
    let mut world = venue();
    price_tide(&mut world, "260");
    world
        .admin(Admin::SetFees(Box::new(schedule(75_000_000, &[]))))
        .unwrap();
    pay_in_tide(&mut world, ANN);
    // 0.1 % of 35,000, three quarters of it, at 260
    let needed = 35 * UNIT * 3 / 4 / 260;
    world.fund(ANN, TIDE, needed - 1).unwrap();
    let trade = meet(&mut world, MARKET, "35000", "1");
    assert_eq!(
        (trade.taker.fee.0, trade.taker.fee_asset),
        (35 * UNIT, USDT)
    );
    world.fund(ANN, TIDE, 1).unwrap();
    let trade = meet(&mut world, MARKET, "35000", "1");
    assert_eq!((trade.taker.fee.0, trade.taker.fee_asset), (needed, TIDE));
    assert_eq!(trade.maker.fee_asset, BTC, "Bob never asked for it");
}

#[test]
fn without_a_price_the_received_asset_is_taken_and_over_a_bridge_it_is_not() {
    let mut world = venue();
    world
        .admin(Admin::SetFees(Box::new(schedule(75_000_000, &[]))))
        .unwrap();
    for who in [ANN, BOB] {
        pay_in_tide(&mut world, who);
        world.fund(who, TIDE, 1_000 * UNIT).unwrap();
    }
    let trade = meet(&mut world, MARKET, "50000", "1");
    assert_eq!((trade.maker.fee_asset, trade.taker.fee_asset), (BTC, USDT));
    meet(&mut world, TIDE_USDT, "20", "1");
    let trade = meet(&mut world, MARKET, "50000", "1");
    // both halves are worth 50 USDT, over BTCUSDT for the buyer's BTC; 37.5 after the discount, at 20
    let expected = (Amount(1_875 * UNIT / 1_000), TIDE);
    assert_eq!((trade.taker.fee, trade.taker.fee_asset), expected);
    assert_eq!((trade.maker.fee, trade.maker.fee_asset), expected);
    // a market of BTC and TIDE goes before the bridge
    meet(&mut world, BTC_TIDE, "2000", "0.1");
    let trade = meet(&mut world, MARKET, "50000", "1");
    assert_eq!(trade.maker.fee, Amount(75 * UNIT * 2_000 / 100_000));
    assert_eq!(trade.taker.fee, expected.0);
}

#[test]
fn a_buyer_who_spends_its_last_of_the_discount_asset_is_settled() {
    let mut world = venue();
    world
        .admin(Admin::SetFees(Box::new(schedule(75_000_000, &[]))))
        .unwrap();
    for who in [ANN, BOB] {
        pay_in_tide(&mut world, who);
    }
    world.fund(BOB, TIDE, 4_000 * UNIT + 1).unwrap();
    world.fund(ANN, TIDE, 4_000 * UNIT).unwrap();
    meet(&mut world, TIDE_USDT, "20", "1");
    assert_eq!(has(&world, ANN, TIDE), 3_999 * UNIT - 3 * UNIT / 4_000);
    for _ in 0..4 {
        on(&mut world, BTC_TIDE, ANN, (Side::Sell, "1000", "1"));
    }
    // Bob has hardly more than three of them cost: his commission comes from the BTC he buys
    let spare = has(&world, BOB, TIDE) - 3_000 * UNIT;
    world
        .run(
            BOB,
            Command::Transfer(Transfer {
                from: Wallet::SPOT,
                to: Wallet::FUNDING,
                asset: TIDE,
                amount: Amount(spare),
            }),
        )
        .unwrap();
    on(&mut world, BTC_TIDE, BOB, (Side::Buy, "1000", "3"));
    let seen = trades(&world);
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|t| t.taker.fee_asset == BTC), "{seen:?}");
    // Ann is paid in TIDE, so hers comes from there, discounted
    let asked = seen.iter().map(|t| (t.maker.fee, t.maker.fee_asset));
    assert!(asked.eq([(Amount(75 * UNIT / 100), TIDE); 3]));
    // what she has on sale is none of it: with a little more than the price he pays in TIDE
    let back = Command::Transfer(Transfer {
        from: Wallet::FUNDING,
        to: Wallet::SPOT,
        asset: TIDE,
        amount: Amount(spare),
    });
    world.run(BOB, back).unwrap();
    world.fund(BOB, TIDE, 10 * UNIT).unwrap();
    on(&mut world, BTC_TIDE, BOB, (Side::Buy, "1000", "1"));
    assert_eq!(trades(&world)[0].taker.fee_asset, TIDE);
}

/// An order that trades and rests needs its hold after its commission.
#[test]
fn the_hold_of_what_rests_is_not_spent_on_commission() {
    let mut world = venue();
    world
        .admin(Admin::SetFees(Box::new(schedule(75_000_000, &[]))))
        .unwrap();
    pay_in_tide(&mut world, BOB);
    world.fund(ANN, TIDE, UNIT).unwrap();
    world.fund(BOB, TIDE, 2_001 * UNIT).unwrap();
    meet(&mut world, TIDE_USDT, "20", "1");
    on(&mut world, BTC_TIDE, ANN, (Side::Sell, "1000", "1"));
    let all = has(&world, BOB, TIDE);
    let spare = Amount(all - 2_000 * UNIT);
    let aside = Command::Transfer(Transfer {
        from: Wallet::SPOT,
        to: Wallet::FUNDING,
        asset: TIDE,
        amount: spare,
    });
    world.run(BOB, aside).unwrap();
    on(&mut world, BTC_TIDE, BOB, (Side::Buy, "1000", "2"));
    assert_eq!(trades(&world)[0].taker.fee_asset, BTC);
}

#[test]
fn a_self_trade_pays_twice() {
    let mut world = venue();
    world
        .admin(Admin::SetFees(Box::new(schedule(75_000_000, &[]))))
        .unwrap();
    pay_in_tide(&mut world, ANN);
    world.fund(ANN, TIDE, 1_000 * UNIT).unwrap();
    for _ in 0..2 {
        on(&mut world, BTC_TIDE, ANN, (Side::Sell, "500", "1"));
    }
    on(&mut world, BTC_TIDE, ANN, (Side::Buy, "500", "2"));
    let seen = trades(&world);
    assert_eq!(seen.len(), 2);
    let each = Amount(500 * UNIT * 75 / 100_000);
    for trade in seen {
        assert_eq!((trade.maker.fee, trade.maker.fee_asset), (each, TIDE));
        assert_eq!((trade.taker.fee, trade.taker.fee_asset), (each, TIDE));
    }
    assert_eq!(has(&world, ANN, TIDE), 1_000 * UNIT - 4 * each.0);
}

#[test]
fn a_tier_follows_the_volume_of_thirty_days() {
    let mut world = venue();
    let tiers = [(1_000, 90_000, 95_000), (100_000, 50_000, 60_000)];
    world
        .admin(Admin::SetFees(Box::new(schedule(75_000_000, &tiers))))
        .unwrap();
    let trade = meet(&mut world, MARKET, "1000", "2");
    assert_eq!(trade.taker.fee.0, 2 * UNIT, "the instrument's own 0.1 %");
    assert!(!world.engine.due(world.time), "today counts tomorrow");
    world.time = world.time.plus_micros(DAY);
    assert!(world.engine.due(world.time));
    world
        .run(AccountId::TREASURY, Command::Wake(Wake { budget: 1 }))
        .unwrap();
    let told = |world: &World| -> Vec<(AccountId, u8)> {
        let told = world.events.iter().filter_map(|e| match e {
            Event::AccountFeesChanged(fees) => Some((fees.account, fees.tier)),
            _ => None,
        });
        told.collect()
    };
    assert_eq!(told(&world), [(ANN, 1)]);
    assert!(restored(&world).due(world.time), "Bob is left");
    world
        .run(AccountId::TREASURY, Command::Wake(Wake { budget: 8 }))
        .unwrap();
    assert_eq!(told(&world), [(BOB, 1)]);
    assert!(!world.engine.due(world.time));
    let trade = meet(&mut world, MARKET, "1000", "2");
    assert_eq!(trade.taker.fee.0, 2_000 * UNIT * 95 / 100_000);
    assert_eq!(trade.maker.fee.0, 2 * UNIT * 90 / 100_000);
    // after thirty days without a trade it is gone
    world.time = world.time.plus_micros(31 * DAY);
    world
        .run(AccountId::TREASURY, Command::Wake(Wake { budget: 8 }))
        .unwrap();
    assert_eq!(told(&world), [(ANN, 0), (BOB, 0)]);
    restored(&world);
}

#[test]
fn a_given_tier_stays_until_it_is_taken_back() {
    let mut world = venue();
    let tiers = [(1_000, 90_000, 200_000), (100_000, 50_000, 60_000)];
    world
        .admin(Admin::SetFees(Box::new(schedule(75_000_000, &tiers))))
        .unwrap();
    account(&mut world, ANN, TierRule::Forced(2), None);
    let trade = meet(&mut world, MARKET, "1000", "2");
    assert_eq!(trade.taker.fee.0, 2_000 * UNIT * 60 / 100_000);
    account(&mut world, ANN, TierRule::Forced(1), None);
    let trade = meet(&mut world, MARKET, "1000", "2");
    assert_eq!(trade.taker.fee.0, 2 * UNIT, "0.2 % is not less than 0.1 %");
    world.time = world.time.plus_micros(DAY);
    world
        .run(AccountId::TREASURY, Command::Wake(Wake { budget: 8 }))
        .unwrap();
    assert!(
        world
            .events
            .iter()
            .all(|e| !matches!(e, Event::AccountFeesChanged(f) if f.account == ANN))
    );
    account(&mut world, ANN, TierRule::ByVolume, None);
    let by_volume = AccountFees {
        account: ANN,
        tier: 1,
        forced: false,
        discounted: false,
    };
    assert_eq!(world.events, [Event::AccountFeesChanged(by_volume)]);
    // fewer tiers than somebody was given are refused, and none at all end volumes
    account(&mut world, BOB, TierRule::Forced(2), None);
    let fewer = schedule(75_000_000, &tiers[..1]);
    assert_eq!(
        world.admin(Admin::SetFees(Box::new(fewer))),
        Err(RejectCode::InvalidFees.into())
    );
    account(&mut world, BOB, TierRule::ByVolume, None);
    world
        .admin(Admin::SetFees(Box::new(schedule(75_000_000, &[]))))
        .unwrap();
    assert_eq!(world.events.len(), 3, "{:?}", world.events);
    restored(&world);
}

#[test]
fn volume_is_measured_in_the_valuation_asset() {
    let mut world = venue();
    for who in [ANN, BOB] {
        world.fund(who, TIDE, 10_000 * UNIT).unwrap();
    }
    meet(&mut world, TIDE_USDT, "20", "1");
    let tiers = [(1_999, 90_000, 90_000), (2_001, 50_000, 60_000)];
    world
        .admin(Admin::SetFees(Box::new(schedule(75_000_000, &tiers))))
        .unwrap();
    // 100 TIDE at 20
    meet(&mut world, BTC_TIDE, "1000", "0.1");
    world.time = world.time.plus_micros(DAY);
    world
        .run(AccountId::TREASURY, Command::Wake(Wake { budget: 8 }))
        .unwrap();
    let tiers = world
        .events
        .iter()
        .filter(|e| matches!(e, Event::AccountFeesChanged(f) if f.tier == 1));
    assert_eq!(tiers.count(), 2);
}

#[test]
fn what_would_break_the_rules_is_refused() {
    let mut world = venue();
    let mut refuse = |admin: Admin, code: RejectCode| {
        assert_eq!(world.admin(admin), Err(code.into()));
    };
    let invalid = RejectCode::InvalidFees;
    let good = schedule(75_000_000, &[(10, 5, 5), (20, 4, 4)]);
    for (at, bad) in [
        schedule(100_000_001, &[]),
        schedule(-1, &[]),
        schedule(1, &[(0, 5, 5)]),
        schedule(1, &[(10, 5, 5), (10, 4, 4)]),
        schedule(1, &[(10, -5, 5)]),
        schedule(1, &[(10, 5, 100_000_001)]),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(at < 6);
        refuse(Admin::SetFees(Box::new(bad)), invalid);
    }
    let mut unknown = good.clone();
    unknown.valuation = AssetId(9);
    refuse(Admin::SetFees(Box::new(unknown)), RejectCode::UnknownAsset);
    let mut unknown = good.clone();
    unknown.discount = Some(Discount {
        asset: AssetId(9),
        share: Rate(1),
    });
    refuse(Admin::SetFees(Box::new(unknown)), RejectCode::UnknownAsset);
    let mut unmeasured = good.clone();
    unmeasured.valuation = AssetId(0);
    refuse(
        Admin::SetFees(Box::new(unmeasured)),
        RejectCode::UnknownAsset,
    );

    let instrument = |standard, tax, id| {
        Admin::SetInstrumentFees(Box::new(InstrumentFees {
            instrument: InstrumentId(id),
            standard,
            tax,
            special: FeeParts::default(),
            discounted: true,
        }))
    };
    let half = parts(50_000_000, 0, 0, 0);
    let more = parts(0, 0, 50_000_001, 0);
    refuse(instrument(half, more, 1), invalid);
    refuse(instrument(parts(-1, 0, 1, 1), half, 1), invalid);
    let none = FeeParts::default();
    refuse(instrument(none, none, 9), RejectCode::UnknownInstrument);

    let tier = |account, tier| {
        Admin::SetAccountFees(SetAccountFees {
            account,
            tier: TierRule::Forced(tier),
            discounted: None,
        })
    };
    refuse(tier(ANN, 1), RejectCode::UnknownTier);
    refuse(tier(AccountId::FEES, 0), RejectCode::UnknownAccount);
    refuse(tier(AccountId(1099), 0), RejectCode::UnknownAccount);
    let whole = parts(50_000_000, 0, 0, 0);
    world
        .admin(instrument(whole, parts(0, 0, 50_000_000, 0), 1))
        .unwrap();
    // all of what is received, and not an atom more
    let trade = meet(&mut world, MARKET, "1000", "2");
    assert_eq!(trade.maker.fee, Amount(2 * UNIT));
}

#[test]
fn the_state_of_fees_is_told_and_restored() {
    let mut world = venue();
    let tiers = [(1_000, 90_000, 95_000)];
    let schedule = schedule(75_000_000, &tiers);
    world
        .admin(Admin::SetFees(Box::new(schedule.clone())))
        .unwrap();
    let special = InstrumentFees {
        instrument: TIDE_USDT,
        standard: parts(1, 2, 3, 4),
        tax: parts(5, 6, 7, 8),
        special: parts(9, 10, 11, 12),
        discounted: false,
    };
    fees(&mut world, special);
    account(&mut world, BOB, TierRule::Forced(1), Some(true));
    meet(&mut world, MARKET, "1000", "2");
    let engine = restored(&world);
    assert_eq!(engine.digest(), world.engine.digest());
    for engine in [&engine, &world.engine] {
        let mut told = Vec::new();
        engine.tell(&mut |event| told.push(event));
        let bob = AccountFees {
            account: BOB,
            tier: 1,
            forced: true,
            discounted: true,
        };
        let expected = [
            Event::FeesChanged(Box::new(schedule.clone())),
            Event::InstrumentFeesChanged(Box::new(special)),
            Event::AccountFeesChanged(bob),
        ];
        let seen = told.iter().filter(|e| expected.contains(e));
        assert_eq!(seen.count(), 3);
        assert!(told.iter().any(|e| matches!(e,
            Event::InstrumentListed(i) if i.id == TIDE_USDT && i.maker_fee == Rate(1))));
    }
    // both go on alike
    world.engine = engine;
    let trade = meet(&mut world, MARKET, "1000", "2");
    assert_eq!(trade.maker.fee.0, 2 * UNIT * 90 / 100_000);
}

/// A hostile snapshot may carry a right digest over wrong fees.
#[test]
fn forged_fees_are_corrupt_or_another_valid_state() {
    let mut world = venue();
    let before = snapshot(&world.engine).len() - 16;
    let tiers = [(1_000, 90_000, 95_000), (9_000, 80_000, 85_000)];
    world
        .admin(Admin::SetFees(Box::new(schedule(75_000_000, &tiers))))
        .unwrap();
    let special = InstrumentFees {
        instrument: TIDE_USDT,
        standard: parts(100_000, 100_000, 3, 4),
        tax: parts(5, 6, 7, 8),
        special: parts(9, 10, 11, 12),
        discounted: false,
    };
    fees(&mut world, special);
    account(&mut world, BOB, TierRule::Forced(1), Some(true));
    meet(&mut world, MARKET, "1000", "2");
    world.time = world.time.plus_micros(DAY);
    world
        .run(AccountId::TREASURY, Command::Wake(Wake { budget: 1 }))
        .unwrap();
    let whole = snapshot(&world.engine);
    let (body, _) = whole.split_last_chunk::<16>().unwrap();
    let (mut found, mut tried) = (0, 0);
    for at in before..body.len() {
        for bit in [1, 0x80] {
            let mut forged = body.to_vec();
            forged[at] ^= bit;
            let digest = xxhash_rust::xxh3::xxh3_128(&forged);
            forged.extend_from_slice(&digest.to_le_bytes());
            tried += 1;
            match Engine::restore(registry(), &forged) {
                Err(_) => found += 1,
                Ok(engine) => assert_eq!(snapshot(&engine), forged, "byte {at} was lost"),
            }
        }
    }
    assert!(found > tried / 3, "{found} of {tried}");
}
