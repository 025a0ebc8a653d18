//! The market at work: in every step, each symbol's trades and the book that should follow them become one batch of requests.

use std::time::Duration;

use protocol::{
    AmendOrder, CancelAll, CancelOrder, Command, Event, Instrument, OrderKey, OrderKind,
    PlaceOrder, RejectCode, Reply, Request, StpMode, TimeInForce,
};
use sequencer::{Answer, Client, ManualClock, Unavailable};
use tokio::task::JoinHandle;
use types::{ClientId, Decimal, Side, Time};

use crate::agents::Agent;
use crate::config::{Config, Fidelity, Source, Speed};
use crate::depth::{DEEP, Field, STEEP};
use crate::desk::{Desk, MarketError};
use crate::ears::Ears;
use crate::frames::{self, Projector};
use crate::ladder::{Ladder, Op};
use crate::prologue::{Past, PastTrade};
use crate::recording::{Print, Quote, Recording};
use crate::rng::Rng;
use crate::symbols::{MAX_ORDERS, Origin, SYMBOLS, Symbol, filters};
use crate::tape::{Tape, merge_small};

/// Milliseconds of recording in one step of the demo, and of frames.
const DEMO_STEP_MS: i64 = 100;
const FRAMES_STEP_MS: i64 = 20;
/// Agents and the depth behind the touch are looked at once in so many steps, each symbol in a step of its own.
const SLOW: i64 = 5;
/// Recorded levels of frames that are kept on each side.
const FRAME_LEVELS: usize = 1000;
const TAKERS: usize = 2;
/// The longest past that is made up.
const LONGEST_PAST_US: i64 = 86_400_000_000;

#[derive(Debug)]
enum Feed {
    Tape(Tape),
    Agent { agent: Agent, quote: Option<Quote> },
    Frames(Projector),
}

type Levels = Vec<(i64, i64)>;

#[derive(Debug)]
struct Book {
    symbol: Option<&'static Symbol>,
    instrument: Instrument,
    tick: i64,
    lot: i64,
    min_notional: i64,
    ladder: Ladder,
    feed: Feed,
    field: Field,
    /// Behind the touch, from the last slow look.
    deep: (Levels, Levels),
    /// Something did not go as planned: start this book afresh.
    astray: bool,
    /// The touch that the last plan wanted.
    wanted: [Option<(i64, i64)>; 2],
}

/// The whole market. See the [module](self).
#[derive(Debug)]
pub struct Market {
    desk: Desk,
    books: Vec<Book>,
    config: Config,
    rng: Rng,
    step_ms: i64,
    /// Milliseconds of the present pass, and of a whole one.
    at_ms: i64,
    length_ms: i64,
    steps: i64,
    fidelity: Fidelity,
    commands: Vec<(usize, Op)>,
}

impl Market {
    /// Opens, or finds again, the accounts, symbols and funds; makes up the past that is missing before `until`, with the clock set to it; and leaves
    /// the clock released. Orders left by an earlier run are canceled.
    ///
    /// # Errors
    /// [`MarketError`].
    pub async fn open(
        client: Client,
        ears: Ears,
        clock: &ManualClock,
        until: Time,
        config: Config,
    ) -> Result<Market, MarketError> {
        let (last, is_first) = {
            let heard = ears.lock();
            (heard.last_time, heard.desk.is_empty())
        };
        let earliest = until.plus_micros(-LONGEST_PAST_US);
        let from = match last {
            Some(last) => last.clamp(earliest, until),
            None if is_first => earliest,
            None => until,
        };
        clock.set(from);
        let made = Market::make(client, ears, config).await;
        let past = match made {
            Ok(mut market) => market
                .relive(clock, from, until, !is_first)
                .await
                .map(|()| market),
            Err(why) => Err(why),
        };
        clock.release();
        past
    }

    async fn make(client: Client, ears: Ears, config: Config) -> Result<Market, MarketError> {
        let makers = match config.source {
            Source::Demo => 2,
            // one level may hold several orders
            Source::Frames(_) => 3 * 2 * FRAME_LEVELS / MAX_ORDERS as usize,
        };
        let mut desk = Desk::open(client, ears, makers, TAKERS).await?;
        let (books, step_ms, length_ms) = match &config.source {
            Source::Demo => demo(&mut desk, config.seed, makers).await?,
            Source::Frames(folder) => film(&mut desk, folder, makers).await?,
        };
        desk.recentre().await?;
        let mut market = Market {
            desk,
            books,
            rng: Rng::new(config.seed, "passes"),
            config,
            step_ms,
            at_ms: 0,
            length_ms,
            steps: 0,
            fidelity: Fidelity::default(),
            commands: Vec::new(),
        };
        market.books.iter_mut().for_each(|b| b.astray = true);
        market.recover_astray().await?;
        Ok(market)
    }

