//! A seeded flow of orders as a busy market sees it: most of them placed near the touch and canceled again, some taking, the middle wandering.
//!
//! Distances from the middle follow a Pareto law, sizes a mix of small and large, symbols a power law, and the share of cancels rises with
//! the fullness of the book, so that it stays near its target. Every id is its order's number on its instrument, as the engine counts them.

use matching::{Book, Limit, Match, Owner, Resting, Stop, Taker, TickBook};
use protocol::StpMode;
use types::{OrderId, Price, Qty, Side};

/// One message.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    pub symbol: usize,
    pub kind: Kind,
    pub side: Side,
    /// Ticks.
    pub price: i64,
    /// Lots.
    pub qty: i64,
    pub id: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Place,
    Ioc,
    Cancel,
}

struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(n)) >> 64) as u64
    }

    fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// One instrument while the flow is made.
struct Market {
    book: TickBook,
    middle: i64,
    /// Ids that may still rest, by side, in order of arrival.
    live: [Vec<u64>; 2],
    ids: u64,
}

/// Makes `n` messages over `symbols` instruments, each with about `target` resting orders a side.
pub fn make(n: usize, symbols: usize, target: usize, seed: u64) -> Vec<Message> {
    let mut random = Random(seed);
    let mut markets: Vec<Market> = (0..symbols)
        .map(|_| Market {
            book: TickBook::new(),
            middle: 30_000 + random.below(4_000) as i64,
            live: [Vec::new(), Vec::new()],
            ids: 0,
        })
        .collect();
    let weights: Vec<f64> = (1..=symbols)
        .scan(0.0, |sum, i| {
            *sum += 1.0 / (i as f64).powf(0.9);
            Some(*sum)
        })
        .collect();
    let total = weights[symbols - 1];
    let mut messages = Vec::with_capacity(n);
    let mut matches = Vec::new();
    while messages.len() < n {
        let at = random.unit() * total;
        let symbol = weights.partition_point(|w| *w < at).min(symbols - 1);
        let market = &mut markets[symbol];
        if let Some(mut message) = next(&mut random, market, target) {
            message.symbol = symbol;
            apply(market, &message, &mut matches);
            messages.push(message);
        }
    }
    messages
}

/// Now and then the middle moves by a tick, and rarely by more.
fn drift(random: &mut Random, market: &mut Market) {
    let chance = random.below(10_000);
    if chance < 60 {
        let step = if chance < 2 {
            2 + random.below(18) as i64
        } else {
            1
        };
        let up = random.below(2) == 0;
        market.middle += if up { step } else { -step };
        market.middle = market.middle.clamp(24_000, 40_000);
    }
}

fn next(random: &mut Random, market: &mut Market, target: usize) -> Option<Message> {
    drift(random, market);
    let side = if random.below(2) == 0 {
        Side::Buy
    } else {
        Side::Sell
    };
    let live = &mut market.live[side as usize];
    let fullness = live.len() as f64 / target as f64;
    let cancels = if fullness < 0.5 {
        10.0
    } else {
        (45.0 * fullness * fullness).min(60.0)
    };
    let draw = random.unit() * 100.0;
    if draw >= 5.0 && draw < 5.0 + cancels && !live.is_empty() {
        // mostly one of the youngest eighth
        let recent = (live.len() / 8).max(1);
        let back = if random.below(100) < 70 {
            recent
        } else {
            live.len()
        };
        let at = live.len() - 1 - random.below(back as u64) as usize;
        let id = live.remove(at);
        // filled meanwhile: forget it without a message
        market.book.find(OrderId(id))?;
        return Some(message(Kind::Cancel, side, 0, 0, id));
    }
    let qty = match random.below(100) {
        0..50 => 1 + random.below(20),
        50..90 => 20 + random.below(180),
        _ => 200 + random.below(1_800),
    } as i64;
    Some(order(random, market, side, draw < 5.0, qty))
}

/// A new order: one in twenty takes, the others stay near the touch.
fn order(random: &mut Random, market: &mut Market, side: Side, takes: bool, qty: i64) -> Message {
    let sign = if side == Side::Buy { 1 } else { -1 };
    let opposite = market.book.best(side.opposite()).map(|p| p.0);
    let (kind, price) = if takes {
        let through = random.below(4) as i64;
        (
            Kind::Ioc,
            opposite.unwrap_or(market.middle) + sign * through,
        )
    } else {
        let far = ((1.0 - random.unit()).powf(-1.0 / 1.1) - 1.0) * 6.0;
        let distance = if far < 1_500.0 {
            1 + far as i64
        } else {
            1 + random.below(1_500) as i64
        };
        let price = market.middle - sign * distance;
        let passive = random.below(100) < 94;
        let bounded = match (opposite, side) {
            (Some(ask), Side::Buy) if passive => price.min(ask - 1),
            (Some(bid), Side::Sell) if passive => price.max(bid + 1),
            _ => price,
        };
        (Kind::Place, bounded)
    };
    market.ids += 1;
    message(kind, side, price, qty, market.ids)
}

fn message(kind: Kind, side: Side, price: i64, qty: i64, id: u64) -> Message {
    Message {
        symbol: 0,
        kind,
        side,
        price,
        qty,
        id,
    }
}

fn apply(market: &mut Market, message: &Message, matches: &mut Vec<Match>) {
    matches.clear();
    execute(&mut market.book, message, 0, matches);
    let resting = message.kind == Kind::Place && market.book.find(OrderId(message.id)).is_some();
    if resting {
        market.live[message.side as usize].push(message.id);
    }
}

/// One message to one book.
pub fn execute(book: &mut TickBook, message: &Message, owner: u32, matches: &mut Vec<Match>) {
    if message.kind == Kind::Cancel {
        if let Some(order) = book.find(OrderId(message.id)) {
            book.cancel(order);
        }
        return;
    }
    let taker = Taker {
        side: message.side,
        owner: Owner(owner),
        stp: StpMode::None,
        price: Some(Price(message.price)),
    };
    let remainder = book.submit(&taker, Limit::Lots(Qty(message.qty)), matches);
    if let (Stop::Exhausted, Limit::Lots(open), Kind::Place) =
        (remainder.stop, remainder.limit, message.kind)
    {
        book.rest(&Resting {
            id: OrderId(message.id),
            side: message.side,
            price: Price(message.price),
            open,
            owner: Owner(owner),
            stp: StpMode::None,
            iceberg: None,
        });
    }
}
