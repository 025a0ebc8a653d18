//! Once warm, the engine allocates nothing but the box of its reply.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use protocol::*;
use types::*;

use crate::support::*;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Counts each thread's allocations.
pub struct Counting;

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}

/// Places around a moving middle, takes, cancels, amends: the same mix for any number of rounds.
fn round(world: &mut World, n: u64, requests: &mut Vec<Request>) {
    requests.clear();
    let mut push = |actor, command| {
        requests.push(Request {
            actor,
            id: RequestId(n),
            expires: Time(i64::MAX),
            command,
        });
    };
    let unit = Decimal::SCALE;
    for i in 0..8_u64 {
        let side = if i % 2 == 0 { Side::Buy } else { Side::Sell };
        let away = i64::try_from(1 + (n * 7 + i * 3) % 200).unwrap() * unit / 100;
        let middle = 1_000 * unit + i64::try_from(n % 300).unwrap() * unit / 10;
        let price = if side == Side::Buy {
            middle - away
        } else {
            middle + away
        };
        let id = format!("o{}-{i}", n % 100_000);
        let mut order = limit(side, "1", "0.5", &id);
        order.price = Decimal(price);
        push(if i < 4 { ANN } else { BOB }, Command::PlaceOrder(order));
        if i % 3 == 0 {
            let cancel = CancelOrder {
                instrument: MARKET,
                order: OrderKey::ClientId(ClientId::new(&id).unwrap()),
                client_id: ClientId::new("c").unwrap(),
                restriction: None,
            };
            push(if i < 4 { ANN } else { BOB }, Command::CancelOrder(cancel));
        }
    }
    let mut market = limit(Side::Buy, "0", "2", "m");
    market.kind = OrderKind::Market;
    push(BOB, Command::PlaceOrder(market.clone()));
    market.side = Side::Sell;
    push(ANN, Command::PlaceOrder(market));
    world.time = world.time.plus_micros(1_000_000);
}

#[test]
fn nothing_but_the_reply_is_allocated_once_warm() {
    runs_warm(World::new());
}

/// Tiers, taxes and the discount asset cost time, and no allocation.
#[test]
fn commission_in_every_way_allocates_nothing() {
    let mut world = World::new();
    let schedule = FeeSchedule {
        discount: Some(Discount {
            asset: USDT,
            share: Rate(75_000_000),
        }),
        valuation: USDT,
        tiers: vec![Tier {
            volume: Amount(1_000),
            maker: Rate(1),
            taker: Rate(2),
        }],
    };
    world.admin(Admin::SetFees(Box::new(schedule))).unwrap();
    let part = |rate| FeeParts {
        maker: Rate(rate),
        taker: Rate(2 * rate),
        buyer: Rate(3),
        seller: Rate(5),
    };
    let fees = InstrumentFees {
        instrument: MARKET,
        standard: part(100_000),
        tax: part(30_000),
        special: part(7_000),
        discounted: true,
    };
    world
        .admin(Admin::SetInstrumentFees(Box::new(fees)))
        .unwrap();
    let set = SetAccountFees {
        account: ANN,
        tier: TierRule::Keep,
        discounted: Some(true),
    };
    world.admin(Admin::SetAccountFees(set)).unwrap();
    runs_warm(world);
}

fn runs_warm(mut world: World) {
    let (mut requests, mut events) = (Vec::new(), Vec::with_capacity(4_096));
    let (mut boxed, mut counted) = (0_u64, 0_u64);
    let rounds = 6_000;
    for n in 0..rounds {
        // the book's population stays bounded, and the first half has seen its bounds
        if n % 50 == 0 {
            for actor in [ANN, BOB] {
                let command = Command::CancelAll(CancelAll {
                    instrument: MARKET,
                    client_id: ClientId::NONE,
                });
                let _ = world.run(actor, command);
            }
        }
        round(&mut world, n, &mut requests);
        for request in &requests {
            events.clear();
            let before = COUNT.with(Cell::get);
            let reply = world
                .engine
                .execute(Seq(n + 1), world.time, request, &mut events);
            let after = COUNT.with(Cell::get);
            if n >= rounds / 2 {
                counted += after - before;
                boxed += u64::from(matches!(reply, Ok(Reply::Placed(_) | Reply::Canceled(_))));
            }
        }
    }
    world.engine.audit().unwrap();
    assert!(boxed > 10_000, "{boxed}");
    assert_eq!(counted, boxed, "more than the replies' boxes was allocated");
}