    /// How closely the exchange has followed so far.
    #[must_use]
    pub fn fidelity(&self) -> Fidelity {
        self.fidelity
    }

    /// Milliseconds of recording in one pass.
    #[must_use]
    pub fn length_ms(&self) -> i64 {
        self.length_ms
    }

    /// Runs the market on a task until `shutdown` is ready or the exchange goes away.
    #[must_use]
    pub fn spawn(
        mut self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<Result<Fidelity, MarketError>> {
        tokio::spawn(async move {
            let period = match self.config.speed {
                Speed::Times(times) => {
                    Duration::from_secs_f64(self.step_ms as f64 / 1e3 / times.clamp(0.01, 1_000.0))
                }
                Speed::Max => Duration::from_micros(1),
            };
            let mut ticks = tokio::time::interval(period);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            let mut shutdown = std::pin::pin!(shutdown);
            loop {
                tokio::select! {
                    biased;
                    () = &mut shutdown => return Ok(self.fidelity),
                    _ = ticks.tick() => {}
                }
                match self.step().await {
                    Ok(()) => {}
                    Err(MarketError::Unavailable(Unavailable::ShuttingDown)) => {
                        return Ok(self.fidelity);
                    }
                    Err(why) => {
                        tracing::error!(%why, "the market stops");
                        return Err(why);
                    }
                }
            }
        })
    }

    /// Plays one step of recording.
    ///
    /// # Errors
    /// [`MarketError`]; an exchange that is merely overloaded is not one.
    pub async fn step(&mut self) -> Result<(), MarketError> {
        self.listen();
        self.recover_astray().await?;
        if self.at_ms >= self.length_ms {
            self.next_pass();
        }
        self.steps += 1;
        self.at_ms += self.step_ms;
        for at in 0..self.books.len() {
            self.plan(at);
        }
        self.carry_out().await?;
        if self.steps % 600 == 0 {
            self.desk.recentre().await?;
        }
        Ok(())
    }

    /// Takes in what users did to the market's orders.
    fn listen(&mut self) {
        let fills = std::mem::take(&mut self.desk.ears.lock().fills);
        for fill in fills {
            if let Some(book) = self
                .books
                .iter_mut()
                .find(|b| b.instrument.id == fill.instrument)
            {
                book.ladder
                    .opened(fill.order, fill.open_qty / book.lot, fill.seq);
            }
        }
        self.books.iter_mut().for_each(|b| b.ladder.settle());
    }

    fn next_pass(&mut self) {
        self.at_ms = 0;
        let displaced = self.books.iter().find_map(|b| match &b.feed {
            Feed::Tape(tape) => Some(tape.displacement()),
            _ => None,
        });
        // a plain pass adds one to the displacement, a reflected one takes one away
        let reflected = self
            .rng
            .chance((0.5 + 0.02 * displaced.unwrap_or(0.0)).clamp(0.05, 0.95));
        for book in &mut self.books {
            match &mut book.feed {
                Feed::Tape(tape) => tape.rewind(reflected),
                Feed::Frames(projector) => projector.rewind(),
                Feed::Agent { .. } => {}
            }
        }
    }

    fn mid(&self, name: &str) -> Option<f64> {
        let book = self.books.iter().find(|b| &*b.instrument.symbol == name)?;
        let quote = match &book.feed {
            Feed::Tape(tape) => tape.quote(),
            Feed::Agent { quote, .. } => (*quote)?,
            Feed::Frames(_) => return None,
        };
        Some((quote.bid + quote.ask) as f64 / 2.0 * book.tick as f64 / 1e8)
    }

    /// Logarithm of BTC's price over its anchor.
    fn factor(&self) -> f64 {
        self.mid("BTCUSDT")
            .map_or(0.0, |mid| (mid / SYMBOLS[0].anchor).ln())
    }

    fn plan(&mut self, at: usize) {
        let slow = (self.steps + at as i64) % SLOW == 0;
        let factor = self.factor();
        let legs = match self.books[at].symbol.map(|s| s.origin) {
            Some(Origin::Cross(a, b)) => self.mid(a).zip(self.mid(b)).map(|(a, b)| a / b),
            _ => None,
        };
        let seconds = (SLOW * self.step_ms) as f64 / 1e3;
        let now = self.steps * self.step_ms;
        let book = &mut self.books[at];
        let mut prints = Vec::new();
        let quote = match &mut book.feed {
            Feed::Tape(tape) => {
                tape.play(self.at_ms, &mut prints);
                tape.quote()
            }
            Feed::Agent { agent, quote } => {
                if !slow {
                    return;
                }
                let before = *quote;
                let after = agent.pass(seconds, factor, legs, &mut prints);
                *quote = Some(after);
                before.map_or(after, |_| after)
            }
            Feed::Frames(projector) => {
                if !projector.play(self.at_ms, &mut prints) {
                    return;
                }
                let (bids, asks) = projector.book();
                book.trade_and_set(at, &mut prints, &bids, &asks, &mut self.commands);
                return;
            }
        };
        if slow {
            book.deep = (
                book.field.levels(Side::Buy, quote.bid, now),
                book.field.levels(Side::Sell, quote.ask, now),
            );
        }
        let mut bids = vec![(quote.bid, quote.bid_qty)];
        bids.extend(book.deep.0.iter().filter(|l| l.0 < quote.bid));
        let mut asks = vec![(quote.ask, quote.ask_qty)];
        asks.extend(book.deep.1.iter().filter(|l| l.0 > quote.ask));
        book.trade_and_set(at, &mut prints, &bids, &asks, &mut self.commands);
    }

    /// Sends the planned commands, takes in the answers, and compares.
    async fn carry_out(&mut self) -> Result<(), MarketError> {
        let commands = std::mem::take(&mut self.commands);
        let mut requests = Vec::with_capacity(commands.len());
        for (turn, (at, op)) in commands.iter().enumerate() {
            requests.push(self.request(&self.books[*at], *op, turn));
        }
        self.fidelity.requests += requests.len() as u64;
        let answers = self.desk.send(requests).await?;
        for ((at, op), answer) in commands.iter().zip(answers) {
            let book = &mut self.books[*at];
            match answer {
                Err(_) => book.astray = true,
                Ok(answer) => book.answered(*op, &answer, &mut self.fidelity),
            }
        }
        for book in &mut self.books {
            book.ladder.settle();
            for (side, wanted) in [Side::Buy, Side::Sell].into_iter().zip(book.wanted) {
                if let Some(wanted) = wanted {
                    self.fidelity.touches += 1;
                    self.fidelity.touches_equal +=
                        u64::from(book.ladder.best(side) == Some(wanted));
                }
            }
        }
        self.commands = commands;
        self.commands.clear();
        Ok(())
    }

    fn request(&self, book: &Book, op: Op, turn: usize) -> Request {
        let named = |name: u64| ClientId::new(&format!("m{name:x}")).unwrap_or(ClientId::NONE);
        let maker = |maker: usize| self.desk.makers[maker % self.desk.makers.len()];
        let instrument = book.instrument.id;
        match op {
            Op::Place {
                name,
                maker: by,
                side,
                price,
                qty,
            } => {
                let order = book.order(side, price, qty, TimeInForce::Gtc, named(name));
                self.desk.request(maker(by), Command::PlaceOrder(order))
            }
            Op::Amend {
                name,
                maker: by,
                qty,
            } => {
                let amend = AmendOrder {
                    instrument,
                    order: OrderKey::ClientId(named(name)),
                    new_qty: Decimal(qty.saturating_mul(book.lot)),
                    client_id: named(name),
                };
                self.desk.request(maker(by), Command::AmendOrder(amend))
            }
            Op::Cancel { name, maker: by } => {
                let order = OrderKey::ClientId(named(name));
                let cancel = CancelOrder {
                    instrument,
                    order,
                    client_id: named(name),
                    restriction: None,
                };
                self.desk.request(maker(by), Command::CancelOrder(cancel))
            }
            Op::Take { side, price, qty } => {
                let taker = self.desk.takers[turn % self.desk.takers.len()];
                let order = book.order(side, price, qty, TimeInForce::Ioc, named(0));
                self.desk.request(taker, Command::PlaceOrder(order))
            }
        }
    }

    /// Cancels all of the market's orders on books that went astray, so that the next plan starts from nothing.
    async fn recover_astray(&mut self) -> Result<(), MarketError> {
        let astray: Vec<usize> = (0..self.books.len())
            .filter(|at| self.books[*at].astray)
            .collect();
        for at in astray {
            let cancel = CancelAll {
                instrument: self.books[at].instrument.id,
                client_id: ClientId::new("m-all").unwrap_or(ClientId::NONE),
            };
            let accounts = self.desk.makers.iter().chain(&self.desk.takers);
            let requests = accounts
                .map(|a| self.desk.request(*a, Command::CancelAll(cancel.clone())))
                .collect();
            let answers = self.desk.send(requests).await?;
            let nothing = |code: RejectCode| matches!(code, RejectCode::UnknownOrder);
            let done = answers.iter().all(|answer| match answer {
                Ok(Answer {
                    outcome: Err(reject),
                    ..
                }) => nothing(reject.code()),
                Ok(_) => true,
                Err(_) => false,
            });
            // a halted market keeps its orders: try again at the next step
            if done {
                self.books[at].astray = false;
                self.books[at].ladder.clear();
            }
        }
        Ok(())
    }

    /// Makes up what happened between `from` and `until`, and starts the feeds where it ends.
    async fn relive(
        &mut self,
        clock: &ManualClock,
        from: Time,
        until: Time,
        is_gap: bool,
    ) -> Result<(), MarketError> {
        let symbols: Vec<Symbol> = self
            .books
            .iter()
            .filter_map(|b| b.symbol.copied())
            .collect();
        if symbols.is_empty() {
            return Ok(());
        }
        let last: Vec<f64> = self
            .books
            .iter()
            .map(|b| b.last_price(&self.desk.ears))
            .collect();
        let mut past = Past::new(
            &symbols,
            self.config.seed,
            from,
            until,
            is_gap.then_some(&last[..]),
        );
        let (mut trades, mut requests) = (Vec::new(), Vec::new());
        for k in 0..past.instants() {
            trades.clear();
            let time = past.instant(k, &mut trades);
            clock.set(time.min(until));
            for trade in &trades {
                self.past_trade(trade, &mut requests);
            }
            self.desk.send(std::mem::take(&mut requests)).await?;
            if k % 500 == 499 {
                self.desk.recentre().await?;
            }
        }
        clock.set(until);
        self.books.iter_mut().for_each(|b| b.astray = true);
        self.recover_astray().await?;
        let ends = past.ends();
        let factor = (ends[0] / SYMBOLS[0].anchor).ln();
        for (book, end) in self.books.iter_mut().zip(ends) {
            book.start_at(end, is_gap, self.config.seed, factor);
        }
        Ok(())
    }

    fn past_trade(&self, trade: &PastTrade, requests: &mut Vec<Request>) {
        let book = &self.books[trade.symbol];
        let price = ((trade.price * 1e8 / book.tick as f64).round() as i64).max(1);
        let qty =
            ((trade.qty * 1e8 / book.lot as f64).round() as i64).max(book.ladder.min_qty(price));
        let turn = requests.len();
        let name = ClientId::new("past").unwrap_or(ClientId::NONE);
        let rest = book.order(trade.side.opposite(), price, qty, TimeInForce::Gtc, name);
        let take = book.order(trade.side, price, qty, TimeInForce::Ioc, name);
        let maker = self.desk.makers[turn % self.desk.makers.len()];
        let taker = self.desk.takers[turn % self.desk.takers.len()];
        requests.push(self.desk.request(maker, Command::PlaceOrder(rest)));
        requests.push(self.desk.request(taker, Command::PlaceOrder(take)));
    }
}

impl Book {
    fn new(
        symbol: Option<&'static Symbol>,
        instrument: Instrument,
        makers: usize,
        feed: Feed,
        seed: u64,
        touch_qty: f64,
    ) -> Book {
        let (tick, lot) = (instrument.tick_size().0, instrument.lot_size().0);
        // in ticks x lots, rounded up
        let least = instrument.filters.notional.map_or(0, |n| n.min.0);
        let unit = i128::from(tick) * i128::from(lot);
        let min_notional = (i128::from(least) * i128::from(Decimal::SCALE) + unit - 1) / unit;
        let min_notional = i64::try_from(min_notional).unwrap_or(i64::MAX / 2);
        let main = symbol.is_some_and(|s| s.origin == Origin::Recorded);
        let shape = if symbol.is_some_and(|s| s.base == "BTC") {
            &DEEP
        } else {
            &STEEP
        };
        let (per_band, renewal) = if main { (5.0, 15.0) } else { (3.0, 60.0) };
        Book {
            symbol,
            tick,
            lot,
            min_notional,
            ladder: Ladder::new(makers, min_notional),
            feed,
            field: Field {
                shape,
                touch_qty,
                per_band,
                seed: seed ^ u64::from(instrument.id.0),
                renewal,
            },
            deep: (Vec::new(), Vec::new()),
            astray: false,
            wanted: [None; 2],
            instrument,
        }
    }

