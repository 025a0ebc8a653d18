//! A whole exchange with FIX doors on free ports of the loopback, and clients over TLS.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use fix::codec::{self, Body, Header, Message};
use journal::{FileStorage, Folder};
use kit::{Context, Desk as _, Profile, Router};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use sequencer::{Recovered, Rules, SystemClock};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

pub struct Venue {
    /// Order entry, drop copy and market data: in tag=value, mixed, in SBE.
    pub addresses: Vec<std::net::SocketAddr>,
    pub context: Arc<Context>,
    pub folder: tempfile::TempDir,
    sandbox: sandbox::Sandbox,
    serving: fix::Serving,
    feed: ws::FeedHandle,
    sequencer: sequencer::Sequencer,
}

fn rules() -> Rules {
    let registry = || contract::Registry::new().contract(spot_rules::Spot);
    Rules::new(move |snapshot| match snapshot {
        None => Ok(engine::Engine::new(registry())),
        Some(bytes) => engine::Engine::restore(registry(), bytes),
    })
}

impl Venue {
    /// With one market, TIDEUSDT.
    pub async fn open(profile: Profile) -> Venue {
        let folder = tempfile::tempdir().unwrap();
        let storage = FileStorage::new(folder.path()).unwrap();
        let mut options = sequencer::Options::default();
        options.journal.durability = journal::Durability::None;
        let recovered = Recovered::open(Folder::open(storage).unwrap(), rules(), options).unwrap();
        let now = || sequencer::Clock::now(&SystemClock);
        let url = format!("sqlite:{}", folder.path().join("history.db").display());
        let opening = views::Views::open(views::Options::new(url, now)).unwrap();
        let (views, views_reader) = opening
            .start(recovered.position.seq, |tell| recovered.engine.tell(tell))
            .unwrap();
        let sessions = Arc::new(fix::Sessions::new(views.clone()));
        let listener = Arc::clone(&sessions) as Arc<dyn ws::Listener>;
        let mut feed = ws::Feed::new(views.clone()).with_listener(listener);
        recovered.engine.tell(&mut |event| feed.seed(&event));
        let (feed, feed_reader, _) = ws::start(feed, Arc::new(now)).unwrap();
        let limits = Arc::new(kit::Limits::new(profile));
        let relay = relay::Relay::new()
            .with(views_reader)
            .with(feed_reader)
            .with(kit::FillsReader::new(Arc::clone(&limits)));
        let sequencer = recovered
            .start(relay, Arc::new(SystemClock), |fatal| panic!("{fatal:?}"))
            .unwrap();
        let context = Arc::new(Context {
            sequencer: sequencer.client.clone(),
            keys: identity::Keys::open(folder.path()).await.unwrap(),
            limits,
            views,
        });
        let listeners = fix::Listeners::bind(([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        let codings = [fix::Coding::Text, fix::Coding::Mixed, fix::Coding::Binary];
        let addresses = codings.map(|coding| listeners.addresses(coding).unwrap());
        let addresses = addresses.concat();
        let gateway = fix::Gateway {
            context: Arc::clone(&context),
            router: Arc::new(Router::new(spot_edge::TABLES)),
            sessions,
            tls: fix::ca::server_config(folder.path(), &[addresses[0].ip()]).unwrap(),
        };
        let venue = Venue {
            addresses,
            sandbox: sandbox::Sandbox::new(Arc::clone(&context)),
            context,
            folder,
            serving: gateway.serve(listeners),
            feed,
            sequencer,
        };
        let symbol = json!({"symbol": "TIDEUSDT", "baseAsset": "TIDE", "quoteAsset": "USDT"});
        venue.sandbox("POST", "/symbols", &symbol).await;
        venue
    }

    pub async fn sandbox(&self, verb: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self
            .sandbox
            .answer(verb, path, body.to_string().as_bytes())
            .await;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(status, 200, "{verb} {path}: {answer}");
        answer
    }

    /// An account with plenty of both assets and an Ed25519 key.
    pub async fn trader(&self) -> Trader {
        let random = ring::rand::SystemRandom::new();
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        // the fixed head of an Ed25519 public key's SubjectPublicKeyInfo
        let mut der = hex::decode("302a300506032b6570032100").unwrap();
        der.extend_from_slice(pair.public_key().as_ref());
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
        let asked = json!({"balances": {"TIDE": "1000", "USDT": "1000"}, "keyType": "ED25519", "publicKey": pem});
        let opened = self.sandbox("POST", "/accounts", &asked).await;
        Trader {
            api_key: opened["apiKey"].as_str().unwrap().to_owned(),
            pair,
        }
    }

    pub async fn connect(&self, door: usize, comp_id: &str) -> Client {
        Client {
            stream: self.stream(door).await,
            comp_id: comp_id.to_owned(),
            seq: 0,
            heard: 0,
            received: Vec::new(),
            passed_over: Vec::new(),
        }
    }

    /// A connection on which nothing has been said yet.
    pub async fn stream(&self, door: usize) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        let authority: PathBuf = fix::ca::authority_path(self.folder.path());
        roots
            .add(CertificateDer::from_pem_file(authority).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.addresses[door]).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.unwrap()
    }

    /// A connection that has logged on.
    pub async fn session(&self, door: usize, trader: &Trader, comp_id: &str) -> Client {
        self.session_with(door, trader, comp_id, "").await
    }

    pub async fn session_with(
        &self,
        door: usize,
        trader: &Trader,
        comp_id: &str,
        more: &str,
    ) -> Client {
        let mut client = self.connect(door, comp_id).await;
        let drop_copy = if door == 1 { "|9406=Y" } else { "" };
        client
            .log_on(
                trader,
                &format!("98=0|108=30|141=Y|25035=2{drop_copy}{more}"),
            )
            .await;
        let answer = client.next().await.expect("an answer to the logon");
        assert_eq!(answer.kind(), "A", "{answer:?}");
        client
    }

    /// Ends everything in order.
    pub async fn close(self) {
        self.serving.shut_down(Duration::from_secs(30)).await;
        self.feed.shut_down(Duration::from_secs(30)).await;
        let sequencer = self.sequencer;
        tokio::task::spawn_blocking(move || sequencer.stop())
            .await
            .unwrap()
            .unwrap();
    }
}

pub struct Trader {
    pub api_key: String,
    pub pair: Ed25519KeyPair,
}

pub struct Client {
    pub stream: TlsStream<TcpStream>,
    pub comp_id: String,
    pub seq: u64,
    heard: u64,
    received: Vec<u8>,
    passed_over: Vec<Message>,
}

/// Long enough for any machine; a test that waits this long has failed.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what)
        .await
        .expect("nothing happened for thirty seconds")
}

impl Client {
    /// Sends a message of the next number; `fields` with bars between them.
    pub async fn send(&mut self, kind: &'static str, fields: &str) {
        self.seq += 1;
        self.send_numbered(kind, fields, self.seq).await;
    }

