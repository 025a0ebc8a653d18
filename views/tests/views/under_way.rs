//! Queries while rows move from memory to the database.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use relay::Reader;
use types::*;
use views::{FillsQuery, OrdersQuery, Views};

use crate::venue::{ACCOUNTS, Venue};
use crate::{Clock, Options, batch, options, start};

/// Ids of trades have no gaps, so a gap or a double in an answer shows at once.
async fn trades_are_whole(views: &Views, id: InstrumentId) {
    let seen = views
        .historical_trades(id, Some(TradeId(1)), 100_000)
        .await
        .unwrap();
    for (place, trade) in (1..).zip(&seen) {
        assert_eq!(trade.id.0, place);
    }
    let newest = views.historical_trades(id, None, 200).await.unwrap();
    assert!(newest.windows(2).all(|w| w[1].id.0 == w[0].id.0 + 1));
    assert!(newest.len() >= 200.min(seen.len()));
}

/// Every order has an owner, and every trade two halves.
async fn accounts_are_whole(views: &Views, id: InstrumentId) {
    let least = views
        .historical_trades(id, None, 1)
        .await
        .unwrap()
        .first()
        .map_or(0, |t| t.id.0);
    let (mut orders, mut halves) = (Vec::new(), Vec::new());
    for account in ACCOUNTS {
        let query = OrdersQuery {
            from: Some(OrderId(1)),
            limit: 100_000,
            ..OrdersQuery::default()
        };
        orders.extend(
            views
                .orders(account, id, query)
                .await
                .unwrap()
                .iter()
                .map(|o| o.id.0),
        );
        let query = FillsQuery {
            from: Some(TradeId(1)),
            limit: 100_000,
            ..FillsQuery::default()
        };
        halves.extend(
            views
                .fills(account, id, query)
                .await
                .unwrap()
                .iter()
                .map(|f| (f.trade.0, f.maker)),
        );
    }
    halves.retain(|half| half.0 <= least);
    halves.sort_unstable();
    let whole: Vec<_> = (1..=least)
        .flat_map(|id| [(id, false), (id, true)])
        .collect();
    assert_eq!(halves, whole);
    let count = orders.len();
    orders.sort_unstable();
    orders.dedup();
    assert_eq!(orders.len(), count, "an order came twice");
}

#[tokio::test]
async fn nothing_is_missing_or_double_while_rows_are_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let mut venue = Venue::new(77, 1_000);
    // so few rows may wait that the applying thread has to wait too
    let tight = Options {
        tail_rows: 300,
        ..options(folder.path(), &clock)
    };
    let (views, mut reader) = start(tight, &venue).unwrap();
    let before = venue.records.len();
    for _ in 0..6_000 {
        venue.step();
    }
    let done = AtomicBool::new(false);
    let records = &venue.records[before..];
    thread::scope(|scope| {
        let done = &done;
        scope.spawn(move || {
            for some in records.chunks(7) {
                reader.apply(&batch(some));
            }
            done.store(true, Ordering::Release);
        });
        let hurried = views.clone();
        scope.spawn(move || {
            while !done.load(Ordering::Acquire) {
                assert!(hurried.settle());
            }
        });
        let asked = views.clone();
        scope.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                while !done.load(Ordering::Acquire) {
                    for id in [InstrumentId(1), InstrumentId(2)] {
                        trades_are_whole(&asked, id).await;
                        accounts_are_whole(&asked, id).await;
                    }
                }
            });
        });
    });
    for id in [InstrumentId(1), InstrumentId(2)] {
        trades_are_whole(&views, id).await;
        accounts_are_whole(&views, id).await;
    }
}
