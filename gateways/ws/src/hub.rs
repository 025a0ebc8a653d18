//! Who listens to what, and how a frame reaches them: encoded once for each form that somebody listens in, and shared.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use kit::{Json, TimeUnit};

use crate::binary;
use crate::outbox::{Close, Outbox, Payload};
use crate::topic::Topic;

/// A connection, for as long as the program runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnId(pub u64);

/// A topic, for as long as somebody listens.
pub type TopicId = u32;

/// How a connection is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    Raw,
    /// `{"stream":…,"data":…}`
    Combined,
    /// The WebSocket API: `{"subscriptionId":…,"event":…}`
    Api,
    /// The WebSocket API in SBE.
    Binary,
    /// Market streams in SBE: events are binary, answers and announcements are texts.
    BinaryStreams,
}

impl Form {
    /// A frame for this connection alone: an answer, or an event of its account.
    #[must_use]
    pub fn payload(self, bytes: Bytes) -> Payload {
        match self {
            Form::Binary => Payload::binary(bytes),
            Form::Raw | Form::Combined | Form::Api | Form::BinaryStreams => Payload::text(bytes),
        }
    }
}

#[derive(Debug)]
pub struct Conn {
    pub outbox: Arc<Outbox>,
    pub unit: TimeUnit,
    pub form: Form,
    topics: Vec<TopicId>,
}

#[derive(Debug)]
struct Listeners {
    name: Box<str>,
    conflates: bool,
    is_binary: bool,
    conns: Vec<ConnId>,
}

#[derive(Debug, Default)]
pub struct Hub {
    conns: HashMap<ConnId, Conn>,
    topics: HashMap<TopicId, Listeners>,
    /// A name may mean one stream in JSON and another in SBE.
    by_name: [HashMap<Box<str>, TopicId>; 2],
    last_topic: TopicId,
}

impl Hub {
    pub fn open(&mut self, id: ConnId, outbox: Arc<Outbox>, unit: TimeUnit, form: Form) {
        let conn = Conn {
            outbox,
            unit,
            form,
            topics: Vec::new(),
        };
        self.conns.insert(id, conn);
    }

    /// Forgets a connection; the topics that nobody listens to any more.
    pub fn close(&mut self, id: ConnId) -> Vec<TopicId> {
        let Some(conn) = self.conns.remove(&id) else {
            return Vec::new();
        };
        let quiet = conn.topics.iter().filter(|topic| self.leave(id, **topic));
        quiet.copied().collect::<Vec<_>>()
    }

    pub fn set_combined(&mut self, id: ConnId, combined: bool) {
        if let Some(conn) = self.conns.get_mut(&id) {
            match conn.form {
                Form::Raw | Form::Combined if combined => conn.form = Form::Combined,
                Form::Raw | Form::Combined => conn.form = Form::Raw,
                // an event in SBE names its symbol itself and has no wrapper
                Form::Api | Form::Binary | Form::BinaryStreams => {}
            }
        }
    }

    /// The topic, and whether this is its first listener.
    pub fn listen(&mut self, id: ConnId, topic: &Topic) -> Option<(TopicId, bool)> {
        let conn = self.conns.get_mut(&id)?;
        let is_binary = topic.kind.is_binary();
        let names = &mut self.by_name[usize::from(is_binary)];
        let known = names.get(&topic.name).copied();
        let topic_id = known.unwrap_or_else(|| {
            self.last_topic += 1;
            names.insert(topic.name.clone(), self.last_topic);
            let listeners = Listeners {
                name: topic.name.clone(),
                conflates: topic.kind.conflates(),
                is_binary,
                conns: Vec::new(),
            };
            self.topics.insert(self.last_topic, listeners);
            self.last_topic
        });
        if !conn.topics.contains(&topic_id) {
            conn.topics.push(topic_id);
            if let Some(listeners) = self.topics.get_mut(&topic_id) {
                listeners.conns.push(id);
            }
        }
        Some((topic_id, known.is_none()))
    }