    pub async fn send_numbered(&mut self, kind: &'static str, fields: &str, seq: u64) {
        let mut body = Body::new(kind);
        for field in fields.split('|').filter(|field| !field.is_empty()) {
            let (tag, value) = field.split_once('=').unwrap();
            body.put(tag.parse().unwrap(), value);
        }
        self.send_body(&body, seq, sequencer::Clock::now(&SystemClock))
            .await;
    }

    async fn send_body(&mut self, body: &Body, seq: u64, sent: types::Time) {
        let header = Header {
            sender: &self.comp_id,
            target: "SPOT",
            seq,
            sent,
        };
        let mut out = Vec::new();
        codec::put(&mut out, &header, body.kind, &body.bytes);
        self.send_bytes(&out).await;
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        soon(self.stream.write_all(bytes)).await.unwrap();
        soon(self.stream.flush()).await.unwrap();
    }

    /// Sends a logon that `trader` signs.
    pub async fn log_on(&mut self, trader: &Trader, fields: &str) {
        self.seq += 1;
        let sent = sequencer::Clock::now(&SystemClock);
        let payload = format!(
            "A\u{1}{}\u{1}SPOT\u{1}{}\u{1}{}",
            self.comp_id,
            self.seq,
            codec::Utc(sent)
        );
        let signature =
            base64::engine::general_purpose::STANDARD.encode(trader.pair.sign(payload.as_bytes()));
        let mut body = Body::new("A");
        body.put(95, signature.len())
            .put(96, signature)
            .put(553, &trader.api_key);
        for field in fields.split('|').filter(|field| !field.is_empty()) {
            let (tag, value) = field.split_once('=').unwrap();
            body.put(tag.parse().unwrap(), value);
        }
        self.send_body(&body, self.seq, sent).await;
    }

    /// The next message, whose number and names are checked; `None` when the connection has ended.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((length, message)) = codec::take(&self.received) {
                self.received.drain(..length);
                let message = message.expect("the exchange writes sound messages");
                self.heard += 1;
                assert_eq!(
                    message.get(34),
                    Some(self.heard.to_string().as_str()),
                    "{message:?}"
                );
                assert_eq!(
                    (message.get(49), message.get(56)),
                    (Some("SPOT"), Some(self.comp_id.as_str()))
                );
                return Some(message);
            }
            match soon(self.stream.read_buf(&mut self.received)).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The first message that passes; others are kept.
    pub async fn wait(&mut self, passes: impl Fn(&Message) -> bool) -> Message {
        if let Some(place) = self.passed_over.iter().position(&passes) {
            return self.passed_over.remove(place);
        }
        loop {
            let message = self
                .next()
                .await
                .unwrap_or_else(|| panic!("the connection ended; kept: {:?}", self.passed_over));
            if passes(&message) {
                return message;
            }
            self.passed_over.push(message);
        }
    }

    pub async fn kind(&mut self, kind: &str) -> Message {
        self.wait(|message| message.kind() == kind).await
    }

    /// The execution report of this `ExecType` for this `ClOrdID`.
    pub async fn report(&mut self, exec_type: &str, client_id: &str) -> Message {
        self.wait(|message| {
            message.kind() == "8"
                && message.get(150) == Some(exec_type)
                && message.get(11) == Some(client_id)
        })
        .await
    }

    /// The `Reject` of the last message: its code and the tag that it names.
    pub async fn rejected(&mut self) -> (i32, Option<u32>) {
        let message = self.kind("3").await;
        (
            message.get(25016).unwrap().parse().unwrap(),
            message.get(371).map(|tag| tag.parse().unwrap()),
        )
    }

    /// Asks for a heartbeat: whatever was sent before it has been answered or never will be at once.
    pub async fn ping(&mut self, id: &str) {
        self.send("1", &format!("112={id}")).await;
        let answer = self
            .wait(|message| message.kind() == "0" && message.get(112).is_some())
            .await;
        assert_eq!(answer.get(112), Some(id));
    }

    /// Whether nothing was passed over that passes.
    pub fn kept(&self, passes: impl Fn(&Message) -> bool) -> usize {
        self.passed_over
            .iter()
            .filter(|message| passes(message))
            .count()
    }
}
