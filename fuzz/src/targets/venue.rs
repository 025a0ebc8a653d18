//! Decoders that are the server's own: a whole exchange listens on a free port of the loopback, and each input is a connection.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use journal::{FileStorage, Folder};
use kit::{Context, Desk as _, Profile, Router};
use sequencer::{Recovered, Rules, SystemClock};
use serde_json::json;
use testkit::registry;
use tokio::runtime::Runtime;

use crate::Trial;

/// How long the server may be silent before an input counts as one that it waits for more of.
const SILENCE: Duration = Duration::from_millis(25);
/// How long an answer may take that has to come.
const PATIENCE: Duration = Duration::from_secs(60);

struct Venue {
    address: SocketAddr,
    stop: rest::Stop,
    feed: ws::FeedHandle,
    sequencer: Option<sequencer::Sequencer>,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

fn rules() -> Rules {
    Rules::new(|snapshot| match snapshot {
        None => Ok(engine::Engine::new(registry())),
        Some(bytes) => engine::Engine::restore(registry(), bytes),
    })
}

impl Venue {
    /// With one market, TIDEUSDT.
    fn open() -> Venue {
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(Venue::serve()).put(runtime)
    }

    async fn serve() -> Opened {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let storage = FileStorage::new(folder.path()).expect("a data folder");
        let mut options = sequencer::Options::default();
        options.journal.durability = journal::Durability::None;
        let recovered = Folder::open(storage)
            .map_err(Into::into)
            .and_then(|folder| Recovered::open(folder, rules(), options))
            .expect("an empty data folder");
        let now = || sequencer::Clock::now(&SystemClock);
        let url = format!("sqlite:{}", folder.path().join("history.db").display());
        let (views, views_reader) = views::Views::open(views::Options::new(url, now))
            .expect("views")
            .start(recovered.position.seq, |tell| recovered.engine.tell(tell))
            .expect("views that start");
        let mut feed = ws::Feed::new(views.clone());
        recovered.engine.tell(&mut |event| feed.seed(&event));
        let (feed, feed_reader, _) = ws::start(feed, Arc::new(now)).expect("a feed");
        let relay = relay::Relay::new().with(views_reader).with(feed_reader);
        let sequencer = recovered
            .start(relay, Arc::new(SystemClock), |fatal| panic!("{fatal:?}"))
            .expect("a sequencer");
        let context = Arc::new(Context {
            sequencer: sequencer.client.clone(),
            keys: identity::Keys::open(folder.path()).await.expect("keys"),
            limits: Arc::new(kit::Limits::new(Profile::WIDE)),
            views,
        });
        let router = Arc::new(Router::new(spot_edge::TABLES));
        let gateway = ws::Gateway::new(context.clone(), router.clone(), feed.clone());
        let stop = rest::Stop::new();
        let sandbox = sandbox::Sandbox::new(context.clone());
        let symbol = json!({"symbol": "TIDEUSDT", "baseAsset": "TIDE", "quoteAsset": "USDT"});
        let (status, _) = sandbox
            .answer("POST", "/symbols", symbol.to_string().as_bytes())
            .await;
        assert_eq!(status, 200, "the market is listed");
        let site = rest::Site {
            context,
            hosts: rest::Hosts {
                default: router,
                named: Vec::new(),
            },
            upgrades: Some(Arc::new(gateway)),
            sandbox: Some(Arc::new(sandbox)),
            metrics: rest::Metrics::new(),
            bounds: rest::Bounds::default(),
            stop: stop.clone(),
        };
        let listener = rest::Listener::bind(([127, 0, 0, 1], 0).into())
            .await
            .expect("a free port");
        let address = listener.address();
        tokio::spawn(listener.serve(Arc::new(site), stop.clone()));
        Opened {
            address,
            stop,
            feed,
            sequencer,
            folder,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket option");
        stream
    }

    /// A WebSocket, after its upgrade.
    fn upgraded(&self, path: &str) -> TcpStream {
        let mut stream = self.connect();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it is sent");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket option");
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).expect("an upgrade");
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "an upgrade");
        stream
    }

    /// Sends the bytes and reads what the server says to them, at most so much.
    fn say(&self, stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
        // a server that has closed already takes no more
        let _ = stream.write_all(bytes);
        stream
            .set_read_timeout(Some(SILENCE))
            .expect("a socket option");
        let mut answer = vec![0; 4096];
        let first = stream.read(&mut answer).unwrap_or(0);
        answer.truncate(first);
        let _ = stream.shutdown(Shutdown::Both);
        answer
    }

    /// The server still answers.
    fn is_alive(&self) -> bool {
        let mut stream = self.connect();
        let asked =
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket option");
        let mut answer = Vec::new();
        asked.is_ok()
            && stream.read_to_end(&mut answer).is_ok()
            && answer.starts_with(b"HTTP/1.1 200")
    }
}

