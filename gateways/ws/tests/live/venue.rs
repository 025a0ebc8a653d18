//! A whole exchange on a free port of the loopback, and clients of its WebSockets.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures_util::{SinkExt as _, StreamExt as _};
use journal::{FileStorage, Folder};
use kit::{Context, Desk as _, Profile, Router};
use ring::signature::KeyPair as _;
use sequencer::{Recovered, Rules, SystemClock};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_websockets::{ClientBuilder, MaybeTlsStream, Message, WebSocketStream};

pub struct Venue {
    pub address: std::net::SocketAddr,
    pub feed: ws::FeedHandle,
    sandbox: sandbox::Sandbox,
    stop: rest::Stop,
    sequencer: Option<sequencer::Sequencer>,
    _folder: tempfile::TempDir,
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
        let mut feed = ws::Feed::new(views.clone());
        recovered.engine.tell(&mut |event| feed.seed(&event));
        let (feed, feed_reader, _) = ws::start(feed, Arc::new(now)).unwrap();
        let relay = relay::Relay::new().with(views_reader).with(feed_reader);
        let sequencer = recovered
            .start(relay, Arc::new(SystemClock), |fatal| panic!("{fatal:?}"))
            .unwrap();
        let context = Arc::new(Context {
            sequencer: sequencer.client.clone(),
            keys: identity::Keys::open(folder.path()).await.unwrap(),
            limits: Arc::new(kit::Limits::new(profile)),
            views,
        });
        let router = Arc::new(Router::new(spot_edge::TABLES));
        let gateway = ws::Gateway::new(context.clone(), router.clone(), feed.clone());
        let stop = rest::Stop::new();
        let site = rest::Site {
            context: context.clone(),
            hosts: rest::Hosts {
                default: router,
                named: Vec::new(),
            },
            upgrades: Some(Arc::new(gateway)),
            sandbox: None,
            metrics: rest::Metrics::new(),
            bounds: rest::Bounds::default(),
            stop: stop.clone(),
        };
        let listener = rest::Listener::bind(([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        let address = listener.address();
        tokio::spawn(listener.serve(Arc::new(site), stop.clone()));
        let sandbox = sandbox::Sandbox::new(context);
        let venue = Venue {
            address,
            feed,
            sandbox,
            stop,
            sequencer: Some(sequencer),
            _folder: folder,
        };
        venue
            .sandbox(
                "POST",
                "/symbols",
                &json!({"symbol": "TIDEUSDT", "baseAsset": "TIDE", "quoteAsset": "USDT"}),
            )
            .await;
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

    /// A trader with an HMAC key and plenty of both assets.
    pub async fn trader(&self) -> Trader {
        let opened = self
            .sandbox(
                "POST",
                "/accounts",
                &json!({"balances": {"TIDE": "1000", "USDT": "1000"}}),
            )
            .await;
        let secret = opened["secretKey"].as_str().unwrap().to_owned();
        Trader {
            account: opened["accountId"].clone(),
            api_key: opened["apiKey"].as_str().unwrap().to_owned(),
            sign: Sign::Hmac(secret),
        }
    }

    /// A trader with an Ed25519 key.
    pub async fn modern_trader(&self) -> Trader {
        let pkcs8 =
            ring::signature::Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new())
                .unwrap();
        let pair = ring::signature::Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        // the fixed head of an Ed25519 public key's SubjectPublicKeyInfo
        let mut der = hex::decode("302a300506032b6570032100").unwrap();
        der.extend_from_slice(pair.public_key().as_ref());
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
        let asked = json!({"balances": {"TIDE": "1000", "USDT": "1000"}, "keyType": "ED25519", "publicKey": pem});
        let opened = self.sandbox("POST", "/accounts", &asked).await;
        Trader {
            account: opened["accountId"].clone(),
            api_key: opened["apiKey"].as_str().unwrap().to_owned(),
            sign: Sign::Ed25519(pair),
        }
    }

    /// The status with which an address is refused.
    pub async fn refused(&self, path: &str) -> u16 {
        self.refused_with(path, &[]).await
    }

    pub async fn refused_with(&self, path: &str, headers: &[(&str, &str)]) -> u16 {
        match self.upgrade(path, headers).await {
            Err(tokio_websockets::Error::Upgrade(
                tokio_websockets::upgrade::Error::DidNotSwitchProtocols(status),
            )) => status,
            other => panic!("{path} was not refused: {:?}", other.is_ok()),
        }
    }

    /// A header called `host` is the name that the client believes to talk to.
    async fn upgrade(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, tokio_websockets::Error> {
        let host = headers.iter().find(|(name, _)| *name == "host");
        let host = host.map_or("127.0.0.1", |(_, host)| *host);
        let uri = format!("ws://{host}:{}{path}", self.address.port());
        let mut builder = ClientBuilder::from_uri(uri.parse().unwrap());
        for (name, value) in headers.iter().filter(|(name, _)| *name != "host") {
            let name = http::HeaderName::try_from(*name).unwrap();
            builder = builder.add_header(name, value.parse().unwrap()).unwrap();
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        let upgraded = builder.connect_on(MaybeTlsStream::Plain(stream));
        soon(upgraded).await.map(|(socket, _)| socket)
    }

    pub async fn connect(&self, path: &str) -> Client {
        self.connect_with(path, &[]).await
    }

    pub async fn connect_with(&self, path: &str, headers: &[(&str, &str)]) -> Client {
        let socket = self.upgrade(path, headers).await.expect("an upgrade");
        Client {
            socket,
            last_id: 0,
            passed_over: Vec::new(),
        }
    }

    /// Ends everything in order.
    pub async fn close(mut self) {
        self.stop.stop();
        self.feed.shut_down(Duration::from_secs(30)).await;
        let sequencer = self.sequencer.take().unwrap();
        tokio::task::spawn_blocking(move || sequencer.stop())
            .await
            .unwrap()
            .unwrap();
    }
}

/// Long enough for any machine; a test that waits this long has failed.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what)
        .await
        .expect("nothing happened for thirty seconds")
}

pub struct Trader {
    pub account: Value,
    pub api_key: String,
    sign: Sign,
}

enum Sign {
    Hmac(String),
    Ed25519(ring::signature::Ed25519KeyPair),
}

impl Trader {
    /// The parameters with key, time and signature.
    pub fn signed(&self, mut params: Value) -> Value {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        params["apiKey"] = self.api_key.clone().into();
        params["timestamp"] = u64::try_from(now.as_millis()).unwrap().into();
        let mut pairs: Vec<String> = Vec::new();
        for (name, value) in params.as_object().unwrap() {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            pairs.push(format!("{name}={text}"));
        }
        pairs.sort();
        params["signature"] = self.signature(&pairs.join("&")).into();
        params
    }

    fn signature(&self, text: &str) -> String {
        match &self.sign {
            Sign::Hmac(secret) => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
                hex::encode(ring::hmac::sign(&key, text.as_bytes()))
            }
            Sign::Ed25519(pair) => {
                base64::engine::general_purpose::STANDARD.encode(pair.sign(text.as_bytes()))
            }
        }
    }
}

pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u64,
    /// Frames that somebody else will ask for: an event may come before the answer to the call that caused it.
    passed_over: Vec<Value>,
}

impl Client {
    pub async fn send(&mut self, text: &str) {
        soon(self.socket.send(Message::text(text.to_owned())))
            .await
            .unwrap();
    }

