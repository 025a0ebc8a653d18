//! Commands per second of the bare book and of the full engine (accounts, holds, fees, client ids, filters, events), against a book of
//! `BTreeMap` and `VecDeque` as a textbook has it. All three must find the same trades in the same order.
//!
//! Rates are by the thread's own processor time, so that neighbours on the machine disturb them less.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use contract::Registry;
use engine::Engine;
use matching::TickBook;
use protocol::{
    Admin, CancelOrder, Command, Event, Filters, Fund, Instrument, ListInstrument, LotSizeFilter,
    MarketStatus, NewAsset, OrderKey, OrderKind, PlaceOrder, PriceFilter, Reply, Request, StpMode,
    StpModes, TimeInForce,
};
use types::{
    AccountId, Amount, AssetId, ClientId, Decimal, InstrumentId, OrderId, Rate, RequestId, Seq,
    Side, Time, Wallet,
};

use crate::flow::{self, Kind, Message};
use crate::stats::{Spread, quantile};

const ACCOUNTS: u32 = 10_000;

/// The processor time that this thread has used; wall time where the system does not say.
fn thread_time() -> Duration {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .map_or_else(wall_time, Duration::from_nanos)
}

fn wall_time() -> Duration {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
}

/// A hash over the trades, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Trades {
    count: u64,
    hash: u64,
}

impl Trades {
    fn add(&mut self, maker: u64, taker: u64, price: i64, qty: i64) {
        self.count += 1;
        for word in [maker, taker, price as u64, qty as u64] {
            self.hash = (self.hash ^ word)
                .wrapping_mul(0x0100_0000_01b3)
                .rotate_left(23);
        }
    }
}

/// Price-time priority as a textbook has it.
#[derive(Default)]
struct Textbook {
    sides: [BTreeMap<i64, VecDeque<(u64, i64)>>; 2],
    prices: HashMap<u64, (usize, i64)>,
}

impl Textbook {
    fn execute(&mut self, m: &Message, trades: &mut Trades) {
        if m.kind == Kind::Cancel {
            let Some((side, price)) = self.prices.remove(&m.id) else {
                return;
            };
            let Some(level) = self.sides[side].get_mut(&price) else {
                return;
            };
            level.retain(|(id, _)| *id != m.id);
            if level.is_empty() {
                self.sides[side].remove(&price);
            }
            return;
        }
        let (own, other) = (m.side as usize, m.side.opposite() as usize);
        let mut open = m.qty;
        while open > 0 {
            let levels = &mut self.sides[other];
            let best = match m.side {
                Side::Buy => levels.first_entry(),
                Side::Sell => levels.last_entry(),
            };
            let Some(mut level) = best else { break };
            let price = *level.key();
            if (m.side == Side::Buy && price > m.price) || (m.side == Side::Sell && price < m.price)
            {
                break;
            }
            let queue = level.get_mut();
            while let Some((maker, qty)) = queue.front_mut().filter(|_| open > 0) {
                let fill = open.min(*qty);
                trades.add(*maker, m.id, price, fill);
                open -= fill;
                *qty -= fill;
                if *qty == 0 {
                    self.prices.remove(maker);
                    queue.pop_front();
                }
            }
            if queue.is_empty() {
                level.remove();
            }
        }
        if open > 0 && m.kind == Kind::Place {
            self.sides[own]
                .entry(m.price)
                .or_default()
                .push_back((m.id, open));
            self.prices.insert(m.id, (own, m.price));
        }
    }
}

fn textbook(messages: &[Message], symbols: usize) -> (Duration, Trades) {
    let mut books: Vec<Textbook> = (0..symbols).map(|_| Textbook::default()).collect();
    let mut trades = Trades::default();
    let start = thread_time();
    for m in messages {
        books[m.symbol].execute(m, &mut trades);
    }
    (thread_time() - start, trades)
}

