//! The same commands to the engine and to its naive twin: equal answers, equal events, equal balances.

use protocol::{Command, Event, Reject, RejectCode, Request};
use std::collections::BTreeMap;

use testkit::Exchange;
use testkit::naive::Naive;
use testkit::random::{self, Commands, Features};
use types::{AccountId, RequestId, Time};

/// The order in which balances are told is the engine's own affair; everything else is in order.
pub fn sorted(mut events: Vec<Event>) -> Vec<Event> {
    let at = events
        .iter()
        .position(|e| matches!(e, Event::BalanceChanged(_)))
        .unwrap_or(events.len());
    events[at..].sort_by_key(|e| match e {
        Event::BalanceChanged(b) => (b.account, b.wallet, b.asset),
        other => panic!("{other:?} after the balances"),
    });
    events
}

/// What came of one seed.
#[derive(Default)]
struct Ran {
    accepted: u64,
    refusals: Vec<Reject>,
    /// How often each kind of event followed, and each reason to close an order.
    told: BTreeMap<String, u64>,
}

impl Ran {
    fn count(&mut self, event: &Event) {
        let name = |debug: String| {
            let end = debug.find(|c: char| !c.is_alphanumeric());
            debug[..end.unwrap_or(debug.len())].to_owned()
        };
        *self.told.entry(name(format!("{event:?}"))).or_default() += 1;
        if let Event::OrderClosed(closed) = event {
            let reason = format!("{:?}", closed.reason);
            *self.told.entry(reason).or_default() += 1;
        }
    }
}

/// Runs one seed. With fees, the venue changes them now and then, and days go by.
fn run(seed: u64, steps: u64, (fees, features): (bool, Features)) -> Ran {
    let mut exchange = Exchange::new().rebuilding_every(steps / 2 + 7);
    random::furnish(&mut exchange);
    let mut twin = Naive::new();
    for record in exchange.records() {
        twin.execute(record.time, &record.request).unwrap();
    }
    let mut commands = Commands::with(seed, features);
    let mut ran = Ran::default();
    for step in 0..steps {
        let (actor, command) = if fees && commands.random.one_in(12) {
            (AccountId::TREASURY, Command::Admin(commands.fees()))
        } else {
            commands.command()
        };
        if fees && commands.random.one_in(9) {
            let hours = commands.random.below(40) as i64;
            exchange.time = exchange.time.plus_micros(hours * 3_600_000_000);
        }
        exchange.time = exchange
            .time
            .plus_micros(commands.random.below(9_000_000) as i64);
        let expires = if commands.random.one_in(50) {
            exchange.time.plus_micros(-1)
        } else {
            Time(i64::MAX)
        };
        let request = Request {
            actor,
            id: RequestId(step),
            expires,
            command,
        };
        let got = exchange.submit(request.clone());
        let expected = twin.execute(exchange.time, &request);
        match (got, expected) {
            (Ok(reply), Ok((twins, events))) => {
                ran.accepted += 1;
                exchange.events.iter().for_each(|event| ran.count(event));
                assert_eq!(reply, twins, "seed {seed} step {step}: {request:?}");
                assert_eq!(
                    sorted(exchange.events.clone()),
                    sorted(events),
                    "seed {seed} step {step}: {request:?}"
                );
            }
            (Err(reject), Err(twins)) => {
                assert_eq!(reject, twins, "seed {seed} step {step}: {request:?}");
                ran.refusals.push(reject);
            }
            (got, expected) => panic!(
                "seed {seed} step {step}: engine {got:?}, twin {:?}: {request:?}",
                expected.map(|e| e.0)
            ),
        }
    }
    ran
}

#[test]
fn engine_and_twin_agree() {
    let (mut accepted, mut refused, mut kinds) = (0, 0, std::collections::BTreeSet::new());
    // more for a long run: TWIN_SEEDS=10000
    let seeds = std::env::var("TWIN_SEEDS").map_or(100, |n| n.parse().unwrap());
    for seed in 0..seeds {
        let ran = run(seed, 800, (false, Features::default()));
        accepted += ran.accepted;
        refused += ran.refusals.len() as u64;
        kinds.extend(ran.refusals.iter().map(|r| r.code()));
    }
    // the mix is what it claims to be
    assert!(
        accepted > refused / 2,
        "{accepted} accepted, {refused} refused"
    );
    use RejectCode::*;
    for code in [
        Expired,
        UnknownAccount,
        NotPermitted,
        InsufficientBalance,
        UnknownAsset,
        InvalidAmount,
        UnknownInstrument,
        MarketClosed,
        CancelClosed,
        PriceFilter,
        PercentPriceBySide,
        LotSize,
        MarketLotSize,
        Notional,
        MaxNumOrders,
        StpModeNotAllowed,
        UnknownOrder,
        DuplicateClientId,
        ClientIdMismatch,
        CancelRestricted,
        AmendIncrease,
        AmendNoChange,
        AmendUnknownOrder,
        AmendClosed,
        WouldTake,
        NoLiquidity,
        LiquidityBelowLotSize,
        UnsupportedCombination,
    ] {
        assert!(kinds.contains(&code), "{code:?} never occurred");
    }
}