    /// The next text frame; `None` when the connection has closed.
    pub async fn next(&mut self) -> Option<Value> {
        let read = async {
            loop {
                let frame = self.socket.next().await?.ok()?;
                if let Some(text) = frame.as_text() {
                    return Some(serde_json::from_str(text).expect("valid JSON"));
                }
                if frame.is_binary() {
                    return Some(of_binary(frame.as_payload()));
                }
                if frame.is_close() {
                    return None;
                }
            }
        };
        soon(read).await
    }

    /// The first frame that passes; others are kept.
    pub async fn wait(&mut self, passes: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.passed_over.iter().position(&passes) {
            return self.passed_over.remove(place);
        }
        loop {
            let frame = self.next().await.expect("the connection closed");
            if passes(&frame) {
                return frame;
            }
            self.passed_over.push(frame);
        }
    }

    /// Calls a method and waits for its answer.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({"id": id, "method": method, "params": params}).to_string())
            .await;
        self.wait(|frame| frame["id"] == id).await
    }

    /// Calls a method that must succeed.
    pub async fn ok(&mut self, method: &str, params: Value) -> Value {
        let answer = self.call(method, params).await;
        assert_eq!(answer["status"], 200, "{method}: {answer}");
        answer["result"].clone()
    }

    /// Calls a method that must be refused; status and code.
    pub async fn refused(&mut self, method: &str, params: Value) -> (u64, i64) {
        let answer = self.call(method, params).await;
        assert!(answer["error"]["msg"].is_string(), "{method}: {answer}");
        (
            answer["status"].as_u64().unwrap(),
            answer["error"]["code"].as_i64().unwrap(),
        )
    }
}

/// A message of an SBE connection in the words of a JSON connection; `template` says which message it was.
fn of_binary(bytes: &[u8]) -> Value {
    // the number of the schema
    if bytes.get(4..6) == Some(&[1, 0]) {
        let decoded = sbe::decode::decode(&sbe::STREAM, bytes).expect("an event");
        return json!({"template": decoded.template, "event": decoded.json});
    }
    let decoded = sbe::decode::decode(&sbe::SPOT, bytes).expect("a message");
    if decoded.template != sbe::answer::WRAPPER {
        let id = decoded.json["subscriptionId"].clone();
        return json!({"subscriptionId": id, "event": decoded.json, "template": decoded.template});
    }
    let json = decoded.json;
    let id = json["id"].as_str().unwrap();
    let id = id.parse::<u64>().map_or(json!(id), |id| json!(id));
    let name = match json["status"].as_u64() {
        Some(200) => "result",
        _ => "error",
    };
    json!({
        "id": id, "status": json["status"], "rateLimits": json["rateLimits"], name: json["result"]["json"],
        "template": json["result"]["template"], "deprecated": json["sbeSchemaIdVersionDeprecated"],
    })
}

pub fn limit(side: &str, price: &str, quantity: &str) -> Value {
    json!({"symbol": "TIDEUSDT", "side": side, "type": "LIMIT", "timeInForce": "GTC", "price": price, "quantity": quantity})
}
