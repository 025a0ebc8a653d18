//! The queue on a simulated disk: what was answered is there again, and what cannot be promised is not answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use contract::{Contract, Hold, Match, Settlement, Terms};
use engine::Engine;
use journal::sim::{Call, Effect, SimStorage};
use journal::{Durability, Folder};
use protocol::*;
use relay::{Reader, Relay};
use sequencer::*;
use spot_rules::Spot;
use types::*;

/// Spot, with a defect: settling a match at this price panics.
const TRAP: Price = Price(666);

struct TrappedSpot;

impl Contract for TrappedSpot {
    fn kind(&self) -> ContractKind {
        Spot.kind()
    }
    fn admit(&self, instrument: &Instrument) -> Result<(), RejectCode> {
        Spot.admit(instrument)
    }
    fn wallet(&self, instrument: &Instrument) -> Wallet {
        Spot.wallet(instrument)
    }
    fn exposure(&self, terms: &Terms, side: Side, price: Price, open: Qty) -> Hold {
        Spot.exposure(terms, side, price, open)
    }
    fn cost(&self, terms: &Terms, side: Side, qty: Qty, notional: i128) -> Hold {
        Spot.cost(terms, side, qty, notional)
    }
    fn settle(&self, terms: &Terms, matched: &Match) -> Settlement {
        assert!(matched.price != TRAP, "the planted defect");
        Spot.settle(terms, matched)
    }
}

fn rules() -> Rules {
    let registry = || contract::Registry::new().contract(TrappedSpot);
    Rules::new(move |bytes| match bytes {
        None => Ok(Engine::new(registry())),
        Some(bytes) => Engine::restore(registry(), bytes),
    })
}

fn options() -> Options {
    let mut options = Options::default();
    options.journal.segment_bytes = 1 << 20;
    options.journal.first_segment_bytes = 64 << 10;
    options
}

struct Venue {
    sequencer: Sequencer,
    clock: Arc<ManualClock>,
    fatal: mpsc::Receiver<String>,
}

fn start(storage: &SimStorage, options: Options, relay: Relay) -> Venue {
    let folder = Folder::open(Arc::new(storage.clone())).unwrap();
    let recovered = Recovered::open(folder, rules(), options).unwrap();
    recovered.engine.audit().unwrap();
    let clock = Arc::new(ManualClock::at(
        Time(1_000_000).max(recovered.position.time),
    ));
    let (tell, fatal) = mpsc::channel();
    let on_fatal = move |fatal: journal::Fatal| tell.send(fatal.to_string()).unwrap();
    let sequencer = recovered.start(relay, clock.clone(), on_fatal).unwrap();
    Venue {
        sequencer,
        clock,
        fatal,
    }
}

impl Venue {
    fn ask(&self, actor: AccountId, command: Command) -> Result<Answer, Unavailable> {
        let (send, receive) = mpsc::channel();
        let request = Request {
            actor,
            id: self.sequencer.client.next_id(),
            expires: Time(i64::MAX),
            command,
        };
        self.sequencer
            .client
            .submit_with(request, move |answer| drop(send.send(answer)));
        receive.recv().unwrap_or(Err(Unavailable::Lost))
    }

    fn admin(&self, admin: Admin) -> Reply {
        self.ask(AccountId::TREASURY, Command::Admin(admin))
            .unwrap()
            .outcome
            .unwrap()
            .reply()
            .clone()
    }

    fn state(&self) -> State {
        block_on(self.sequencer.client.state()).unwrap()
    }

    /// Two assets, two instruments, two accounts with a thousand of each asset.
    fn open(&self) {
        for name in ["AAA", "BBB"] {
            self.admin(Admin::CreateAsset(NewAsset {
                name: name.into(),
                precision: 8,
            }));
        }
        for symbol in ["ONE", "TWO"] {
            self.admin(Admin::ListInstrument(ListInstrument {
                instrument: Box::new(instrument(symbol)),
            }));
        }
        for n in 0..2 {
            assert_eq!(
                self.admin(Admin::OpenAccount),
                Reply::AccountOpened(user(n))
            );
            for asset in [1, 2] {
                let amount = Amount(1_000 * i128::from(Decimal::SCALE));
                self.admin(Admin::Fund(Fund {
                    account: user(n),
                    wallet: Wallet::SPOT,
                    asset: AssetId(asset),
                    amount,
                }));
            }
        }
    }

