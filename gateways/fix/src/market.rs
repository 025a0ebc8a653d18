//! Market data subscriptions: trades and the touch as they happen, changes of the book every tenth of a second.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use protocol::Event;
use types::{Decimal, InstrumentId, Side, Time};
use views::{Best, Depth, Views};

use crate::codec::Body;
use crate::sessions::Seat;
use crate::tags::*;

/// Entries of one message; longer news comes in fragments.
const FRAGMENT: usize = 1_000;

/// What a subscription tells of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stream {
    Trades,
    Touch,
    /// The book, after a snapshot of so many levels.
    Book(usize),
}

impl Stream {
    /// A connection may listen once to each of these for each symbol.
    const fn family(self) -> u8 {
        match self {
            Stream::Trades => 0,
            Stream::Touch => 1,
            Stream::Book(_) => 2,
        }
    }
}

#[derive(Debug)]
struct Listening {
    seat: Arc<Seat>,
    request: Box<str>,
    symbol: Box<str>,
    stream: Stream,
}

#[derive(Debug, Default)]
struct Instrument {
    listening: Vec<Listening>,
    /// What those who listen to the touch have been told.
    touch: Best,
    /// What those who listen to the book have been told.
    book: Depth,
}

/// Why a subscription is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The request's id is in use, or names nothing.
    Request(&'static str),
    TooMany(usize),
    Similar {
        symbol: String,
        request: String,
    },
}

/// Who listens to which instrument.
#[derive(Debug)]
pub struct Market {
    views: Views,
    instruments: Mutex<HashMap<InstrumentId, Instrument>>,
}

impl Market {
    #[must_use]
    pub fn new(views: Views) -> Market {
        Market {
            views,
            instruments: Mutex::default(),
        }
    }

    /// Begins to listen: snapshots are sent at once.
    ///
    /// # Errors
    /// [`Refused`]; nothing is begun then.
    pub fn subscribe(
        &self,
        seat: &Arc<Seat>,
        request: &str,
        stream: Stream,
        symbols: &[(InstrumentId, Box<str>)],
        limit: usize,
    ) -> Result<(), Refused> {
        let mut instruments = self.instruments.lock();
        let mine = || {
            let all = instruments.values().flat_map(|one| &one.listening);
            all.filter(|one| Arc::ptr_eq(&one.seat, seat))
        };
        if mine().any(|one| *one.request == *request) {
            return Err(Refused::Request(
                "`MDReqID (262)` contains a subscription request id that is already in use on this connection.",
            ));
        }
        if mine().count() + symbols.len() > limit {
            return Err(Refused::TooMany(limit));
        }
        let wanted: HashSet<&str> = symbols.iter().map(|(_, symbol)| &**symbol).collect();
        let family = stream.family();
        if let Some(other) =
            mine().find(|one| one.stream.family() == family && wanted.contains(&*one.symbol))
        {
            return Err(Refused::Similar {
                symbol: other.symbol.to_string(),
                request: other.request.to_string(),
            });
        }
        for (id, symbol) in symbols {
            let instrument = instruments.entry(*id).or_default();
            match stream {
                Stream::Trades => {}
                Stream::Touch => {
                    self.tell_touch(*id, instrument);
                    instrument.touch = self.views.best(*id);
                    let best = instrument.touch;
                    let levels = [('0', best.bid), ('1', best.ask)];
                    let entries = levels
                        .iter()
                        .filter_map(|(kind, level)| Some((*kind, (*level)?)));
                    seat.send(snapshot(
                        request,
                        symbol,
                        best.last_update.0,
                        entries.collect(),
                    ));
                }
                Stream::Book(levels) => {
                    self.tell_book(*id, instrument);
                    instrument.book = self.views.depth(*id, usize::MAX);
                    let book = &instrument.book;
                    let bids = book.bids.iter().take(levels).map(|level| ('0', *level));
                    let asks = book.asks.iter().take(levels).map(|level| ('1', *level));
                    let entries = bids.chain(asks).collect();
                    seat.send(snapshot(request, symbol, book.last_update.0, entries));
                }
            }
            instrument.listening.push(Listening {
                seat: Arc::clone(seat),
                request: request.into(),
                symbol: symbol.clone(),
                stream,
            });
        }
        Ok(())
    }

    /// Ends what a request began.
    ///
    /// # Errors
    /// When the session has made no such request.
    pub fn unsubscribe(&self, seat: &Arc<Seat>, request: &str) -> Result<(), Refused> {
        let ended = self.end(|one| Arc::ptr_eq(&one.seat, seat) && *one.request == *request);
        if ended {
            Ok(())
        } else {
            Err(Refused::Request(
                "`MDReqID (262)` contains an unsubscription request id that is not active on this connection.",
            ))
        }
    }

