//! One market as its streams see it: the book by levels, and who listens to what.

use kit::Json;
use protocol::{BlockTraded, Traded};
use types::{Decimal, InstrumentId, Side, Time, UpdateId};
use views::{Interval, Views};

use crate::book::{Book, Changes, Level};
use crate::candle::Kline;
use crate::encode::{self, Head};
use crate::events;
use crate::hub::{Hub, TopicId};
use crate::statistics::Sent;
use crate::topic::{Kind, Speed};

#[derive(Debug)]
pub struct Market {
    pub id: InstrumentId,
    pub symbol: Box<str>,
    pub quote_precision: u8,
    pub book: Book,
    /// The number of the last aggregate trade.
    pub last_aggregate: u64,
    touch: (Level, Level),
    streams: Vec<Stream>,
}

#[derive(Debug)]
struct Stream {
    topic: TopicId,
    kind: Kind,
    state: State,
}

/// What a stream remembers between two frames.
#[derive(Debug)]
enum State {
    /// It tells what happens when it happens.
    Live,
    Depth(Changes),
    /// The update that was told last; `None` when somebody is to hear the present state.
    Partial(Option<UpdateId>),
    Kline(Box<Kline>),
    Statistics(Sent),
    /// The trades of the record that is being told.
    Trades(Vec<sbe::stream::Trade>),
}

impl Market {
    #[must_use]
    pub fn new(id: InstrumentId, symbol: Box<str>, quote_precision: u8) -> Market {
        Market {
            id,
            symbol,
            quote_precision,
            book: Book::default(),
            last_aggregate: 0,
            touch: Default::default(),
            streams: Vec::new(),
        }
    }

    pub fn begin(&mut self, views: &Views, topic: TopicId, kind: Kind, seen: Time) {
        let state = match kind {
            Kind::Depth(_) | Kind::BinaryDepth => State::Depth(Changes::from_now(self.book.update)),
            Kind::Partial(..) | Kind::BinaryPartial => State::Partial(None),
            Kind::BinaryTrades => State::Trades(Vec::new()),
            Kind::Kline(interval, offset) => {
                let now = views.current_candle(self.id, interval, offset.minutes());
                State::Kline(Box::new(Kline::new(interval, offset, now, seen)))
            }
            Kind::Ticker
            | Kind::MiniTicker
            | Kind::Rolling(_)
            | Kind::AvgPrice
            | Kind::ReferencePrice => State::Statistics(Sent::default()),
            _ => State::Live,
        };
        if matches!(kind, Kind::BookTicker | Kind::BestBidAsk) {
            self.touch = self.book.best();
        }
        self.streams.push(Stream { topic, kind, state });
    }

    /// Somebody new listens: the next tick tells the present state.
    pub fn refresh(&mut self, topic: TopicId) {
        for stream in self.streams.iter_mut().filter(|s| s.topic == topic) {
            match &mut stream.state {
                State::Partial(sent) => *sent = None,
                State::Kline(kline) => kline.changed = true,
                State::Statistics(sent) => *sent = Sent::default(),
                State::Live | State::Depth(_) | State::Trades(_) => {}
            }
        }
    }

    pub fn end(&mut self, topic: TopicId) {
        self.streams.retain(|stream| stream.topic != topic);
    }

    #[must_use]
    pub fn has_listeners(&self) -> bool {
        !self.streams.is_empty()
    }

    pub fn listeners(&self, kind: Kind) -> impl Iterator<Item = TopicId> {
        let of_kind = self.streams.iter().filter(move |s| s.kind == kind);
        of_kind.map(|stream| stream.topic)
    }

    /// A level changes by `delta`; `update` is the change's number.
    pub fn change(&mut self, side: Side, price: Decimal, delta: i128, update: UpdateId) {
        self.book.add(side, price, delta);
        self.book.update = update;
        for stream in &mut self.streams {
            if let State::Depth(changes) = &mut stream.state {
                changes.touch(side, price);
            }
        }
    }

    pub fn tell_trade(&mut self, hub: &Hub, trade: &Traded, time: Time, now: Time) {
        let head = Head {
            symbol: &self.symbol,
            now,
        };
        for stream in &mut self.streams {
            if stream.kind == Kind::Trade {
                hub.send(stream.topic, |json| encode::trade(json, &head, trade, time));
            }
            if let State::Kline(kline) = &mut stream.state {
                let mut write = frame(hub, stream.topic, &head, self.quote_precision);
                kline.roll_to(time, &mut write);
                kline.trade(trade, time);
            }
            if let State::Trades(trades) = &mut stream.state {
                trades.push(events::trade(trade));
            }
        }
    }

    /// Tells of the record's trades who hears them together.
    pub fn tell_trades(&mut self, hub: &Hub, time: Time, now: Time) {
        for stream in &mut self.streams {
            if let State::Trades(trades) = &mut stream.state
                && !trades.is_empty()
            {
                let message = sbe::stream::trades(now.0, time.0, trades, &self.symbol);
                trades.clear();
                hub.send_binary(stream.topic, message);
            }
        }
    }

