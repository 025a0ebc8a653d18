//! Views against plain lists: every query, at random moments of flushing, across restarts and rebuilds.

mod load;
mod naive;
mod under_way;
mod venue;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use protocol::{Batch, Command, Executed, Reply, Request, Wake};
use relay::Reader;
use types::*;
use venue::{Dice, Record, Venue};
use views::{HistoryError, Options, Views, ViewsReader};

/// The venue's clock, as far as it has come.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicI64>);

impl Clock {
    fn set(&self, time: Time) {
        self.0.store(time.0, Ordering::Release);
    }
}

fn options(folder: &Path, clock: &Clock) -> Options {
    let clock = clock.clone();
    let url = format!("sqlite://{}", folder.join("history.db").display());
    let now = move || Time(clock.0.load(Ordering::Acquire));
    Options {
        recent_trades: 40,
        ..Options::new(url, now)
    }
}

fn batch(records: &[Record]) -> Arc<Batch> {
    let mut batch = Batch::default();
    for record in records {
        let from = batch.events.len() as u32;
        batch.events.extend(record.events.iter().cloned());
        batch.records.push(Executed {
            seq: record.seq,
            time: record.time,
            request: Request {
                actor: AccountId::TREASURY,
                id: RequestId(0),
                expires: Time(i64::MAX),
                command: Command::Wake(Wake { budget: 1 }),
            },
            reply: Reply::Done,
            chain: 0,
            events: (from, batch.events.len() as u32),
        });
    }
    Arc::new(batch)
}

/// As the program does it: history catches up from the event log, then the engine tells its state.
fn start(options: Options, venue: &Venue) -> Result<(Views, ViewsReader), HistoryError> {
    let mut opening = Views::open(options)?;
    let next = opening.next_seq().0 as usize - 1;
    let records = venue.records[next..].iter();
    opening.catch_up(records.map(|r| (r.seq, r.time, &r.events[..])))?;
    opening.start(Seq(venue.records.len() as u64), |out| venue.tell(out))
}