    fn order(
        &self,
        side: Side,
        price: i64,
        qty: i64,
        tif: TimeInForce,
        client_id: ClientId,
    ) -> PlaceOrder {
        PlaceOrder {
            instrument: self.instrument.id,
            side,
            kind: OrderKind::Limit,
            tif,
            stp: Some(StpMode::None),
            price: Decimal(price.saturating_mul(self.tick)),
            qty: Decimal(qty.saturating_mul(self.lot)),
            quote_qty: Decimal::ZERO,
            client_id,
            strategy_id: None,
            strategy_kind: None,
            extras: None,
        }
    }

    fn trade_and_set(
        &mut self,
        at: usize,
        prints: &mut Vec<Print>,
        bids: &[(i64, i64)],
        asks: &[(i64, i64)],
        out: &mut Vec<(usize, Op)>,
    ) {
        merge_small(prints, self.min_notional);
        let mut ops = Vec::new();
        for print in prints.iter() {
            self.ladder
                .trade(print.side, print.price, print.qty, &mut ops);
        }
        self.ladder.set(bids, asks, &mut ops);
        self.wanted = [bids.first().copied(), asks.first().copied()];
        out.extend(ops.into_iter().map(|op| (at, op)));
    }

    fn answered(&mut self, op: Op, answer: &Answer, fidelity: &mut Fidelity) {
        let accepted = match &answer.outcome {
            Ok(accepted) => accepted,
            Err(reject) => return self.refused(op, reject.code(), fidelity),
        };
        let seq = accepted.seq();
        match (op, accepted.reply()) {
            (Op::Place { name, .. }, Reply::Placed(placed)) => {
                self.ladder.placed(
                    name,
                    placed.order.id,
                    placed.order.open_qty().0 / self.lot,
                    seq,
                );
            }
            (Op::Amend { .. }, Reply::Amended(amended)) => {
                self.ladder
                    .opened(amended.order.id, amended.order.open_qty().0 / self.lot, seq);
            }
            (Op::Take { price, qty, .. }, Reply::Placed(placed)) => {
                let at_price = accepted.events().iter().all(|e| match e {
                    Event::Traded(t) => t.price.0 == price * self.tick,
                    _ => true,
                });
                fidelity.trades += 1;
                fidelity.trades_equal +=
                    u64::from(at_price && placed.order.executed_qty.0 == qty * self.lot);
            }
            _ => {}
        }
        for event in accepted.events() {
            if let Event::Traded(t) = event {
                self.ladder
                    .opened(t.maker.order, t.maker.open_qty.0 / self.lot, seq);
            }
        }
    }