/// All of a venue but what runs it.
struct Opened {
    address: SocketAddr,
    stop: rest::Stop,
    feed: ws::FeedHandle,
    sequencer: sequencer::Sequencer,
    folder: tempfile::TempDir,
}

impl Opened {
    fn put(self, runtime: Runtime) -> Venue {
        Venue {
            address: self.address,
            stop: self.stop,
            feed: self.feed,
            sequencer: Some(self.sequencer),
            runtime,
            _folder: self.folder,
        }
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        self.stop.stop();
        let feed = &self.feed;
        self.runtime.block_on(feed.shut_down(PATIENCE));
        if let Some(sequencer) = self.sequencer.take() {
            let _ = sequencer.stop();
        }
    }
}

/// A trial that asks every so often whether the server still answers.
fn served(mut one: impl FnMut(&Venue, &[u8]) -> String + 'static) -> Trial {
    let venue = Venue::open();
    let mut tried = 0_u64;
    Box::new(move |bytes| {
        let said = one(&venue, bytes);
        tried += 1;
        if tried.is_multiple_of(50) {
            assert!(venue.is_alive(), "the server does not answer any more");
        }
        said
    })
}

/// The status line's number, or that there was none.
fn status(answer: &[u8]) -> String {
    match answer
        .strip_prefix(b"HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
    {
        Some(status) => String::from_utf8_lossy(status).into_owned(),
        None => "silence".to_owned(),
    }
}

pub fn http() -> Trial {
    served(|venue, bytes| {
        let mut bytes = bytes.to_vec();
        // so that most heads end somewhere
        bytes.extend_from_slice(b"\r\n\r\n");
        let answer = venue.say(&mut venue.connect(), &bytes);
        let code = answer
            .windows(7)
            .position(|w| w == b"\"code\":")
            .map(|at| &answer[at + 7..(at + 12).min(answer.len())]);
        let code = code.map(String::from_utf8_lossy).unwrap_or_default();
        format!("{} {code}", status(&answer))
    })
}

/// A masked frame, with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(0x80 | len as u8),
        len @ 126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}

/// Frames of each kind, some in pieces.
pub fn frames() -> Vec<Vec<u8>> {
    let text = br#"{"id":1,"method":"ping"}"#;
    let pieces = [
        frame(0x01, &text[..9]),
        frame(0x89, b"x"),
        frame(0x80, &text[9..]),
    ];
    vec![
        frame(0x81, text),
        frame(0x82, b"\0\x01\x02"),
        frame(0x89, b"ping"),
        frame(0x8A, b"pong"),
        frame(0x88, &[0x03, 0xE8, b'o', b'k']),
        frame(0x81, &[b'x'; 300]),
        pieces.concat(),
    ]
}

/// What a frame of the server is: its kind, and the status that it tells.
fn kind(answer: &[u8]) -> String {
    let Some(first) = answer.first() else {
        return "silence".to_owned();
    };
    let text = String::from_utf8_lossy(answer);
    let after = |mark: &str| {
        let at = text.find(mark)? + mark.len();
        let rest = text[at..].chars();
        Some(
            rest.take_while(|c| c.is_ascii_digit() || *c == '-')
                .collect::<String>(),
        )
    };
    let code = after("\"code\":").or_else(|| after("\"status\":"));
    format!("{:x} {}", first & 0x0F, code.unwrap_or_default())
}

pub fn websocket() -> Trial {
    served(|venue, bytes| {
        let mut stream = venue.upgraded("/ws-api/v3");
        kind(&venue.say(&mut stream, bytes))
    })
}

pub fn json_frame() -> Trial {
    served(|venue, bytes| {
        let mut stream = venue.upgraded("/ws-api/v3");
        kind(&venue.say(&mut stream, &frame(0x81, bytes)))
    })
}

pub fn control_frame() -> Trial {
    served(|venue, bytes| {
        let mut stream = venue.upgraded("/stream");
        kind(&venue.say(&mut stream, &frame(0x81, bytes)))
    })
}