    /// Stops listening; the topic, when nobody listens to it any more.
    pub fn unlisten(&mut self, id: ConnId, name: &str) -> Option<TopicId> {
        let conn = self.conns.get_mut(&id)?;
        let is_binary = conn.form == Form::BinaryStreams;
        let topic = *self.by_name[usize::from(is_binary)].get(name)?;
        conn.topics.retain(|other| *other != topic);
        self.leave(id, topic).then_some(topic)
    }

    fn leave(&mut self, id: ConnId, topic: TopicId) -> bool {
        let Some(listeners) = self.topics.get_mut(&topic) else {
            return false;
        };
        listeners.conns.retain(|other| *other != id);
        if !listeners.conns.is_empty() {
            return false;
        }
        if let Some(listeners) = self.topics.remove(&topic) {
            self.by_name[usize::from(listeners.is_binary)].remove(&listeners.name);
        }
        true
    }

    /// Hands a frame to everybody who listens to the topic.
    pub fn send(&self, topic: TopicId, write: impl Fn(&mut Json)) {
        let Some(listeners) = self.topics.get(&topic) else {
            return;
        };
        let mut forms: [[Option<Bytes>; 2]; 2] = Default::default();
        for id in &listeners.conns {
            let Some(conn) = self.conns.get(id) else {
                continue;
            };
            let combined = conn.form == Form::Combined;
            let [raw, wrapped] = &mut forms[usize::from(conn.unit == TimeUnit::Micros)];
            let body = raw.get_or_insert_with(|| encode(conn.unit, &write));
            let frame = if combined {
                wrapped.get_or_insert_with(|| wrap(&listeners.name, body))
            } else {
                body
            };
            let frame = Payload::text(frame.clone());
            if listeners.conflates {
                conn.outbox.push_latest(topic, frame);
            } else {
                conn.outbox.push(frame);
            }
        }
    }

    /// Hands one message in SBE to everybody who listens to the topic.
    pub fn send_binary(&self, topic: TopicId, message: Vec<u8>) {
        let Some(listeners) = self.topics.get(&topic) else {
            return;
        };
        let frame = Payload::binary(Bytes::from(message));
        let conns = listeners.conns.iter().filter_map(|id| self.conns.get(id));
        for conn in conns {
            if listeners.conflates {
                conn.outbox.push_latest(topic, frame.clone());
            } else {
                conn.outbox.push(frame.clone());
            }
        }
    }

    /// Whether somebody listens to a stream in SBE.
    pub fn has_binary_topics(&self) -> bool {
        let [_, binary] = &self.by_name;
        !binary.is_empty()
    }

    pub fn conn(&self, id: ConnId) -> Option<&Conn> {
        self.conns.get(&id)
    }

    /// Hands a frame to one connection as it is.
    pub fn reply(&self, id: ConnId, frame: Bytes) {
        if let Some(conn) = self.conns.get(&id) {
            conn.outbox.push(conn.form.payload(frame));
        }
    }

    /// Tells every connection something about itself, in its own form; `name` is the stream's name in the combined one.
    pub fn announce(&self, name: &str, write: impl Fn(&mut Json)) {
        for conn in self.conns.values() {
            let body = encode(conn.unit, &write);
            let frame = match conn.form {
                Form::Raw | Form::BinaryStreams => body,
                Form::Combined => wrap(name, &body),
                Form::Binary => binary::event(None, &body),
                Form::Api => {
                    let mut json = Json::new(conn.unit);
                    json.begin().raw("event", &body).end();
                    Bytes::from(json.finish())
                }
            };
            conn.outbox.push(conn.form.payload(frame));
        }
    }

    pub fn close_all(&self, why: Close) {
        for conn in self.conns.values() {
            conn.outbox.close(why);
        }
    }
}

pub fn encode(unit: TimeUnit, write: impl Fn(&mut Json)) -> Bytes {
    let mut json = Json::new(unit);
    write(&mut json);
    Bytes::from(json.finish())
}

fn wrap(name: &str, body: &[u8]) -> Bytes {
    let mut json = Json::onto(
        Vec::with_capacity(body.len() + name.len() + 24),
        TimeUnit::Millis,
    );
    json.begin().str("stream", name).raw("data", body).end();
    Bytes::from(json.finish())
}