/// Rates, taxes, tiers and the discount change while orders trade: every commission agrees to the atom, and every residue is accounted for.
#[test]
fn engine_and_twin_charge_alike() {
    let seeds = std::env::var("TWIN_SEEDS").map_or(60, |n| n.parse().unwrap());
    let mut refused = Vec::new();
    for seed in 0..seeds {
        refused.extend(run(10_000 + seed, 500, (true, Features::default())).refusals);
    }
    for code in [RejectCode::InvalidFees, RejectCode::UnknownTier] {
        assert!(refused.contains(&code.into()), "{code:?} never occurred");
    }
}

/// Plain orders and these features, of which each seed has a random half on; every fourth seed has fees. Answers what was refused, and
/// how often each kind of event followed.
fn compare(first: u64, allowed: Features) -> (Vec<RejectCode>, BTreeMap<String, u64>) {
    let seeds = std::env::var("TWIN_SEEDS").map_or(60, |n| n.parse().unwrap());
    let (mut refused, mut told) = (Vec::new(), BTreeMap::new());
    for seed in first..first + seeds {
        let ran = run(seed, 600, (seed % 4 == 3, allowed.subset(seed)));
        refused.extend(ran.refusals.iter().map(|r| r.code()));
        for (kind, count) in ran.told {
            *told.entry(kind).or_default() += count;
        }
    }
    (refused, told)
}

/// The mix is what it claims to be.
fn assert_seen(
    (refused, told): &(Vec<RejectCode>, BTreeMap<String, u64>),
    refusals: &[RejectCode],
    events: &[&str],
) {
    for code in refusals {
        assert!(refused.contains(code), "{code:?} never occurred");
    }
    for event in events {
        let count = told.get(*event).copied().unwrap_or(0);
        assert!(count > 4, "{event} followed {count} times");
    }
}

#[test]
fn conditional_orders_wait_alike() {
    let allowed = Features {
        conditional: true,
        ..Features::default()
    };
    let seen = compare(20_000, allowed);
    use RejectCode::*;
    let refusals = [WouldTrigger, TrailingDelta, MaxNumAlgoOrders];
    let events = ["OrderTriggered", "TrailingStarted", "WaitingAmended"];
    assert_seen(&seen, &refusals, &events);
}

#[test]
fn trade_groups_are_kept_apart_alike() {
    let allowed = Features {
        groups: true,
        ..Features::default()
    };
    let seen = compare(30_000, allowed);
    let refusals = [RejectCode::InvalidTradeGroup];
    let events = [
        "TradeGroupChanged",
        "MatchPreventedInGroup",
        "OrderDecremented",
        "Transferred",
    ];
    assert_seen(&seen, &refusals, &events);
}

#[test]
fn icebergs_are_shown_alike() {
    let allowed = Features {
        icebergs: true,
        groups: true,
        ..Features::default()
    };
    let seen = compare(40_000, allowed);
    use RejectCode::*;
    let refusals = [IcebergExceedsQty, IcebergParts, MaxNumIcebergOrders];
    assert_seen(&seen, &refusals, &["IcebergShown"]);
}

#[test]
fn pegs_are_priced_alike() {
    let allowed = Features {
        conditional: true,
        icebergs: true,
        pegs: true,
        ..Features::default()
    };
    let seen = compare(50_000, allowed);
    use RejectCode::*;
    let refusals = [PegNotForKind, PegKindNotForKind, PegLiquidity];
    assert_seen(&seen, &refusals, &["OrderPegged", "Refused"]);
}

#[test]
fn ranges_bound_alike() {
    let allowed = Features {
        ranges: true,
        ..Features::default()
    };
    let seen = compare(60_000, allowed);
    use RejectCode::*;
    let refusals = [InvalidReference, InvalidExecutionRules];
    let events = ["ReferenceChanged", "ExecutionRulesChanged", "PriceRange"];
    assert_seen(&seen, &refusals, &events);
}

#[test]
fn lists_depend_alike() {
    let allowed = Features {
        lists: true,
        ..Features::default()
    };
    let seen = compare(70_000, allowed);
    use RejectCode::*;
    let refusals = [
        OcoPrices,
        UnsupportedList,
        AmendPendingOpo,
        MaxNumOrderLists,
    ];
    let events = [
        "ListPlaced",
        "ListEnded",
        "OrderActivated",
        "OcoTriggered",
        "PhaseOneExpired",
        "Refused",
    ];
    assert_seen(&seen, &refusals, &events);
}

#[test]
fn the_venue_rules_alike() {
    let allowed = Features {
        conditional: true,
        icebergs: true,
        lists: true,
        venue: true,
        ..Features::default()
    };
    let seen = compare(90_000, allowed);
    use RejectCode::*;
    let refusals = [
        ExchangeMaxNumOrders,
        ExchangeMaxNumAlgoOrders,
        MaxAsset,
        MarketOrdersUnsupported,
        InvalidBlockTrade,
    ];
    let events = ["ExchangeFiltersChanged", "BlockTraded", "BalanceLocked"];
    assert_seen(&seen, &refusals, &events);
}

const ALL: Features = Features {
    conditional: true,
    groups: true,
    icebergs: true,
    pegs: true,
    lists: true,
    ranges: true,
    venue: true,
};

#[test]
fn everything_together_goes_alike() {
    let seen = compare(80_000, ALL);
    let refusals = [RejectCode::AmendPendingOpo];
    assert_seen(&seen, &refusals, &["OrderPegged", "OrderActivated"]);
}
