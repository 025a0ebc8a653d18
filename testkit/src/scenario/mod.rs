//! Readable stories of what an exchange does, and what runs them: here the engine alone; `conformance/python/stories.py` tells the same text over
//! REST and over the WebSocket API.
//!
//! A `.scn` file holds stories. One line is one step; `#` begins a comment; what stands behind `=>` is what must come of it.
//!
//! ```text
//! story PRIO-1: the better price trades first
//! market tick=0.01 lot=0.001 maker=0.001 taker=0.002
//! user ann BTC=10 USDT=1000
//! ann sell limit 2 at 100 as a1          => NEW
//! bob buy limit 3 at 101 as b1 ioc       => EXPIRED executed=2 quote=200
//! ann sell limit 1 at 0.005 as a2        => refused -1013 PRICE_FILTER
//! ann cancel a1                          => CANCELED
//! book bids 100:2 99:1
//! ann has BTC 8 held 2
//! ```
//!
//! | step | meaning |
//! |---|---|
//! | `market KEY=VALUE …` | lists BTC against USDT; keys: `tick lot min_price max_price min_qty max_qty market_min market_max min_notional max_notional bid_up bid_down ask_up ask_down mins max_orders maker taker stp allowed` |
//! | `user NAME ASSET=AMOUNT …` | opens an account and funds it |
//! | `NAME buy\|sell limit\|maker QTY at PRICE as ID` | options `ioc`, `fok`, `stp=MODE`, `show=QTY` for an iceberg, `peg=primary\|market[+LEVELS]` |
//! | `NAME buy\|sell market QTY as ID`, `… market quote AMOUNT as ID` | |
//! | `NAME buy\|sell stop\|profit QTY until STOP as ID`, `… stop-limit\|profit-limit QTY at PRICE until STOP as ID` | option `trail=DELTA`; `until 0` for a trailing order without a stop price |
//! | `NAME oco\|oto\|otoco\|opo\|opoco LIST: ORDER \| ORDER …` | quantity `rest` for the pending orders of OPO; `=> ID=STATUS …` |
//! | `NAME cancel-list LIST` | |
//! | `NAME order ID` | how an order stands, open or not |
//! | `NAME cancel ID`, `NAME cancel-all`, `NAME cancel ID only=NEW` | also `NUMBER` or `NUMBER/ID` for the id that the exchange gave |
//! | `NAME replace ID by buy … ` | option `allow` for ALLOW_FAILURE; `=> CANCELED then NEW` |
//! | `NAME amend ID to QTY as ID` | |
//! | `status HALT` | TRADING, HALT, BREAK, CANCEL_ONLY |
//! | `wait SECONDS` | |
//! | `book bids PRICE:QTY …` | all levels, best first; nothing for an empty side |
//! | `trades PRICE:QTY …` | of the last step |
//! | `NAME has ASSET FREE [held HELD]` | also `fees has …` |

mod follow;
mod parse;
mod run;

pub use parse::{Action, Expected, Step, Story, parse};
pub use run::run;