    fn place(&self, n: u32, symbol: u32, side: Side, price: i64) -> Result<Answer, Unavailable> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let client_id =
            ClientId::new(&format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed))).unwrap();
        let place = PlaceOrder {
            instrument: InstrumentId(symbol),
            side,
            kind: OrderKind::Limit,
            tif: TimeInForce::Gtc,
            stp: None,
            price: Decimal(price * Decimal::SCALE),
            qty: Decimal(Decimal::SCALE / 1_000),
            quote_qty: Decimal::ZERO,
            client_id,
            strategy_id: None,
            strategy_kind: None,
            extras: None,
        };
        self.ask(user(n), Command::PlaceOrder(place))
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn user(n: u32) -> AccountId {
    AccountId(AccountId::FIRST_USER.0 + n)
}

fn instrument(symbol: &str) -> Instrument {
    let unit = Decimal(Decimal::SCALE);
    Instrument {
        id: InstrumentId(0),
        symbol: symbol.into(),
        contract: ContractKind(1),
        base: AssetId(1),
        quote: AssetId(2),
        status: MarketStatus::Trading,
        filters: Filters {
            price: Some(PriceFilter {
                min: unit,
                max: Decimal(1_000_000 * Decimal::SCALE),
                tick: unit,
            }),
            lot_size: Some(LotSizeFilter {
                min: Decimal(1),
                max: unit,
                step: Decimal(1),
            }),
            ..Filters::default()
        },
        default_stp: StpMode::None,
        allowed_stp: StpModes::ALL,
        maker_fee: Rate(100_000),
        taker_fee: Rate(100_000),
        denied: protocol::Denied::NONE,
    }
}

#[test]
fn what_was_answered_is_there_after_the_power_went() {
    let storage = SimStorage::new(1);
    let venue = start(&storage, options(), Relay::new());
    venue.open();
    let mut last = Seq(0);
    for n in 0..200 {
        venue.clock.set(Time(2_000_000 + n * 1_000));
        let side = if n % 3 == 0 { Side::Sell } else { Side::Buy };
        last = venue
            .place(n as u32 % 2, 1 + n as u32 % 2, side, 100 + n % 7)
            .unwrap()
            .outcome
            .unwrap()
            .seq();
    }
    let live = venue.state();
    assert_eq!(
        (live.seq, live.mark, live.audit.clone()),
        (last, last, Ok(()))
    );
    let after = storage.after_power_loss(&mut journal::sim::Choices::seeded(7));
    let again = start(&after, options(), Relay::new());
    assert_eq!(again.state(), live);
    again.sequencer.stop().unwrap();
    venue.sequencer.stop().unwrap();
}

#[test]
fn a_stop_leaves_a_snapshot_that_needs_no_replay() {
    let storage = SimStorage::new(2);
    let venue = start(&storage, options(), Relay::new());
    venue.open();
    venue.place(0, 1, Side::Buy, 100).unwrap().outcome.unwrap();
    let live = venue.state();
    venue.sequencer.stop().unwrap();
    let folder = Folder::open(Arc::new(storage.after_kill())).unwrap();
    let recovered = Recovered::open(folder, rules(), options()).unwrap();
    assert_eq!(
        (recovered.report.snapshot, recovered.report.replayed),
        (live.seq, 0)
    );
    assert_eq!(recovered.engine.digest().to_string(), live.digest);
}

