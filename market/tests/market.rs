//! The market on a real exchange: engine, sequencer and journal, with the clock in the test's hand.

#![expect(
    clippy::print_stdout,
    reason = "figures for whoever runs the tests by hand"
)]

use std::path::PathBuf;
use std::sync::Arc;

use engine::Engine;
use market::{Config, Ears, Fidelity, Market, Source, Speed};
use protocol::{
    Admin, Batch, Command, Event, Fund, OrderKind, OrderStatus, PlaceOrder, Reply, Request,
    TimeInForce,
};
use sequencer::{Client, Clock, ManualClock, Options, Recovered, Rules, Sequencer};
use types::{AccountId, Amount, AssetId, ClientId, Decimal, InstrumentId, Side, Time, Wallet};

/// 2025-03-25 23:00 UTC.
const NOW: Time = Time(1_742_943_600_000_000);
const HOUR: i64 = 3_600_000_000;

struct Follow(Ears);

impl relay::Reader for Follow {
    fn apply(&mut self, batch: &Arc<Batch>) {
        self.0.hear(batch);
    }
}

struct Exchange {
    sequencer: Sequencer,
    clock: Arc<ManualClock>,
    ears: Ears,
}

impl Exchange {
    fn open(folder: &std::path::Path) -> Exchange {
        let registry = || contract::Registry::new().contract(spot_rules::Spot);
        let rules = Rules::new(move |snapshot| match snapshot {
            None => Ok(Engine::new(registry())),
            Some(bytes) => Engine::restore(registry(), bytes),
        });
        let storage = journal::FileStorage::new(folder).unwrap();
        let folder = journal::Folder::open(storage).unwrap();
        let mut options = Options::default();
        options.journal.durability = sequencer::Durability::Os;
        let recovered = Recovered::open(folder, rules, options).unwrap();
        let ears = Ears::default();
        recovered.engine.tell(&mut |event| ears.told(&event));
        let clock = Arc::new(ManualClock::at(NOW));
        let relay = relay::Relay::new().with(Follow(ears.clone()));
        let dynamic: Arc<dyn Clock> = clock.clone();
        let sequencer = recovered
            .start(relay, dynamic, |fatal| panic!("{fatal}"))
            .unwrap();
        Exchange {
            sequencer,
            clock,
            ears,
        }
    }

    fn client(&self) -> Client {
        self.sequencer.client.clone()
    }

    /// Opens the market with as much past as given, and holds the clock again.
    async fn market(&self, source: Source, until: Time) -> Market {
        let config = Config {
            seed: 5,
            speed: Speed::Max,
            source,
        };
        let market = Market::open(self.client(), self.ears.clone(), &self.clock, until, config)
            .await
            .unwrap();
        self.clock.set(until);
        market
    }

    async fn audited(&self) -> String {
        let state = self.client().state().await.unwrap();
        assert_eq!(state.audit, Ok(()));
        state.digest
    }

    async fn ask(&self, actor: AccountId, command: Command) -> (Reply, Vec<Event>) {
        let request = Request {
            actor,
            id: self.client().next_id(),
            expires: Time(i64::MAX),
            command,
        };
        let accepted = self
            .client()
            .submit(request)
            .await
            .unwrap()
            .outcome
            .unwrap();
        (accepted.reply().clone(), accepted.events().to_vec())
    }

    /// A user with a thousand of each asset.
    async fn user(&self) -> AccountId {
        let (Reply::AccountOpened(account), _) = self
            .ask(AccountId::TREASURY, Command::Admin(Admin::OpenAccount))
            .await
        else {
            panic!("no account")
        };
        for asset in 1..=4 {
            let fund = Fund {
                account,
                wallet: Wallet::SPOT,
                asset: AssetId(asset),
                amount: Amount(10_i128.pow(15)),
            };
            self.ask(AccountId::TREASURY, Command::Admin(Admin::Fund(fund)))
                .await;
        }
        account
    }

    async fn limit(
        &self,
        account: AccountId,
        side: Side,
        price: &str,
        qty: &str,
        tif: TimeInForce,
    ) -> (protocol::Order, Vec<Event>) {
        let order = PlaceOrder {
            instrument: InstrumentId(1),
            side,
            kind: OrderKind::Limit,
            tif,
            stp: None,
            price: Decimal::parse(price).unwrap(),
            qty: Decimal::parse(qty).unwrap(),
            quote_qty: Decimal::ZERO,
            client_id: ClientId::new(&format!("user-{}", self.client().next_id())).unwrap(),
            strategy_id: None,
            strategy_kind: None,
            extras: None,
        };
        let (Reply::Placed(placed), events) = self.ask(account, Command::PlaceOrder(order)).await
        else {
            panic!("not placed")
        };
        (placed.order, events)
    }
}

async fn steps(exchange: &Exchange, market: &mut Market, from: Time, count: i64) {
    for step in 1..=count {
        exchange.clock.set(from.plus_micros(step * 100_000));
        market.step().await.unwrap();
    }
}

fn share(equal: u64, all: u64) -> f64 {
    equal as f64 / all.max(1) as f64
}

