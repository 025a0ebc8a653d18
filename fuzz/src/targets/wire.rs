//! Decoders of binary messages: FIX, SBE, and the bytes that the program itself keeps.

use protocol::{Event, Events, Request, Wire};
use serde_json::json;
use testkit::random::{self, Commands, Features};
use testkit::{Exchange, registry};

use crate::Trial;

/// Takes message after message off the bytes, as a session does.
pub fn fix() -> Trial {
    Box::new(|bytes| {
        let mut rest = bytes;
        let mut said = String::new();
        for _ in 0..9 {
            let Some((used, message)) = fix::codec::take(rest) else {
                said.push_str("more ");
                break;
            };
            assert!(used <= rest.len(), "{used} of {} bytes taken", rest.len());
            match message {
                Ok(_) => said.push_str("message "),
                Err(garbled) => {
                    said.push_str(&format!("{garbled:?} "));
                    break;
                }
            }
            rest = &rest[used..];
        }
        said
    })
}

/// What was decoded is encoded again, where it is a message of the newest version.
pub fn sbe() -> Trial {
    Box::new(|bytes| {
        let mut said = String::new();
        for schema in [&*sbe::SPOT, &*sbe::STREAM] {
            match sbe::decode::decode(schema, bytes) {
                Ok(decoded) => {
                    let again = sbe::encode::encode(
                        schema,
                        decoded.version,
                        decoded.template,
                        &decoded.json,
                    );
                    said.push_str(&format!("{} {}; ", decoded.template, again.is_ok()));
                }
                Err(error) => {
                    // without the numbers, which are the input's
                    let words = error.chars().filter(|c| !c.is_ascii_digit());
                    said.extend(words.take(60));
                    said.push_str("; ");
                }
            }
        }
        said
    })
}

pub fn sbe_seeds() -> Vec<Vec<u8>> {
    let messages = [
        (
            101,
            json!({"id": "7", "status": 200, "rateLimits": [], "result": null}),
        ),
        (102, json!({"serverTime": 1_700_000_000_000_000_u64})),
        (
            200,
            json!({"lastUpdateId": 27, "bids": [["4.5", "3"], ["4.25", "1"]], "asks": [["5", "2"]]}),
        ),
    ];
    let mut seeds = Vec::new();
    for schema in [&*sbe::SPOT, &*sbe::STREAM] {
        for (template, json) in &messages {
            if let Ok(message) = sbe::encode::encode(schema, 5, *template, json) {
                seeds.push(message.bytes);
            }
        }
    }
    // a header of each kind of message, with room behind it
    for template in (1..1_100_u16).chain(10_000..10_004) {
        for (schema, version) in [(3_u16, 5_u16), (1, 0)] {
            let mut bytes = Vec::new();
            for word in [16, template, schema, version] {
                bytes.extend_from_slice(&word.to_le_bytes());
            }
            bytes.resize(96, 0);
            let known = |schema| sbe::decode::decode(schema, &bytes);
            let unknown = |said: &Result<_, String>| {
                said.as_ref()
                    .is_err_and(|e: &String| e.contains("template"))
            };
            if !unknown(&known(&sbe::SPOT)) || !unknown(&known(&sbe::STREAM)) {
                seeds.push(bytes);
            }
        }
    }
    seeds.truncate(120);
    seeds
}

const EVERYTHING: Features = Features {
    conditional: true,
    groups: true,
    icebergs: true,
    pegs: true,
    lists: true,
    ranges: true,
    venue: true,
};

/// A short history of every feature: its accepted requests, their events, and a snapshot now and then.
fn history(seed: u64, steps: u64) -> (Exchange, Vec<Request>, Events, Vec<Vec<u8>>) {
    let mut exchange = Exchange::new();
    random::furnish(&mut exchange);
    let mut commands = Commands::with(seed, EVERYTHING);
    let (mut events, mut snapshots) = (Vec::new(), Vec::new());
    for step in 0..steps {
        let (actor, command) = commands.command();
        exchange.time = exchange.time.plus_micros(2_000_000);
        if exchange.run(actor, command).is_ok() {
            events.extend(exchange.events.iter().cloned());
        }
        if step % 60 == 59 {
            snapshots.push(exchange.snapshot());
        }
    }
    let requests = exchange.records().iter().map(|r| r.request.clone());
    let requests = requests.collect();
    (exchange, requests, events, snapshots)
}

/// A first byte says which of both it is.
pub fn record_seeds() -> Vec<Vec<u8>> {
    let (_, requests, events, _) = history(7, 300);
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for request in requests.iter().step_by(3) {
        let mut bytes = vec![0];
        request.put(&mut bytes);
        seeds.push(bytes);
    }
    for event in events.iter().step_by(7) {
        let mut bytes = vec![1];
        event.put(&mut bytes);
        seeds.push(bytes);
    }
    seeds
}

/// The first word of what `Debug` says.
fn name(debug: &str) -> String {
    let end = debug.find(|c: char| !c.is_alphanumeric());
    debug[..end.unwrap_or(debug.len())].to_owned()
}

fn taken<T: Wire + PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    name: impl Fn(&T) -> String,
) -> String {
    let mut rest = bytes;
    match T::take(&mut rest) {
        Ok(value) => {
            let mut again = Vec::new();
            value.put(&mut again);
            let mut rest = &again[..];
            assert_eq!(T::take(&mut rest).as_ref(), Ok(&value), "{again:?}");
            assert!(rest.is_empty(), "more is written than is read: {again:?}");
            name(&value)
        }
        Err(malformed) => malformed.to_string(),
    }
}

/// What is read is written so that it is read again as the same.
pub fn record() -> Trial {
    Box::new(|bytes| match bytes.split_first() {
        Some((kind, bytes)) if kind % 2 == 0 => {
            taken(bytes, |r: &Request| name(&format!("{:?}", r.command)))
        }
        Some((_, bytes)) => taken(bytes, |e: &Event| name(&format!("{e:?}"))),
        None => "nothing".to_owned(),
    })
}

/// Without the digest at their end, which the trial writes anew.
pub fn snapshot_seeds() -> Vec<Vec<u8>> {
    let mut seeds = history(11, 300).3;
    seeds.push(Exchange::new().snapshot());
    for seed in &mut seeds {
        seed.truncate(seed.len() - DIGEST);
    }
    seeds
}

const DIGEST: usize = 16;

fn with_digest(body: &[u8]) -> Vec<u8> {
    let digest = xxhash_rust::xxh3::xxh3_128(body);
    [body, &digest.to_le_bytes()[..]].concat()
}

/// An engine that was restored passes its audit and writes a snapshot that is read as the same state.
pub fn snapshot() -> Trial {
    let restore = |bytes: &[u8]| match engine::Engine::restore(registry(), bytes) {
        Ok(engine) => {
            if let Err(violation) = engine.audit() {
                panic!("it was restored and does not pass its audit: {violation}");
            }
            let mut again = Vec::new();
            engine.snapshot(&mut |piece| again.extend_from_slice(piece));
            match engine::Engine::restore(registry(), &again) {
                Ok(second) => assert_eq!(second.digest(), engine.digest()),
                Err(corrupt) => panic!("what it writes cannot be read: {corrupt}"),
            }
            "restored".to_owned()
        }
        Err(corrupt) => {
            let words = corrupt.0.chars().filter(|c| !c.is_ascii_digit());
            words.take(60).collect()
        }
    };
    Box::new(move |bytes| {
        restore(bytes);
        restore(&with_digest(bytes))
    })
}