#[test]
fn refusals_take_no_place_and_change_nothing() {
    let storage = SimStorage::new(3);
    let venue = start(&storage, options(), Relay::new());
    venue.open();
    let before = venue.state();
    let refused = venue.place(0, 9, Side::Buy, 100).unwrap();
    assert_eq!(
        refused.outcome.err(),
        Some(RejectCode::UnknownInstrument.into())
    );
    let stale = Request {
        actor: user(0),
        id: RequestId(1),
        expires: Time(1),
        command: Command::CancelAll(CancelAll {
            instrument: InstrumentId(1),
            client_id: ClientId::NONE,
        }),
    };
    let answer = block_on(venue.sequencer.client.submit(stale)).unwrap();
    assert_eq!(answer.outcome.err(), Some(RejectCode::Expired.into()));
    assert_eq!(venue.state(), before);
    venue.sequencer.stop().unwrap();
}

#[test]
fn a_poison_command_halts_its_market_alone() {
    let storage = SimStorage::new(4);
    let venue = start(&storage, options(), Relay::new());
    venue.open();
    venue
        .place(0, 1, Side::Sell, TRAP.0)
        .unwrap()
        .outcome
        .unwrap();
    venue.place(0, 2, Side::Sell, 100).unwrap().outcome.unwrap();
    let before = venue.state();
    let poison = venue.place(1, 1, Side::Buy, TRAP.0).unwrap();
    assert_eq!(poison.outcome.err(), Some(RejectCode::Fault.into()));
    let halted = venue.place(1, 1, Side::Buy, 99).unwrap();
    assert_eq!(halted.outcome.err(), Some(RejectCode::MarketClosed.into()));
    let traded = venue.place(1, 2, Side::Buy, 100).unwrap().outcome.unwrap();
    assert!(
        traded
            .events()
            .iter()
            .any(|event| matches!(event, Event::Traded(_)))
    );
    let after = venue.state();
    assert_eq!(
        (after.seq.0, after.audit.clone()),
        (before.seq.0 + 2, Ok(())),
        "the halt and the trade were recorded, the poison was not"
    );
    let again = start(&storage.after_kill(), options(), Relay::new());
    assert_eq!(again.state(), after, "replay does not meet the poison");
    again.sequencer.stop().unwrap();
    venue.sequencer.stop().unwrap();
}

#[test]
fn a_failed_sync_is_fatal_and_answers_nothing() {
    let storage = SimStorage::new(5);
    let venue = start(&storage, options(), Relay::new());
    venue.open();
    let before = venue.state();
    storage.inject(Call::Sync, 1, Effect::Fail(std::io::ErrorKind::Other));
    assert_eq!(
        venue.place(0, 1, Side::Buy, 100).err(),
        Some(Unavailable::Lost)
    );
    assert!(venue.fatal.recv().unwrap().contains("fdatasync"));
    assert_eq!(
        venue.place(0, 1, Side::Buy, 101).err(),
        Some(Unavailable::Lost),
        "nothing is answered any more"
    );
    let again = start(
        &storage.after_power_loss(&mut journal::sim::Choices::seeded(1)),
        options(),
        Relay::new(),
    );
    assert!(again.state().seq.0 >= before.seq.0);
    again.sequencer.stop().unwrap();
}

/// Counts records and sees that they come in order.
struct Counting(Arc<AtomicU64>);

impl Reader for Counting {
    fn apply(&mut self, batch: &Arc<Batch>) {
        for record in &batch.records {
            assert_eq!(
                self.0.swap(record.seq.0, Ordering::SeqCst) + 1,
                record.seq.0
            );
        }
    }
}

#[test]
fn readers_have_seen_a_record_before_its_answer_is_released() {
    let storage = SimStorage::new(6);
    let seen = Arc::new(AtomicU64::new(0));
    let venue = start(
        &storage,
        options(),
        Relay::new().with(Counting(seen.clone())),
    );
    venue.open();
    for _ in 0..50 {
        let seq = venue
            .place(0, 1, Side::Buy, 100)
            .unwrap()
            .outcome
            .unwrap()
            .seq();
        assert!(seen.load(Ordering::SeqCst) >= seq.0);
    }
    venue.sequencer.stop().unwrap();
}

