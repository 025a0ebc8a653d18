//! Makes the recording that ships with the program again, from the file of the published crate `barter` (see `recordings/README.md`):
//!
//! ```text
//! cargo run -p market --example extract -- binance_spot_trades_l1_btcusdt_ethusdt_solusdt.json OUTPUT
//! ```

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};

use market::recording::{Print, Quote, Recording, Reel};
use serde_json::Value;
use types::{Decimal, Side};

/// What the source calls instrument 0, 1 and 2, and the grids that all of its values lie on, in units of 10⁻⁸.
const SYMBOLS: [(&str, i64, i64); 3] = [
    ("BTCUSDT", 1_000_000, 1_000),
    ("ETHUSDT", 1_000_000, 10_000),
    ("SOLUSDT", 1_000_000, 100_000),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(input), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("usage: extract INPUT.json OUTPUT.rec".into());
    };
    let empty = |&(symbol, tick, lot): &(&str, i64, i64)| Reel {
        symbol: symbol.to_owned(),
        tick,
        lot,
        quotes: Vec::new(),
        prints: Vec::new(),
    };
    let mut reels: Vec<Reel> = SYMBOLS.iter().map(empty).collect();
    let mut start = None;
    for (number, line) in BufReader::new(File::open(input)?).lines().enumerate() {
        let line: Value = serde_json::from_str(&line?)?;
        let item = &line["Item"];
        let time = milliseconds(text(&item["time_received"])?)?;
        let at = time - *start.get_or_insert(time);
        let reel = item["instrument"]
            .as_u64()
            .and_then(|i| reels.get_mut(usize::try_from(i).ok()?));
        let reel = reel.ok_or_else(|| format!("line {}: unknown instrument", number + 1))?;
        add(reel, at, &item["kind"]).map_err(|e| format!("line {}: {e}", number + 1))?;
    }
    for reel in &mut reels {
        reel.quotes.sort_by_key(|q| q.at);
        reel.prints.sort_by_key(|p| p.at);
    }
    std::fs::write(output, Recording { reels }.write()?)?;
    Ok(())
}

fn add(reel: &mut Reel, at: i64, kind: &Value) -> Result<(), Box<dyn Error>> {
    if let Some(trade) = kind.get("Trade") {
        reel.prints.push(Print {
            at,
            side: if trade["side"] == "Buy" {
                Side::Buy
            } else {
                Side::Sell
            },
            price: on_grid(&trade["price"].to_string(), reel.tick)?,
            qty: on_grid(&trade["amount"].to_string(), reel.lot)?,
        });
    } else {
        let book = &kind["OrderBookL1"];
        let (bid, ask) = (&book["best_bid"], &book["best_ask"]);
        reel.quotes.push(Quote {
            at,
            bid: on_grid(text(&bid["price"])?, reel.tick)?,
            ask: on_grid(text(&ask["price"])?, reel.tick)?,
            bid_qty: on_grid(text(&bid["amount"])?, reel.lot)?,
            ask_qty: on_grid(text(&ask["amount"])?, reel.lot)?,
        });
    }
    Ok(())
}

fn text(value: &Value) -> Result<&str, Box<dyn Error>> {
    value
        .as_str()
        .ok_or_else(|| format!("expected a text, found {value}").into())
}

fn on_grid(text: &str, unit: i64) -> Result<i64, Box<dyn Error>> {
    let value = match text.split_once('e') {
        None => {
            Decimal::parse(text)
                .map_err(|e| format!("{text}: {e:?}"))?
                .0
        }
        // the source writes small numbers as doubles: 1e-5
        Some((digits, exponent)) => {
            let digits = Decimal::parse(digits)
                .map_err(|e| format!("{text}: {e:?}"))?
                .0;
            let shift: u32 = exponent.trim_start_matches('-').parse()?;
            digits / 10_i64.pow(shift)
        }
    };
    if value % unit != 0 {
        return Err(format!("{text} is not a multiple of {}", Decimal(unit)).into());
    }
    Ok(value / unit)
}

/// Of `2025-03-25T23:07:00.773684644Z`, within its day: the recording does not cross midnight.
fn milliseconds(time: &str) -> Result<i64, Box<dyn Error>> {
    let clock = time
        .split_once('T')
        .ok_or("no time")?
        .1
        .trim_end_matches('Z');
    let mut parts = clock.split(':');
    let mut next = || parts.next().ok_or("not hh:mm:ss");
    let (hours, minutes, seconds) = (next()?, next()?, next()?);
    let seconds = seconds.get(..seconds.len().min(11)).unwrap_or(seconds);
    let millis = Decimal::parse(seconds)
        .map_err(|e| format!("{seconds}: {e:?}"))?
        .0
        / 100_000;
    Ok(hours.parse::<i64>()? * 3_600_000 + minutes.parse::<i64>()? * 60_000 + millis)
}
