//! The one place where market data and user data are made: a state machine that takes durable batches, subscriptions and the passing of
//! time in one order, so that a subscription begins exactly between two records.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use kit::TimeUnit;
use protocol::{Batch, Event, Instrument, aggregates};
use types::{AccountId, Decimal, InstrumentId, Seq, Side, Time, UpdateId};
use views::Views;

use crate::encode::{self, Head};
use crate::hub::{ConnId, Form, Hub, TopicId, encode};
use crate::market::Market;
use crate::outbox::{Close, Outbox};
use crate::topic::{BINARY_DEPTH_US, BINARY_PARTIAL_US, Kind, Speed, Topic};
use crate::users::{Listener, Moment, Named, Names, Users, event_frame};
use crate::{report, statistics};

/// What the feed is told, besides the time.
#[derive(Debug)]
pub enum Message {
    Batch(Arc<Batch>),
    Open {
        conn: ConnId,
        outbox: Arc<Outbox>,
        unit: TimeUnit,
        form: Form,
    },
    /// Streams to listen to or no more, and the answer that goes out before the first frame.
    Streams {
        conn: ConnId,
        add: Vec<Topic>,
        remove: Vec<Box<str>>,
        combined: Option<bool>,
        reply: Bytes,
    },
    Subscribe {
        conn: ConnId,
        account: AccountId,
        id: u32,
        reply: Bytes,
    },
    Unsubscribe {
        conn: ConnId,
        ids: Vec<u32>,
        reply: Bytes,
    },
    Close(ConnId),
    /// The program is going down.
    Announce,
    CloseAll,
    Stop,
}

/// The state machine. Time is told to it: it asks no clock.
#[derive(Debug)]
pub struct Feed {
    views: Views,
    hub: Hub,
    users: Users,
    names: Names,
    /// In order of listing, so that frames of all markets have an order.
    markets: BTreeMap<InstrumentId, Market>,
    by_symbol: HashMap<Box<str>, InstrumentId>,
    /// Streams of symbols that are not listed yet.
    waiting: Vec<(TopicId, Topic)>,
    everywhere: Vec<statistics::Everywhere>,
    /// The newest record's time.
    seen: Time,
    ticked: Time,
}

impl Feed {
    #[must_use]
    pub fn new(views: Views) -> Feed {
        Feed {
            views,
            hub: Hub::default(),
            users: Users::default(),
            names: Names::default(),
            markets: BTreeMap::new(),
            by_symbol: HashMap::new(),
            waiting: Vec::new(),
            everywhere: Vec::new(),
            seen: Time(0),
            ticked: Time(0),
        }
    }

    /// With another dialect that hears what becomes of orders.
    #[must_use]
    pub fn with_listener(mut self, listener: Arc<dyn Listener>) -> Feed {
        self.users.listener = Some(listener);
        self
    }

    /// Takes an event of the state that the program starts from. The aggregates of a market continue where views count them.
    pub fn seed(&mut self, event: &Event) {
        match event {
            Event::AssetCreated(asset) => {
                let entry = (asset.name.clone(), asset.precision);
                self.names.assets.insert(asset.asset, entry);
            }
            Event::InstrumentListed(instrument) | Event::InstrumentChanged(instrument) => {
                self.listed(instrument);
            }
            Event::MarketRestored(restored) => {
                if let Some(market) = self.markets.get_mut(&restored.instrument) {
                    market.book.update = restored.last_update;
                    market.last_aggregate = self.views.last_aggregate(restored.instrument);
                }
            }
            Event::OrderRestored(order) => {
                if let Some(market) = self.markets.get_mut(&order.instrument)
                    && order.is_working()
                {
                    let open = i128::from(order.shown_qty().0);
                    market.book.add(order.side, order.price, open);
                }
                self.users.restore(order);
            }
            Event::ListRestored(list) => self.users.restore_list(list),
            _ => {}
        }
    }

    fn listed(&mut self, instrument: &Instrument) {
        let id = instrument.id;
        let quote_precision = self
            .names
            .assets
            .get(&instrument.quote)
            .map_or(8, |(_, p)| *p);
        let named = Named {
            symbol: instrument.symbol.clone(),
            quote_precision,
        };
        self.names.instruments.insert(id, named);
        let lower: Box<str> = instrument.symbol.to_lowercase().into();
        self.by_symbol.insert(lower.clone(), id);
        let market = self.markets.entry(id);
        market.or_insert_with(|| Market::new(id, instrument.symbol.clone(), quote_precision));
        let (now_listed, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(_, topic)| topic.symbol == lower);
        self.waiting = waiting;
        let now_listed: Vec<(TopicId, Topic)> = now_listed;
        for (topic_id, topic) in now_listed {
            self.begin(topic_id, &topic);
        }
    }