    pub fn leave(&self, seat: &Arc<Seat>) {
        self.end(|one| Arc::ptr_eq(&one.seat, seat));
    }

    /// How many subscriptions a session has.
    #[must_use]
    pub fn count(&self, seat: &Arc<Seat>) -> usize {
        let instruments = self.instruments.lock();
        let all = instruments.values().flat_map(|one| &one.listening);
        all.filter(|one| Arc::ptr_eq(&one.seat, seat)).count()
    }

    fn end(&self, which: impl Fn(&Listening) -> bool) -> bool {
        let mut instruments = self.instruments.lock();
        let mut ended = false;
        instruments.retain(|_, one| {
            let before = one.listening.len();
            one.listening.retain(|listening| !which(listening));
            ended |= one.listening.len() < before;
            !one.listening.is_empty()
        });
        ended
    }

    /// Tells of a record's trades, and of the touch that it moved.
    pub fn followed(&self, time: Time, events: &[Event]) {
        let mut instruments = self.instruments.lock();
        if instruments.is_empty() {
            return;
        }
        let mut touched: Option<InstrumentId> = None;
        let mut trades = Vec::new();
        for event in events {
            match event {
                Event::Traded(trade) => {
                    touched = Some(trade.instrument);
                    trades.push(*trade);
                }
                Event::OrderRested(rested) => touched = Some(rested.instrument),
                Event::OrderClosed(closed) => touched = Some(closed.instrument),
                Event::OrderDecremented(e) => touched = Some(e.instrument),
                Event::OrderAmended(amended) => touched = Some(amended.instrument),
                _ => {}
            }
        }
        for of_one in trades.chunk_by(|a, b| a.instrument == b.instrument) {
            if let Some(instrument) = instruments.get(&of_one[0].instrument) {
                tell_trades(instrument, of_one, time);
            }
        }
        if let Some((id, instrument)) = touched.and_then(|id| Some((id, instruments.get_mut(&id)?)))
        {
            self.tell_touch(id, instrument);
        }
    }

    /// Tells of the changes of every book since the last time.
    pub fn tick(&self) {
        for (id, instrument) in self.instruments.lock().iter_mut() {
            self.tell_book(*id, instrument);
        }
    }

    fn tell_touch(&self, id: InstrumentId, instrument: &mut Instrument) {
        let listening = |one: &&Listening| one.stream == Stream::Touch;
        if !instrument.listening.iter().any(|one| listening(&one)) {
            return;
        }
        let best = self.views.best(id);
        let before = std::mem::replace(&mut instrument.touch, best);
        let mut changes = Vec::new();
        for (kind, before, after) in [('0', before.bid, best.bid), ('1', before.ask, best.ask)] {
            match (before, after) {
                _ if before == after => {}
                (None, Some(level)) => changes.push(('0', kind, level)),
                (Some(_), Some(level)) => changes.push(('1', kind, level)),
                (Some(level), None) => changes.push(('2', kind, level)),
                (None, None) => {}
            }
        }
        if changes.is_empty() {
            return;
        }
        for one in instrument.listening.iter().filter(listening) {
            one.seat
                .send(refresh(one, &changes, None, best.last_update.0, None));
        }
    }

    fn tell_book(&self, id: InstrumentId, instrument: &mut Instrument) {
        let listening = |one: &&Listening| matches!(one.stream, Stream::Book(_));
        if !instrument.listening.iter().any(|one| listening(&one)) {
            return;
        }
        if self.views.best(id).last_update == instrument.book.last_update {
            return;
        }
        let after = self.views.depth(id, usize::MAX);
        let before = std::mem::replace(&mut instrument.book, after);
        let book = &instrument.book;
        let mut changes = Vec::new();
        differences('0', &before.bids, &book.bids, true, &mut changes);
        differences('1', &before.asks, &book.asks, false, &mut changes);
        if changes.is_empty() {
            return;
        }
        let (first, last) = (before.last_update.0 + 1, book.last_update.0);
        let parts = changes.len().div_ceil(FRAGMENT);
        for one in instrument.listening.iter().filter(listening) {
            for (place, part) in changes.chunks(FRAGMENT).enumerate() {
                let fragment = (parts > 1).then_some(place + 1 == parts);
                one.seat
                    .send(refresh(one, part, Some(first), last, fragment));
            }
        }
    }
}

type Level = (Decimal, Decimal);
/// `MDUpdateAction`, `MDEntryType`, price and quantity.
type Change = (char, char, Level);

