//! The same commands to the engine and to its naive twin: equal answers, equal events, equal balances.

use protocol::{Command, Event, Reject, RejectCode, Request};
use testkit::Exchange;
use testkit::naive::Naive;
use testkit::random::{self, Commands, Features};
use types::{AccountId, RequestId, Time};

/// The order in which balances are told is the engine's own affair; everything else is in order.
fn sorted(mut events: Vec<Event>) -> Vec<Event> {
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

/// Runs one seed; answers how many commands were accepted, and which refusals occurred. With fees, the venue changes them now and then, and
/// days go by.
fn run(seed: u64, steps: u64, (fees, features): (bool, Features)) -> (u64, Vec<Reject>) {
    let mut exchange = Exchange::new().rebuilding_every(steps / 2 + 7);
    random::furnish(&mut exchange);
    let mut twin = Naive::new();
    for record in exchange.records() {
        twin.execute(record.time, &record.request).unwrap();
    }
    let mut commands = Commands::with(seed, features);
    let (mut accepted, mut refusals) = (0, Vec::new());
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
                accepted += 1;
                assert_eq!(reply, twins, "seed {seed} step {step}: {request:?}");
                assert_eq!(
                    sorted(exchange.events.clone()),
                    sorted(events),
                    "seed {seed} step {step}: {request:?}"
                );
            }
            (Err(reject), Err(twins)) => {
                assert_eq!(reject, twins, "seed {seed} step {step}: {request:?}");
                refusals.push(reject);
            }
            (got, expected) => panic!(
                "seed {seed} step {step}: engine {got:?}, twin {:?}: {request:?}",
                expected.map(|e| e.0)
            ),
        }
    }
    (accepted, refusals)
}

#[test]
fn engine_and_twin_agree() {
    let (mut accepted, mut refused, mut kinds) = (0, 0, std::collections::BTreeSet::new());
    // more for a long run: TWIN_SEEDS=10000
    let seeds = std::env::var("TWIN_SEEDS").map_or(100, |n| n.parse().unwrap());
    for seed in 0..seeds {
        let (yes, no) = run(seed, 800, (false, Features::default()));
        accepted += yes;
        refused += no.len() as u64;
        kinds.extend(no.iter().map(|r| r.code()));
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
        refused.extend(run(10_000 + seed, 500, (true, Features::default())).1);
    }
    for code in [RejectCode::InvalidFees, RejectCode::UnknownTier] {
        assert!(refused.contains(&code.into()), "{code:?} never occurred");
    }
}

/// Every feature, with seeds that have a random half of the allowed ones on.
fn compare(first: u64, allowed: Features) -> (u64, Vec<Reject>) {
    let seeds = std::env::var("TWIN_SEEDS").map_or(60, |n| n.parse().unwrap());
    let (mut accepted, mut refused) = (0, Vec::new());
    for seed in first..first + seeds {
        let fees = seed % 4 == 3;
        let (yes, no) = run(seed, 600, (fees, allowed.subset(seed)));
        accepted += yes;
        refused.extend(no);
    }
    (accepted, refused)
}

#[test]
fn conditional_orders_wait_alike() {
    compare(20_000, Features { conditional: true, ..Features::default() });
}
#[test]
fn groups_alike() {
    compare(30_000, Features { groups: true, ..Features::default() });
}
#[test]
fn icebergs_alike() {
    compare(40_000, Features { icebergs: true, groups: true, ..Features::default() });
}
#[test]
fn pegs_alike() {
    compare(50_000, Features { icebergs: true, pegs: true, conditional: true, ..Features::default() });
}
#[test]
fn ranges_alike() {
    compare(60_000, Features { ranges: true, ..Features::default() });
}
#[test]
fn lists_alike() {
    compare(70_000, Features { lists: true, ..Features::default() });
}
#[test]
fn all_alike() {
    compare(80_000, Features { conditional: true, groups: true, icebergs: true, pegs: true, lists: true, ranges: true });
}