    pub fn handle(&mut self, message: Message, now: Time) {
        match message {
            Message::Batch(batch) => self.apply(&batch, now),
            Message::Open {
                conn,
                outbox,
                unit,
                form,
            } => self.hub.open(conn, outbox, unit, form),
            Message::Streams {
                conn,
                add,
                remove,
                combined,
                reply,
            } => {
                if let Some(combined) = combined {
                    self.hub.set_combined(conn, combined);
                }
                for name in remove {
                    if let Some(quiet) = self.hub.unlisten(conn, &name) {
                        self.end(quiet);
                    }
                }
                if !reply.is_empty() {
                    self.hub.reply(conn, reply);
                }
                for topic in add {
                    match self.hub.listen(conn, &topic) {
                        Some((topic_id, true)) => self.begin(topic_id, &topic),
                        Some((topic_id, false)) => self.refresh(topic_id, &topic),
                        None => {}
                    }
                }
            }
            Message::Subscribe {
                conn,
                account,
                id,
                reply,
            } => {
                self.hub.reply(conn, reply);
                if self.hub.conn(conn).is_some() {
                    self.users.subscribe(account, conn, id);
                }
            }
            Message::Unsubscribe { conn, ids, reply } => self.unsubscribe(conn, &ids, reply, now),
            Message::Close(conn) => {
                self.users.unsubscribe(conn, |_| true);
                for quiet in self.hub.close(conn) {
                    self.end(quiet);
                }
            }
            Message::Announce => {
                self.hub
                    .announce("!serverShutdown", |json| encode::server_shutdown(json, now));
            }
            Message::CloseAll => self.hub.close_all(Close::Shutdown),
            Message::Stop => {}
        }
    }

    fn unsubscribe(&mut self, conn: ConnId, ids: &[u32], reply: Bytes, now: Time) {
        self.users.unsubscribe(conn, |id| ids.contains(&id));
        if let Some(entry) = self.hub.conn(conn) {
            for id in ids {
                let body = encode(entry.unit, |json| report::stream_terminated(json, now));
                let frame = event_frame(entry.form, *id, &body);
                entry.outbox.push(entry.form.payload(frame));
            }
        }
        self.hub.reply(conn, reply);
    }

    fn begin(&mut self, topic_id: TopicId, topic: &Topic) {
        if topic.symbol.is_empty() {
            self.everywhere
                .extend(statistics::Everywhere::of(topic_id, topic.kind));
            return;
        }
        let market = self
            .by_symbol
            .get(&topic.symbol)
            .and_then(|id| self.markets.get_mut(id));
        match market {
            Some(market) => market.begin(&self.views, topic_id, topic.kind, self.seen),
            None => self.waiting.push((topic_id, topic.clone())),
        }
    }

    /// A later listener of a topic that only speaks of changes hears its present state with the next tick, as the first one did.
    fn refresh(&mut self, topic_id: TopicId, topic: &Topic) {
        for stream in self.everywhere.iter_mut().filter(|s| s.topic == topic_id) {
            stream.refresh();
        }
        if let Some(market) = self
            .by_symbol
            .get(&topic.symbol)
            .and_then(|id| self.markets.get_mut(id))
        {
            market.refresh(topic_id);
        }
    }

    fn end(&mut self, topic_id: TopicId) {
        self.waiting.retain(|(other, _)| *other != topic_id);
        self.everywhere.retain(|stream| stream.topic != topic_id);
        for market in self.markets.values_mut() {
            market.end(topic_id);
        }
    }

    fn apply(&mut self, batch: &Batch, now: Time) {
        for (record, events) in batch.iter() {
            self.seen = self.seen.max(record.time);
            self.record(record.seq, record.time, events, now.max(record.time));
        }
    }

    fn record(&mut self, seq: Seq, time: Time, events: &[Event], now: Time) {
        let mut touched: Option<InstrumentId> = None;
        for (index, event) in events.iter().enumerate() {
            let at = Moment {
                seq: seq.0,
                index,
                time,
                now,
            };
            self.follow_book(event, &mut touched, time, now);
            self.users
                .apply(&self.hub, &self.names, event, &events[index + 1..], at);
            if let Event::BlockTraded(traded) = event
                && let Some(market) = self.markets.get(&traded.trade.instrument)
            {
                market.tell_block(&self.hub, traded, time, now);
            }
            if matches!(
                event,
                Event::AssetCreated(_) | Event::InstrumentListed(_) | Event::InstrumentChanged(_)
            ) {
                self.seed(event);
            }
        }
        for aggregate in aggregates(events) {
            if let Some(market) = self.markets.get_mut(&aggregate.instrument) {
                market.last_aggregate += 1;
                let id = market.last_aggregate;
                let head = Head {
                    symbol: &market.symbol,
                    now,
                };
                for topic in market.listeners(Kind::AggTrade) {
                    self.hub.send(topic, |json| {
                        encode::agg_trade(json, &head, id, &aggregate, time)
                    });
                }
            }
        }
        if let Some(id) = touched {
            self.finish_market(id, time, now);
        }
        let at = Moment {
            seq: seq.0,
            index: events.len(),
            time,
            now,
        };
        self.users.finish(&self.hub, &self.names, events, at);
    }