/// The whole database, while nobody writes it.
fn copy(from: &Path, to: &Path) {
    for name in ["history.db", "history.db-wal", "history.db-shm"] {
        let _ = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

async fn run(seed: u64, pace: i64, rounds: usize) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let mut dice = Dice(seed ^ 0x5eed);
    let mut venue = Venue::new(seed, pace);
    clock.set(venue.time);
    let (mut views, mut reader) = start(options(folder.path(), &clock), &venue).unwrap();
    // the database as it once was: what a crash of the machine may leave
    let earlier = tempfile::tempdir().unwrap();
    let mut kept = false;
    for _ in 0..rounds {
        let before = venue.records.len();
        for _ in 0..dice.int(1, 80) {
            venue.step();
        }
        reader.apply(&batch(&venue.records[before..]));
        // what came once may come again, and changes nothing
        reader.apply(&batch(&venue.records[before..]));
        let now = venue.time.plus_micros(dice.int(0, 3) * 500_000);
        clock.set(now);
        match dice.roll(8) {
            0..=2 => assert!(views.settle()),
            3 => {
                drop(reader);
                if kept && dice.roll(2) == 0 {
                    copy(earlier.path(), folder.path());
                }
                (views, reader) = start(options(folder.path(), &clock), &venue).unwrap();
            }
            4 => {
                drop(reader);
                copy(folder.path(), earlier.path());
                kept = true;
                (views, reader) = start(options(folder.path(), &clock), &venue).unwrap();
            }
            _ => {}
        }
        naive::compare(&venue, &views, &mut dice, now).await;
    }
    drop(reader);
    let rebuild = Options {
        rebuild: true,
        ..options(folder.path(), &clock)
    };
    let (views, _reader) = start(rebuild, &venue).unwrap();
    for flushed in [false, true] {
        assert!(!flushed || views.settle());
        for _ in 0..20 {
            naive::compare(
                &venue,
                &views,
                &mut dice,
                Time(clock.0.load(Ordering::Acquire)),
            )
            .await;
        }
    }
}

/// Minutes of trading: everything within what memory keeps, but for the trades.
#[tokio::test]
async fn a_busy_quarter_of_an_hour_agrees_with_the_lists() {
    for seed in 1..=3 {
        run(seed, 400_000, 40).await;
    }
}

/// Months of trading: every level has forgotten its beginning.
#[tokio::test]
async fn four_quiet_months_agree_with_the_lists() {
    for seed in 11..=13 {
        run(seed, 2_500_000_000, 40).await;
    }
}

#[tokio::test]
async fn a_hole_in_the_event_log_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let venue = Venue::new(1, 1_000);
    let mut opening = Views::open(options(folder.path(), &clock)).unwrap();
    let (first, third) = (&venue.records[0], &venue.records[2]);
    opening.apply(first.seq, first.time, &first.events).unwrap();
    let refused = opening.apply(third.seq, third.time, &third.events);
    assert!(
        matches!(
            refused,
            Err(HistoryError::Hole {
                applied: 1,
                found: 3
            })
        ),
        "{refused:?}"
    );
    let refused = opening.start(Seq(9), |_| {}).map(|_| ());
    assert!(
        matches!(
            refused,
            Err(HistoryError::Hole {
                applied: 1,
                found: 10
            })
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_database_of_another_journal_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let mut venue = Venue::new(5, 1_000);
    while venue.resting.is_empty() {
        venue.step();
    }
    let (views, reader) = start(options(folder.path(), &clock), &venue).unwrap();
    assert!(views.settle());
    drop(reader);
    let opening = Views::open(options(folder.path(), &clock)).unwrap();
    let refused = opening
        .start(Seq(venue.records.len() as u64), |_| {})
        .map(|_| ());
    assert!(
        refused.is_err_and(
            |error| matches!(error, HistoryError::Corrupt { .. }) && error.needs_rebuild()
        )
    );
    let opening = Views::open(options(folder.path(), &clock)).unwrap();
    let refused = opening.start(Seq(3), |_| {}).map(|_| ());
    assert!(refused.is_err_and(
        |error| matches!(error, HistoryError::Ahead { end: 3, .. }) && error.needs_rebuild()
    ));
}

/// Records of the middle are gone from the event log: history begins again after them.
#[tokio::test]
async fn history_begins_after_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let mut venue = Venue::new(21, 400_000);
    for _ in 0..600 {
        venue.step();
    }
    clock.set(venue.time);
    let records = &venue.records;
    let mut opening = Views::open(options(folder.path(), &clock)).unwrap();
    for record in &records[..200] {
        opening
            .apply(record.seq, record.time, &record.events)
            .unwrap();
    }
    opening.begin_after(Seq(400)).unwrap();
    assert_eq!(opening.next_seq(), Seq(401));
    for record in &records[400..] {
        opening
            .apply(record.seq, record.time, &record.events)
            .unwrap();
    }
    let (views, _reader) = opening
        .start(Seq(records.len() as u64), |out| venue.tell(out))
        .unwrap();
    let after: Vec<_> = records[400..].iter().flat_map(|r| &r.events).collect();
    for settled in [false, true] {
        assert!(!settled || views.settle());
        for instrument in &venue.instruments {
            let told = views
                .historical_trades(instrument.id, Some(TradeId(1)), 10_000)
                .await
                .unwrap();
            let told: Vec<_> = told.iter().map(|trade| trade.id).collect();
            let trade_of = |event: &&&protocol::Event| match event {
                protocol::Event::Traded(t) if t.instrument == instrument.id => Some(t.trade),
                _ => None,
            };
            let known: Vec<_> = after.iter().filter_map(|event| trade_of(&event)).collect();
            assert!(!known.is_empty());
            assert_eq!(told, known);
        }
        for account in venue::ACCOUNTS {
            let open = venue
                .orders
                .values()
                .filter(|o| o.account == account && o.is_open());
            assert_eq!(
                views.open_orders(account, None),
                open.cloned().collect::<Vec<_>>()
            );
        }
    }
}

/// Fees are state, not history: what the engine tells at the start replaces what records said, and records after it go on from there.
#[tokio::test]
async fn commission_is_what_was_told_last() {
    use protocol::{AccountFees, Event, FeeParts, FeeSchedule, InstrumentFees, Tier};
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let mut venue = Venue::new(23, 400_000);
    let account = venue::ACCOUNTS[0];
    let instrument = venue.instruments[0].clone();
    let schedule = |maker| FeeSchedule {
        discount: None,
        valuation: AssetId(1),
        tiers: vec![Tier {
            volume: Amount(1),
            maker: Rate(maker),
            taker: Rate(7),
        }],
    };
    let tier = |account, tier| {
        Event::AccountFeesChanged(AccountFees {
            tier,
            ..AccountFees::plain(account)
        })
    };
    let taxed = InstrumentFees {
        tax: FeeParts {
            buyer: Rate(11),
            ..FeeParts::default()
        },
        ..InstrumentFees::plain(&instrument)
    };
    venue.record(vec![
        Event::FeesChanged(Box::new(schedule(5))),
        Event::InstrumentFeesChanged(Box::new(taxed)),
        tier(account, 1),
        tier(venue::ACCOUNTS[1], 1),
    ]);
    clock.set(venue.time);
    let mut opening = Views::open(options(folder.path(), &clock)).unwrap();
    for record in &venue.records {
        opening
            .apply(record.seq, record.time, &record.events)
            .unwrap();
    }
    let (views, mut reader) = opening
        .start(Seq(venue.records.len() as u64), |out| {
            venue.tell(out);
            out(Event::FeesChanged(Box::new(schedule(3))));
            out(tier(account, 1));
        })
        .unwrap();
    let told = views.commission(account, &instrument);
    assert_eq!(told.standard.maker, Rate(3));
    assert_eq!(told.tax, FeeParts::default(), "the engine did not say so");
    let other = views.commission(venue::ACCOUNTS[1], &instrument);
    assert_eq!(other.standard.maker, instrument.maker_fee);
    let before = venue.records.len();
    venue.record(vec![Event::InstrumentFeesChanged(Box::new(taxed))]);
    reader.apply(&batch(&venue.records[before..]));
    assert_eq!(views.commission(account, &instrument).tax, taxed.tax);
}