    fn refused(&mut self, op: Op, code: RejectCode, fidelity: &mut Fidelity) {
        fidelity.refused += 1;
        match (op, code) {
            // a user took it first
            (Op::Cancel { .. }, RejectCode::UnknownOrder) => {}
            (
                Op::Amend { name, .. },
                RejectCode::AmendUnknownOrder
                | RejectCode::AmendIncrease
                | RejectCode::UnknownOrder,
            ) => {
                self.ladder.lost(name);
            }
            (Op::Place { name, .. }, _) => {
                tracing::debug!(?op, ?code, symbol = %self.instrument.symbol, "a maker's order was refused");
                self.ladder.lost(name);
            }
            _ => {
                tracing::debug!(?op, ?code, symbol = %self.instrument.symbol, "the book starts afresh");
                self.astray = true;
            }
        }
    }

    /// Where the market stood: the middle of its own last orders, or the last trade, or where it belongs.
    fn last_price(&self, ears: &Ears) -> f64 {
        let heard = ears.lock();
        let best = |buy| {
            heard
                .own_best
                .get(&(self.instrument.id, buy))
                .map(|p| *p as f64)
        };
        let middle = best(true)
            .zip(best(false))
            .map(|(bid, ask)| f64::midpoint(bid, ask));
        let traded = heard
            .last_price
            .get(&self.instrument.id)
            .filter(|p| **p > 0)
            .map(|p| *p as f64);
        let anchor = self.symbol.map_or(1.0, |s| s.anchor);
        middle.or(traded).map_or(anchor, |price| price / 1e8)
    }