fn report(name: &str, f: Fidelity) {
    println!(
        "{name}: touch as recorded {:.3} % of {}, trades {:.3} % of {}, {} requests, {} refused",
        100.0 * share(f.touches_equal, f.touches),
        f.touches,
        100.0 * share(f.trades_equal, f.trades),
        f.trades,
        f.requests,
        f.refused
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_has_a_past_and_follows_its_recording() {
    let folder = tempfile::tempdir().unwrap();
    let exchange = Exchange::open(folder.path());
    let begun = std::time::Instant::now();
    let mut market = exchange.market(Source::Demo, NOW).await;
    println!("a day of past in {:?}", begun.elapsed());
    let past = exchange.client().state().await.unwrap();
    assert!(past.seq.0 > 50_000, "a whole day of trades: {:?}", past.seq);
    // a pass and the start of the next: the joint is inside
    let begun = std::time::Instant::now();
    let count = market.length_ms() / 100 + 100;
    steps(&exchange, &mut market, NOW, count).await;
    println!("{count} steps in {:?}", begun.elapsed());
    let fidelity = market.fidelity();
    report("demo", fidelity);
    assert!(
        share(fidelity.touches_equal, fidelity.touches) > 0.99,
        "{fidelity:?}"
    );
    assert!(
        share(fidelity.trades_equal, fidelity.trades) > 0.99,
        "{fidelity:?}"
    );
    assert!(
        fidelity.trades > 10_000 && fidelity.refused * 200 < fidelity.requests,
        "{fidelity:?}"
    );
    exchange.audited().await;
    exchange.sequencer.stop().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_and_clock_give_the_same_exchange() {
    let mut digests = Vec::new();
    for _ in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        let exchange = Exchange::open(folder.path());
        let mut market = exchange.market(Source::Demo, NOW).await;
        steps(&exchange, &mut market, NOW, 100).await;
        digests.push(exchange.audited().await);
        exchange.sequencer.stop().unwrap();
    }
    assert_eq!(digests[0], digests[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_trade_with_it_and_it_recovers_also_from_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let exchange = Exchange::open(folder.path());
    let mut market = exchange.market(Source::Demo, NOW).await;
    let user = exchange.user().await;
    steps(&exchange, &mut market, NOW, 20).await;

    // a sweep through the book fills, and after a step the touch stands again
    let (order, events) = exchange
        .limit(user, Side::Buy, "87400", "30", TimeInForce::Ioc)
        .await;
    let fills = events
        .iter()
        .filter(|e| matches!(e, Event::Traded(_)))
        .count();
    assert!(
        fills > 10 && order.executed_qty.0 > 0,
        "{fills} fills: {order:?}"
    );
    let before = market.fidelity();
    steps(&exchange, &mut market, NOW.plus_micros(2_000_000), 10).await;
    let after = market.fidelity();
    let equal = share(
        after.touches_equal - before.touches_equal,
        after.touches - before.touches,
    );
    assert!(equal > 0.95, "{equal}");

    // an order in the market's way is filled by it
    let (resting, _) = exchange
        .limit(user, Side::Sell, "87300", "0.01", TimeInForce::Gtc)
        .await;
    assert_eq!(resting.status, OrderStatus::New);
    let (cheap, _) = exchange
        .limit(user, Side::Sell, "87200.01", "0.01", TimeInForce::Gtc)
        .await;
    assert!(cheap.executed_qty.0 > 0, "bids stand above: {cheap:?}");
    exchange.audited().await;
    drop(market);
    exchange.sequencer.stop().unwrap();

    // two hours later: the gap is filled, its old orders are gone, the price goes on from where it was
    let exchange = Exchange::open(folder.path());
    let seq = exchange.client().state().await.unwrap().seq;
    let later = NOW.plus_micros(2 * HOUR);
    let mut market = exchange.market(Source::Demo, later).await;
    let filled = exchange.client().state().await.unwrap().seq.0 - seq.0;
    assert!(
        (4_000..40_000).contains(&filled),
        "two hours of trades, {filled} records"
    );
    steps(&exchange, &mut market, later, 50).await;
    let fidelity = market.fidelity();
    report("after a restart", fidelity);
    assert!(
        share(fidelity.touches_equal, fidelity.touches) > 0.9,
        "{fidelity:?}"
    );
    exchange.audited().await;
    exchange.sequencer.stop().unwrap();
}

/// Recorded frames are not part of the project: found by `HIGHWATER_SHARED`, or in `shared` beside the workspace.
fn recorded_frames() -> Option<PathBuf> {
    let beside = || {
        Some(
            PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .parent()?
                .parent()?
                .join("shared"),
        )
    };
    let shared = std::env::var_os("HIGHWATER_SHARED")
        .map(PathBuf::from)
        .or_else(beside)?;
    let folder = shared.join("data/binance-frames/spot");
    folder.is_dir().then_some(folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_frames_are_followed() {
    let Some(frames) = recorded_frames() else {
        println!(
            "skipped: no recorded frames here; HIGHWATER_SHARED names the folder that holds data/binance-frames"
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let exchange = Exchange::open(folder.path());
    let begun = std::time::Instant::now();
    let mut market = exchange.market(Source::Frames(frames), NOW).await;
    println!("frames read in {:?}", begun.elapsed());
    let begun = std::time::Instant::now();
    // two minutes of the recording
    for step in 1..=6_000 {
        exchange.clock.set(NOW.plus_micros(step * 20_000));
        market.step().await.unwrap();
    }
    println!("6,000 steps in {:?}", begun.elapsed());
    let fidelity = market.fidelity();
    report("frames", fidelity);
    assert!(
        share(fidelity.touches_equal, fidelity.touches) > 0.99,
        "{fidelity:?}"
    );
    assert!(
        share(fidelity.trades_equal, fidelity.trades) > 0.99,
        "{fidelity:?}"
    );
    assert!(fidelity.trades > 1_000, "{fidelity:?}");
    exchange.audited().await;
    exchange.sequencer.stop().unwrap();
}
