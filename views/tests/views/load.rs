//! How fast views take what a venue makes. Run by hand: `cargo test -p views --release -- --ignored --nocapture load`.

use std::time::Instant;

use relay::Reader;
use types::*;
use views::{Interval, Options, OrdersQuery, Window};

use crate::venue::{ACCOUNTS, Venue};
use crate::{Clock, batch, options, start};

/// Nanoseconds that this thread has run: unlike the time that passed, it does not count the neighbours.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ')
        .next()
        .and_then(|ns| ns.parse().ok())
        .unwrap_or(0)
}

#[tokio::test]
#[ignore = "measures: prints figures and asserts nothing about speed"]
async fn load() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let mut venue = Venue::new(3, 400_000);
    let (views, mut reader) = start(
        Options {
            recent_trades: 5_000,
            ..options(folder.path(), &clock)
        },
        &venue,
    )
    .unwrap();
    let before = venue.records.len();
    for _ in 0..250_000 {
        venue.step();
    }
    clock.set(venue.time);
    let batches: Vec<_> = venue.records[before..].chunks(100).map(batch).collect();
    let events: usize = batches.iter().map(|b| b.events.len()).sum();
    let (begun, cpu) = (Instant::now(), cpu_ns());
    for batch in &batches {
        reader.apply(batch);
    }
    let (applied, cpu) = (begun.elapsed(), cpu_ns() - cpu);
    let (_, _, waiting) = views.progress();
    assert!(views.settle());
    let flushed = begun.elapsed();
    eprintln!(
        "{events} events, {} trades, {} orders; {:.0} ns/event passed, {:.0} ns/event on the processor; database {:.1} s behind the last ({waiting} rows), {:.0} records/s",
        venue.prints.len(),
        venue.orders.len(),
        applied.as_nanos() as f64 / events as f64,
        cpu as f64 / events as f64,
        (flushed - applied).as_secs_f64(),
        venue.records.len() as f64 / flushed.as_secs_f64(),
    );
    eprintln!(
        "database rows/s: {:.0}",
        (venue.prints.len() + venue.orders.len()) as f64 / flushed.as_secs_f64()
    );
    let id = InstrumentId(1);
    for interval in Interval::ALL {
        let begun = Instant::now();
        let candles = views
            .candles(id, interval, None, None, 1_000, 0)
            .await
            .unwrap();
        eprintln!(
            "{} candles of {}: {:?}",
            candles.len(),
            interval.as_str(),
            begun.elapsed()
        );
    }
    let begun = Instant::now();
    views.ticker(id, Window::Last24h).unwrap();
    eprintln!("24 h ticker: {:?}", begun.elapsed());
    let begun = Instant::now();
    let trades = views
        .historical_trades(id, Some(TradeId(1)), 1_000)
        .await
        .unwrap();
    eprintln!("{} old trades: {:?}", trades.len(), begun.elapsed());
    for from in [None, Some(OrderId(1))] {
        let begun = Instant::now();
        let query = OrdersQuery {
            from,
            limit: 1_000,
            ..OrdersQuery::default()
        };
        let orders = views.orders(ACCOUNTS[0], id, query).await.unwrap();
        eprintln!("{} orders: {:?}", orders.len(), begun.elapsed());
    }
    drop(reader);
    let begun = Instant::now();
    let (_views, _reader) = start(options(folder.path(), &clock), &venue).unwrap();
    eprintln!("opened again in {:?}", begun.elapsed());
}