    /// Tells what is told of a market once for a record.
    fn finish_market(&mut self, id: InstrumentId, time: Time, now: Time) {
        if let Some(market) = self.markets.get_mut(&id) {
            market.tell_trades(&self.hub, time, now);
            market.tell_touch(&self.hub, now);
        }
    }

    /// What an event changes about a level of the book.
    fn level_change(&self, event: &Event) -> Option<(InstrumentId, Side, Decimal, i128, UpdateId)> {
        Some(match event {
            Event::OrderRested(rested) => (
                rested.instrument,
                rested.side,
                rested.price,
                i128::from(rested.open_qty.0),
                rested.update,
            ),
            Event::Traded(trade) => {
                let maker = trade.aggressor_side.opposite();
                (
                    trade.instrument,
                    maker,
                    trade.price,
                    -i128::from(trade.qty.0),
                    trade.update,
                )
            }
            Event::OrderClosed(closed) => {
                let order = self.users.order(closed.instrument, closed.order);
                let (Some(update), Some(order)) = (closed.update, order) else {
                    return None;
                };
                (
                    closed.instrument,
                    order.side,
                    order.price,
                    -i128::from(closed.open_qty.0),
                    update,
                )
            }
            Event::OrderAmended(amended) => {
                let order = self.users.order(amended.instrument, amended.order)?;
                let delta = match order.iceberg_qty().is_zero() {
                    true => i128::from(amended.open_qty.0) - i128::from(order.open_qty().0),
                    // what is shown less of an iceberg is told by itself
                    false => 0,
                };
                (
                    amended.instrument,
                    order.side,
                    order.price,
                    delta,
                    amended.update,
                )
            }
            Event::IcebergShown(e) => (
                e.instrument,
                e.side,
                e.price,
                i128::from(e.delta.0),
                e.update,
            ),
            Event::OrderDecremented(e) => {
                let order = self.users.order(e.instrument, e.order);
                let (Some(update), Some(order)) = (e.update, order) else {
                    return None;
                };
                let delta = -i128::from(e.qty.0);
                (e.instrument, order.side, order.price, delta, update)
            }
            _ => return None,
        })
    }

    /// Keeps the book, the depth streams' changes and the candles; tells of trades. Before the order itself is followed: a canceled order is
    /// still known here.
    fn follow_book(
        &mut self,
        event: &Event,
        touched: &mut Option<InstrumentId>,
        time: Time,
        now: Time,
    ) {
        if let Event::Traded(trade) = event
            && let Some(market) = self.markets.get_mut(&trade.instrument)
        {
            market.tell_trade(&self.hub, trade, time, now);
        }
        let Some((instrument, side, price, delta, update)) = self.level_change(event) else {
            return;
        };
        if let Some(other) = touched.filter(|other| *other != instrument) {
            self.finish_market(other, time, now);
        }
        if let Some(market) = self.markets.get_mut(&instrument) {
            market.change(side, price, delta, update);
            *touched = Some(instrument);
        }
    }

    /// How often [`Feed::tick`] is to be called: often enough for the fastest stream that somebody listens to.
    #[must_use]
    pub fn period(&self) -> i64 {
        match self.hub.has_binary_topics() {
            true => crate::FAST_TICK_US,
            false => crate::TICK_US,
        }
    }

    /// Time has passed. Call it at every multiple of [`Feed::period`], or as soon after as possible.
    pub fn tick(&mut self, now: Time) {
        let passed = |us: i64| now.0.div_euclid(us) > self.ticked.0.div_euclid(us);
        let (tenth, second, two) = (passed(100_000), passed(1_000_000), passed(2_000_000));
        let (diffs, partials) = (passed(BINARY_DEPTH_US), passed(BINARY_PARTIAL_US));
        self.ticked = now;
        for market in self
            .markets
            .values_mut()
            .filter(|market| market.has_listeners())
        {
            market.roll_candles(&self.hub, self.seen, now);
            if diffs {
                market.tell_binary_depth(&self.hub, now);
            }
            if partials {
                market.tell_binary_partial(&self.hub, now);
            }
            if tenth {
                market.tell_depth(&self.hub, Speed::Ms100, now);
            }
            if second {
                market.tell_depth(&self.hub, Speed::Ms1000, now);
                market.tell_statistics(&self.hub, &self.views, now);
            }
            if two {
                market.tell_candles(&self.hub, now);
            }
        }
        if second {
            for stream in &mut self.everywhere {
                stream.tell(&self.hub, &self.views, &self.markets, now);
            }
        }
    }
}

#[cfg(test)]
mod tests;