#[test]
fn snapshots_are_taken_while_trading_and_the_event_log_is_whole() {
    let storage = SimStorage::new(7);
    let mut options = options();
    options.snapshot_records = 100;
    let venue = start(&storage, options, Relay::new());
    venue.open();
    for n in 0..400 {
        venue
            .place(
                n % 2,
                1,
                if n % 2 == 0 { Side::Buy } else { Side::Sell },
                100,
            )
            .unwrap()
            .outcome
            .unwrap();
    }
    let live = venue.state();
    venue.sequencer.stop().unwrap();
    let after = storage.after_kill();
    let folder = Folder::open(Arc::new(after)).unwrap();
    let snapshots = storage
        .paths()
        .into_iter()
        .filter(|path| path.starts_with("snapshots/"))
        .count();
    assert_eq!(snapshots, 2, "two are kept");
    let recovered = Recovered::open(folder, rules(), options).unwrap();
    recovered.settle_events();
    let mut records = 0;
    read_events(&recovered.folder, Seq(1), live.seq, |_, _, _| records += 1).unwrap();
    assert_eq!(records, live.seq.0);
}

#[test]
fn durability_can_be_switched_while_running() {
    let storage = SimStorage::new(8);
    let mut options = options();
    options.journal.durability = Durability::None;
    let venue = start(&storage, options, Relay::new());
    venue.open();
    block_on(venue.sequencer.client.set_durability(Durability::Disk)).unwrap();
    let live = venue.state();
    let again = start(
        &storage.after_power_loss(&mut journal::sim::Choices::seeded(3)),
        options,
        Relay::new(),
    );
    assert_eq!(
        again.state(),
        live,
        "the switch made everything before it durable"
    );
    again.sequencer.stop().unwrap();
    venue.sequencer.stop().unwrap();
}

#[test]
fn a_full_disk_keeps_its_last_room_for_cancels() {
    let storage = SimStorage::new(9);
    let mut options = options();
    options.journal.first_segment_bytes = 256 << 10;
    let venue = start(&storage, options, Relay::new());
    venue.open();
    let used: usize = storage
        .paths()
        .iter()
        .filter_map(|path| storage.contents(path))
        .map(|bytes| bytes.len())
        .sum();
    storage.set_capacity(Some(used as u64 + 1_000));
    let mut open = 0;
    while let Ok(answer) = venue.place(0, 1, Side::Buy, 100) {
        answer.outcome.unwrap();
        open += 1;
        assert!(open < 20_000, "the brake never came on");
    }
    assert!(venue.sequencer.brake.is_on());
    let before = venue.state();
    assert_eq!(
        venue.place(0, 2, Side::Buy, 100).err(),
        Some(Unavailable::DiskFull)
    );
    assert_eq!(venue.state(), before, "a denied order changes nothing");
    let cancel = Command::CancelAll(CancelAll {
        instrument: InstrumentId(1),
        client_id: ClientId::new("out").unwrap(),
    });
    let canceled = venue.ask(user(0), cancel).unwrap().outcome.unwrap();
    assert!(matches!(canceled.reply(), Reply::CanceledAll(orders, _) if orders.len() == open));
    storage.set_capacity(None);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let placed = loop {
        match venue.place(0, 1, Side::Buy, 100) {
            Ok(answer) => break answer.outcome.unwrap(),
            Err(why) => assert_eq!(why, Unavailable::DiskFull),
        }
        assert!(
            std::time::Instant::now() < deadline,
            "the brake never went off"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    assert_eq!(placed.seq(), Seq(before.seq.0 + 2));
    let live = venue.state();
    let after = storage.after_power_loss(&mut journal::sim::Choices::seeded(2));
    let again = start(&after, options, Relay::new());
    assert_eq!(again.state(), live);
    again.sequencer.stop().unwrap();
    venue.sequencer.stop().unwrap();
}