    /// Starts the feed at a price in quote units.
    fn start_at(&mut self, price: f64, is_gap: bool, seed: u64, factor: f64) {
        match (&mut self.feed, self.symbol) {
            (Feed::Tape(tape), _) if is_gap => {
                tape.start((price * 1e8 / self.tick as f64).round() as i64)
            }
            (Feed::Agent { agent, .. }, Some(symbol)) => {
                *agent = Agent::new(
                    *symbol,
                    self.tick as f64 / 1e8,
                    self.lot as f64 / 1e8,
                    seed,
                    price,
                    factor,
                );
            }
            _ => {}
        }
    }
}

async fn demo(
    desk: &mut Desk,
    seed: u64,
    makers: usize,
) -> Result<(Vec<Book>, i64, i64), MarketError> {
    let recording = Recording::shipped()?;
    let mut books = Vec::new();
    for symbol in SYMBOLS {
        let unit = |text: &str| {
            Decimal::parse(text)
                .map_err(|e| MarketError::Frames(format!("{}: {text}: {e:?}", symbol.name)))
        };
        let filters = filters(
            unit(symbol.tick)?,
            unit(symbol.lot)?,
            unit(symbol.min_notional)?,
        );
        let instrument = desk
            .instrument(symbol.name, symbol.base, symbol.quote, filters)
            .await?;
        let reel = recording
            .reels
            .iter()
            .find(|r| r.symbol == symbol.name && symbol.origin == Origin::Recorded);
        let (tick, lot) = (instrument.tick_size().0, instrument.lot_size().0);
        let feed = match reel {
            Some(reel) if reel.tick == tick && reel.lot == lot => {
                Feed::Tape(Tape::new(reel.clone(), None))
            }
            _ => Feed::Agent {
                agent: Agent::new(
                    *symbol,
                    tick as f64 / 1e8,
                    lot as f64 / 1e8,
                    seed,
                    symbol.anchor,
                    0.0,
                ),
                quote: None,
            },
        };
        let touch = match &feed {
            Feed::Tape(tape) => tape.mean_touch(),
            _ => symbol.touch * 1e8 / lot as f64,
        };
        books.push(Book::new(
            Some(symbol),
            instrument,
            makers,
            feed,
            seed,
            touch,
        ));
    }
    Ok((books, DEMO_STEP_MS, recording.length_ms()))
}

async fn film(
    desk: &mut Desk,
    folder: &std::path::Path,
    makers: usize,
) -> Result<(Vec<Book>, i64, i64), MarketError> {
    let mut books = Vec::new();
    let mut length = 0;
    for film in frames::read_folder(folder)? {
        let quote = ["USDT", "USDC", "FDUSD", "BTC", "EUR", "USD"]
            .into_iter()
            .find(|q| film.symbol.ends_with(q));
        let Some((base, quote)) = quote.and_then(|q| Some((film.symbol.strip_suffix(q)?, q)))
        else {
            return Err(MarketError::Frames(format!(
                "{}: cannot tell base from quote asset",
                film.symbol
            )));
        };
        let filters = filters(
            Decimal(film.tick),
            Decimal(film.lot),
            Decimal(Decimal::SCALE),
        );
        let instrument = desk.instrument(&film.symbol, base, quote, filters).await?;
        length = length.max(film.length_ms());
        let projector = Projector::new(
            film,
            instrument.tick_size().0,
            instrument.lot_size().0,
            FRAME_LEVELS,
        )?;
        books.push(Book::new(
            None,
            instrument,
            makers,
            Feed::Frames(projector),
            0,
            1.0,
        ));
    }
    Ok((books, FRAMES_STEP_MS, length))
}