fn bare(messages: &[Message], symbols: usize) -> (Duration, Trades) {
    let mut books: Vec<TickBook> = (0..symbols).map(|_| TickBook::new()).collect();
    let (mut trades, mut matches) = (Trades::default(), Vec::new());
    let start = thread_time();
    for m in messages {
        matches.clear();
        flow::execute(&mut books[m.symbol], m, 0, &mut matches);
        for t in &matches {
            trades.add(t.maker_id.0, m.id, t.price.0, t.qty.0);
        }
    }
    (thread_time() - start, trades)
}

/// Service times are taken of every command, so the sum has the clock's cost in it.
fn full(
    requests: &[Request],
    symbols: usize,
    times: Option<&mut Vec<u64>>,
) -> Result<(Duration, Trades)> {
    let mut engine = venue(symbols)?;
    let (mut trades, mut events) = (Trades::default(), Vec::with_capacity(4_096));
    let mut taken = times;
    let start = thread_time();
    for (seq, request) in (1_u64..).zip(requests) {
        events.clear();
        let time = Time(1_700_000_000_000_000 + i64::try_from(seq)?);
        let begin = taken.is_some().then(Instant::now);
        let reply = engine.execute(Seq(seq), time, request, &mut events);
        if let (Some(times), Some(begin)) = (taken.as_deref_mut(), begin) {
            times.push(u64::try_from(begin.elapsed().as_nanos())?);
        }
        ensure!(reply.is_ok(), "{reply:?}: {request:?}");
        for event in &events {
            if let Event::Traded(t) = event {
                let (price, qty) = (t.price.0 / TICK, t.qty.0 / LOT);
                trades.add(t.maker.order.0, t.taker.order.0, price, qty);
            }
        }
    }
    let took = thread_time() - start;
    engine.audit()?;
    Ok((took, trades))
}

const TICK: i64 = 1_000_000;
const LOT: i64 = 1_000;

fn venue(symbols: usize) -> Result<Engine> {
    let mut engine = Engine::new(Registry::new().contract(spot_rules::Spot));
    let mut events = Vec::new();
    let mut seq = 0;
    let mut admin = |admin| -> Result<Reply> {
        seq += 1;
        events.clear();
        let request = Request {
            actor: AccountId::TREASURY,
            id: RequestId(0),
            expires: Time(i64::MAX),
            command: Command::Admin(admin),
        };
        engine
            .execute(Seq(seq), Time(0), &request, &mut events)
            .map_err(|reject| anyhow::anyhow!("{reject:?}"))
    };
    for name in ["BTC", "USDT"] {
        admin(Admin::CreateAsset(NewAsset {
            name: name.into(),
            precision: 8,
        }))?;
    }
    for symbol in 0..symbols {
        admin(Admin::ListInstrument(ListInstrument {
            instrument: Box::new(instrument(symbol)),
        }))?;
    }
    for account in 0..ACCOUNTS {
        admin(Admin::OpenAccount)?;
        for asset in [AssetId(1), AssetId(2)] {
            admin(Admin::Fund(Fund {
                account: AccountId(1001 + account),
                wallet: Wallet::SPOT,
                asset,
                amount: Amount(10_i128.pow(22)),
            }))?;
        }
    }
    Ok(engine)
}

fn instrument(symbol: usize) -> Instrument {
    Instrument {
        id: InstrumentId(0),
        symbol: format!("S{symbol}").into(),
        contract: spot_rules::Spot::KIND,
        base: AssetId(1),
        quote: AssetId(2),
        status: MarketStatus::Trading,
        filters: Filters {
            price: Some(PriceFilter {
                tick: Decimal(TICK),
                ..PriceFilter::default()
            }),
            lot_size: Some(LotSizeFilter {
                step: Decimal(LOT),
                ..LotSizeFilter::default()
            }),
            max_num_orders: Some(100_000),
            ..Filters::default()
        },
        default_stp: StpMode::None,
        allowed_stp: StpModes::ALL,
        maker_fee: Rate(100_000),
        taker_fee: Rate(100_000),
        denied: protocol::Denied::NONE,
    }
}

