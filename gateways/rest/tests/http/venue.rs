use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use journal::{FileStorage, Folder};
use kit::{Context, FillsReader, Limits, Profile, Router};
use relay::Relay;
use rest::{Bounds, Hosts, Listener, Metrics, Site, Stop};
use sequencer::{ManualClock, Recovered, Rules, Sequencer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use types::Time;

/// 2025-01-15 12:00:00 UTC: the begin of every window there is.
pub const NOON: Time = Time(1_736_942_400_000_000);
/// Enough for the slowest machine; nothing waits for it when all is well.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running exchange whose clock the test owns.
pub struct Venue {
    pub address: SocketAddr,
    pub clock: Arc<ManualClock>,
    pub stop: Stop,
    pub context: Arc<Context>,
    pub batches: Batches,
    pub sequencer: Option<Sequencer>,
    _folder: TempDir,
}

/// What went below the mark, batch by batch.
#[derive(Clone, Default)]
pub struct Batches(pub Arc<std::sync::Mutex<Vec<Arc<protocol::Batch>>>>);

impl relay::Reader for Batches {
    fn apply(&mut self, batch: &Arc<protocol::Batch>) {
        self.0.lock().unwrap().push(Arc::clone(batch));
    }
}

/// Someone with a key.
#[derive(Clone)]
pub struct Trader {
    pub account: u64,
    pub api_key: String,
    pub secret: String,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub fn code(&self) -> i64 {
        self.json()["code"].as_i64().unwrap_or(0)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

fn rules() -> Rules {
    let registry = || contract::Registry::new().contract(spot_rules::Spot);
    Rules::new(move |snapshot| match snapshot {
        None => Ok(Engine::new(registry())),
        Some(bytes) => Engine::restore(registry(), bytes),
    })
}

impl Venue {
    pub async fn start(profile: Profile, bounds: Bounds) -> Venue {
        Venue::start_with(profile, bounds, ws::Settings::WIDE).await
    }

    pub async fn start_with(profile: Profile, bounds: Bounds, settings: ws::Settings) -> Venue {
        let data = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(NOON));
        let folder = Folder::open(FileStorage::new(data.path()).unwrap()).unwrap();
        let mut options = sequencer::Options::default();
        options.journal.durability = journal::Durability::None;
        let recovered = Recovered::open(folder, rules(), options).unwrap();
        let url = format!("sqlite://{}", data.path().join("history.db").display());
        let at = Arc::clone(&clock);
        let opening = views::Views::open(views::Options::new(url, move || {
            sequencer::Clock::now(&*at)
        }))
        .unwrap();
        let (views, reader) = opening
            .start(recovered.position.seq, |tell| recovered.engine.tell(tell))
            .unwrap();
        let mut feed = ws::Feed::new(views.clone());
        recovered.engine.tell(&mut |event| feed.seed(&event));
        let at = Arc::clone(&clock);
        let now = Arc::new(move || sequencer::Clock::now(&*at));
        let (feed, feed_reader, _) = ws::start(feed, now).unwrap();
        let keys = identity::Keys::open(data.path()).await.unwrap();
        let limits = Arc::new(Limits::with_bans(profile, &data.path().join("bans")).unwrap());
        let batches = Batches::default();
        let relay = Relay::new()
            .with(reader)
            .with(feed_reader)
            .with(batches.clone())
            .with(FillsReader::new(Arc::clone(&limits)));
        let sequencer = recovered
            .start(relay, clock.clone(), |fatal| panic!("{fatal}"))
            .unwrap();
        let context = Arc::new(Context {
            sequencer: sequencer.client.clone(),
            views,
            keys,
            limits,
        });
        let spot = Arc::new(Router::new(spot_edge::TABLES));
        let stop = Stop::new();
        let gateway = ws::Gateway::new(Arc::clone(&context), Arc::clone(&spot), feed);
        let site = Site {
            context: Arc::clone(&context),
            hosts: Hosts {
                default: spot,
                named: Vec::new(),
            },
            upgrades: Some(Arc::new(gateway.with_settings(settings))),
            sandbox: Some(Arc::new(sandbox::Sandbox::new(Arc::clone(&context)))),
            metrics: Metrics::new(),
            bounds,
            stop: stop.clone(),
        };
        let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let address = listener.address();
        tokio::spawn(listener.serve(Arc::new(site), stop.clone()));
        Venue {
            address,
            clock,
            stop,
            context,
            batches,
            sequencer: Some(sequencer),
            _folder: data,
        }
    }

    /// With wide limits, one market `ABCUSDT` with filters, and two rich traders.
    pub async fn with_market() -> (Venue, Trader, Trader) {
        let venue = Venue::start(Profile::WIDE, Bounds::default()).await;
        let reply = venue
            .send(
                "POST",
                "/sandbox/v1/symbols",
                &[],
                &market("ABCUSDT").to_string(),
            )
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let (a, b) = (venue.trader().await, venue.trader().await);
        (venue, a, b)
    }

    pub async fn trader(&self) -> Trader {
        self.open(&json!({"balances": {"USDT": "100000", "ABC": "1000"}}))
            .await
    }

    pub async fn open(&self, body: &Value) -> Trader {
        let reply = self
            .send("POST", "/sandbox/v1/accounts", &[], &body.to_string())
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let json = reply.json();
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        Trader {
            account: json["accountId"].as_u64().unwrap(),
            api_key: text("apiKey"),
            secret: text("secretKey"),
        }
    }

    pub fn now_ms(&self) -> i64 {
        self.context.now().as_millis()
    }

    /// Sends bytes, reads until the other side closes.
    pub async fn raw(&self, bytes: &[u8]) -> Reply {
        let answer = self.exchange(bytes).await;
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .unwrap_or(0);
        Reply {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Every byte of the answer.
    pub async fn exchange(&self, bytes: &[u8]) -> Vec<u8> {
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            // The other side may have refused and closed before everything was sent.
            let _ = stream.write_all(bytes).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            answer
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .expect("an answer")
    }

    pub async fn send(
        &self,
        verb: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut text =
            format!("{verb} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(body);
        self.raw(text.as_bytes()).await
    }

    pub async fn get(&self, target: &str) -> Reply {
        self.send("GET", target, &[], "").await
    }

    /// A signed request with everything in the query.
    pub async fn signed(&self, trader: &Trader, verb: &str, path: &str, params: &str) -> Reply {
        let joint = if params.is_empty() { "" } else { "&" };
        let query = format!("{params}{joint}timestamp={}", self.now_ms());
        let signature = sign(&trader.secret, &query);
        self.send(
            verb,
            &format!("{path}?{query}&signature={signature}"),
            &[("X-MBX-APIKEY", &trader.api_key)],
            "",
        )
        .await
    }

    /// As [`Venue::signed`], and it must succeed.
    pub async fn good(&self, trader: &Trader, verb: &str, path: &str, params: &str) -> Value {
        let reply = self.signed(trader, verb, path, params).await;
        assert_eq!(reply.status, 200, "{verb} {path}?{params}: {reply:?}");
        reply.json()
    }

    pub async fn state(&self) -> Value {
        let state = self.get("/sandbox/v1/state").await.json();
        assert_eq!(state["audit"], "ok", "{state}");
        state
    }

    pub async fn digest(&self) -> String {
        self.state().await["digest"].as_str().unwrap().to_owned()
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

pub fn market(symbol: &str) -> Value {
    json!({
        "symbol": symbol, "baseAsset": "ABC", "quoteAsset": "USDT",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "100000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9000", "stepSize": "0.001"},
            {"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": true, "maxNotional": "9000000", "applyMaxToMarket": false, "avgPriceMins": 5},
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 20}
        ]
    })
}

pub fn sign(secret: &str, payload: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    hex::encode(ring::hmac::sign(&key, payload.as_bytes()))
}