    pub fn tell_block(&self, hub: &Hub, traded: &BlockTraded, time: Time, now: Time) {
        let head = Head {
            symbol: &self.symbol,
            now,
        };
        for topic in self.listeners(Kind::BlockTrade) {
            hub.send(topic, |json| encode::block_trade(json, &head, traded, time));
        }
    }

    /// Tells of the touch if the last record moved it.
    pub fn tell_touch(&mut self, hub: &Hub, now: Time) {
        let tells = |s: &Stream| matches!(s.kind, Kind::BookTicker | Kind::BestBidAsk);
        if !self.streams.iter().any(tells) {
            return;
        }
        let touch = self.book.best();
        if touch == self.touch {
            return;
        }
        self.touch = touch;
        for topic in self.listeners(Kind::BookTicker) {
            hub.send(topic, |json| {
                encode::book_ticker(json, &self.symbol, self.book.update, touch);
            });
        }
        for topic in self.listeners(Kind::BestBidAsk) {
            let message = events::best_bid_ask(&self.symbol, self.book.update, touch, now);
            hub.send_binary(topic, message);
        }
    }

    pub fn tell_binary_depth(&mut self, hub: &Hub, now: Time) {
        let book = &self.book;
        let diffs = self.streams.iter_mut();
        for stream in diffs.filter(|stream| stream.kind == Kind::BinaryDepth) {
            if let State::Depth(changes) = &mut stream.state
                && let Some((first, bids, asks)) = changes.take(book.update)
            {
                events::depth_diffs(&self.symbol, first, book, (&bids, &asks), now)
                    .for_each(|message| hub.send_binary(stream.topic, message));
            }
        }
    }

    pub fn tell_binary_partial(&mut self, hub: &Hub, now: Time) {
        let book = &self.book;
        let partials = self.streams.iter_mut();
        for stream in partials.filter(|stream| stream.kind == Kind::BinaryPartial) {
            if let State::Partial(sent) = &mut stream.state
                && *sent != Some(book.update)
            {
                *sent = Some(book.update);
                hub.send_binary(stream.topic, events::partial_depth(&self.symbol, book, now));
            }
        }
    }

    pub fn tell_depth(&mut self, hub: &Hub, speed: Speed, now: Time) {
        let head = Head {
            symbol: &self.symbol,
            now,
        };
        let book = &self.book;
        for stream in &mut self.streams {
            match (&mut stream.state, stream.kind) {
                (State::Depth(changes), Kind::Depth(of)) if of == speed => {
                    if let Some((first, bids, asks)) = changes.take(book.update) {
                        hub.send(stream.topic, |json| {
                            encode::depth_update(json, &head, first, book, (&bids, &asks));
                        });
                    }
                }
                (State::Partial(sent), Kind::Partial(levels, of))
                    if of == speed && *sent != Some(book.update) =>
                {
                    *sent = Some(book.update);
                    hub.send(stream.topic, |json| {
                        encode::partial_depth(json, book, usize::from(levels));
                    });
                }
                _ => {}
            }
        }
    }

    /// Closes the candles whose time is over: a record stamped after them has been seen, or none came for a second.
    pub fn roll_candles(&mut self, hub: &Hub, seen: Time, now: Time) {
        let certain = seen.max(now.plus_micros(-1_000_000));
        self.each_kline(hub, now, |kline, write| kline.roll_to(certain, write));
    }

    /// Tells of the candles that changed. Those of a second are told when they close.
    pub fn tell_candles(&mut self, hub: &Hub, now: Time) {
        self.each_kline(hub, now, |kline, write| {
            if kline.changed && kline.interval != Interval::S1 {
                kline.tell(write);
            }
        });
    }

    fn each_kline(
        &mut self,
        hub: &Hub,
        now: Time,
        act: impl Fn(&mut Kline, &mut dyn FnMut(&Kline)),
    ) {
        let head = Head {
            symbol: &self.symbol,
            now,
        };
        for stream in &mut self.streams {
            if let State::Kline(kline) = &mut stream.state {
                let mut write = frame(hub, stream.topic, &head, self.quote_precision);
                act(kline, &mut write);
            }
        }
    }

    pub fn tell_statistics(&mut self, hub: &Hub, views: &Views, now: Time) {
        let head = Head {
            symbol: &self.symbol,
            now,
        };
        for stream in &mut self.streams {
            if let State::Statistics(sent) = &mut stream.state {
                let write = sent.next(views, self.id, stream.kind, &head, self.quote_precision);
                if let Some(write) = write {
                    hub.send(stream.topic, |json: &mut Json| write(json));
                }
            }
        }
    }
}

/// How a candle reaches its listeners.
fn frame<'a>(
    hub: &'a Hub,
    topic: TopicId,
    head: &'a Head<'a>,
    quote_precision: u8,
) -> impl FnMut(&Kline) + 'a {
    move |kline| hub.send(topic, |json| kline.write(json, head, quote_precision))
}