/// What changed between two sides of a book, each in the order of its ranking.
fn differences(
    kind: char,
    before: &[Level],
    after: &[Level],
    falling: bool,
    out: &mut Vec<Change>,
) {
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some((a, _)), Some((b, _))) if falling => b.cmp(a),
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        match order {
            std::cmp::Ordering::Less => out.extend(old.next().map(|level| ('2', kind, *level))),
            std::cmp::Ordering::Greater => out.extend(new.next().map(|level| ('0', kind, *level))),
            std::cmp::Ordering::Equal => {
                if let (Some(a), Some(b)) = (old.next(), new.next())
                    && a != b
                {
                    out.push(('1', kind, *b));
                }
            }
        }
    }
}

fn snapshot(request: &str, symbol: &str, update: u64, entries: Vec<(char, Level)>) -> Body {
    let mut body = Body::new("W");
    body.put(MD_REQ_ID, request)
        .put(SYMBOL, symbol)
        .put(LAST_BOOK_UPDATE_ID, update)
        .put(NO_MD_ENTRIES, entries.len());
    for (kind, (price, qty)) in entries {
        body.put(MD_ENTRY_TYPE, kind)
            .put(MD_ENTRY_PX, price)
            .put(MD_ENTRY_SIZE, qty);
    }
    body
}

/// `last` of a fragmented message: whether it is the last of its fragments.
fn begin(one: &Listening, last: Option<bool>, entries: usize) -> Body {
    let mut body = Body::new("X");
    body.put(MD_REQ_ID, &one.request)
        .maybe(LAST_FRAGMENT, last.map(|last| if last { 'Y' } else { 'N' }))
        .put(NO_MD_ENTRIES, entries);
    body
}

fn refresh(
    one: &Listening,
    changes: &[Change],
    first_update: Option<u64>,
    last_update: u64,
    last: Option<bool>,
) -> Body {
    let mut body = begin(one, last, changes.len());
    for (place, (action, kind, (price, qty))) in changes.iter().enumerate() {
        body.put(MD_UPDATE_ACTION, action)
            .put(MD_ENTRY_TYPE, kind)
            .put(MD_ENTRY_PX, price);
        if *action != '2' {
            body.put(MD_ENTRY_SIZE, qty);
        }
        // What does not change from entry to entry is said once.
        if place == 0 {
            body.put(SYMBOL, &one.symbol)
                .maybe(FIRST_BOOK_UPDATE_ID, first_update)
                .put(LAST_BOOK_UPDATE_ID, last_update);
        }
    }
    body
}

fn tell_trades(instrument: &Instrument, trades: &[protocol::Traded], time: Time) {
    let parts = trades.len().div_ceil(FRAGMENT);
    let listening = |one: &&Listening| one.stream == Stream::Trades;
    for one in instrument.listening.iter().filter(listening) {
        for (place, part) in trades.chunks(FRAGMENT).enumerate() {
            let mut body = begin(one, (parts > 1).then_some(place + 1 == parts), part.len());
            for (place, trade) in part.iter().enumerate() {
                body.put(MD_UPDATE_ACTION, 0)
                    .put(MD_ENTRY_TYPE, 2)
                    .put(MD_ENTRY_PX, trade.price)
                    .put(MD_ENTRY_SIZE, trade.qty);
                if place == 0 {
                    body.put(SYMBOL, &one.symbol);
                }
                let side = if trade.aggressor_side == Side::Buy {
                    1
                } else {
                    2
                };
                body.put(TRADE_ID, trade.trade)
                    .time(TRANSACT_TIME, time)
                    .put(AGGRESSOR_SIDE, side);
            }
            one.seat.send(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_lead_from_one_book_to_the_other() {
        let level = |price, qty| (Decimal(price), Decimal(qty));
        let bids = [level(9, 1), level(7, 2), level(5, 3)];
        let after = [level(10, 1), level(7, 4), level(5, 3), level(4, 1)];
        let mut out = Vec::new();
        differences('0', &bids, &after, true, &mut out);
        let expected = [
            ('0', '0', level(10, 1)),
            ('2', '0', level(9, 1)),
            ('1', '0', level(7, 4)),
            ('0', '0', level(4, 1)),
        ];
        assert_eq!(out, expected);
        let mut out = Vec::new();
        differences(
            '1',
            &[level(1, 1), level(3, 1)],
            &[level(2, 1)],
            false,
            &mut out,
        );
        let expected = [
            ('2', '1', level(1, 1)),
            ('0', '1', level(2, 1)),
            ('2', '1', level(3, 1)),
        ];
        assert_eq!(out, expected);
    }
}