/// The owner of an order: one of the accounts by a power law, drawn from its id.
fn owner(symbol: usize, id: u64, shares: &[f64]) -> AccountId {
    let mut z = (id.wrapping_mul(0x9e37_79b9_7f4a_7c15)) ^ (symbol as u64).rotate_left(40);
    z = (z ^ (z >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let at = (z >> 11) as f64 / (1_u64 << 53) as f64 * shares[shares.len() - 1];
    AccountId(1001 + shares.partition_point(|s| *s < at) as u32)
}

fn requests(messages: &[Message]) -> Result<Vec<Request>> {
    let shares: Vec<f64> = (1..=ACCOUNTS)
        .scan(0.0, |sum, i| {
            *sum += 1.0 / f64::from(i).powf(1.1);
            Some(*sum)
        })
        .collect();
    let request = |m: &Message| {
        let instrument = InstrumentId(u32::try_from(m.symbol)? + 1);
        let client_id = ClientId::new(&format!("x-{:03}{:017}", m.symbol, m.id))
            .map_err(|_| anyhow::anyhow!("client id"))?;
        let command = if m.kind == Kind::Cancel {
            Command::CancelOrder(CancelOrder {
                instrument,
                order: OrderKey::Id(OrderId(m.id)),
                client_id,
                restriction: None,
            })
        } else {
            Command::PlaceOrder(PlaceOrder {
                instrument,
                side: m.side,
                kind: OrderKind::Limit,
                tif: match m.kind {
                    Kind::Ioc => TimeInForce::Ioc,
                    _ => TimeInForce::Gtc,
                },
                stp: None,
                price: Decimal(m.price * TICK),
                qty: Decimal(m.qty * LOT),
                quote_qty: Decimal::ZERO,
                client_id,
                strategy_id: None,
                strategy_kind: None,
                extras: None,
            })
        };
        Ok(Request {
            actor: owner(m.symbol, m.id, &shares),
            id: RequestId(m.id),
            expires: Time(i64::MAX),
            command,
        })
    };
    messages.iter().map(request).collect()
}

/// Runs both workloads; each pair is one round of all three, interleaved.
pub fn run(commands: usize, pairs: usize, seed: u64) -> Result<()> {
    for (name, symbols, target) in [("one", 1, 4_750), ("hundred", 100, 905)] {
        let messages = flow::make(commands, symbols, target, seed);
        let requests = requests(&messages)?;
        let (mut of_bare, mut of_full, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..pairs {
            let (naive, expected) = textbook(&messages, symbols);
            let (fast, found) = bare(&messages, symbols);
            let (whole, engine) = full(&requests, symbols, None)?;
            ensure!(expected == found, "the book found other trades");
            ensure!(expected == engine, "the engine found other trades");
            of_bare.push(naive.as_secs_f64() / fast.as_secs_f64());
            of_full.push(naive.as_secs_f64() / whole.as_secs_f64());
            let rate = |d: Duration| commands as f64 / d.as_secs_f64() / 1e6;
            rates.push((rate(naive), rate(fast), rate(whole), expected.count));
        }
        let mut times = Vec::with_capacity(commands);
        full(&requests, symbols, Some(&mut times))?;
        times.sort_unstable();
        println!("engine `{name}`: {commands} commands, {symbols} symbols, seed {seed}");
        for (naive, fast, whole, trades) in &rates {
            println!(
                "  textbook {naive:.2} M/s, book {fast:.2}, engine {whole:.2}; {trades} trades, equal"
            );
        }
        println!("  book / textbook    {}", Spread::of(of_bare));
        println!("  engine / textbook  {}", Spread::of(of_full));
        let at = |share| quantile(&times, share);
        println!(
            "  engine, service time with the clock's: p50 {} ns, p99 {} ns, p99.9 {} ns",
            at(0.5),
            at(0.99),
            at(0.999)
        );
    }
    Ok(())
}
