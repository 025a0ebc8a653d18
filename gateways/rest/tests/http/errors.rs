//! Every error that the public API documents, one line of `errors.txt` each: provoked, or why no client can provoke it.

mod special;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::frames::{Api, signed};
use crate::venue::{Trader, Venue, market, sign};

const TABLE: &str = include_str!("errors.txt");
const COMBINATIONS: &str = include_str!("combinations.txt");
const SPECIAL: &str = include_str!("errors/special.rs");

/// A line of the table.
struct Row {
    code: i64,
    sentence: &'static str,
    how: How,
}

enum How {
    Ask {
        verb: &'static str,
        path: &'static str,
        params: Vec<(&'static str, &'static str)>,
        status: u16,
        /// The sentence with its values.
        said: String,
    },
    Test(&'static str),
    Fix(&'static str),
    Never(&'static str),
}

fn rows() -> Vec<Row> {
    lines(TABLE).collect()
}

fn lines(table: &'static str) -> impl Iterator<Item = Row> {
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    lines.map(row)
}

fn row(line: &'static str) -> Row {
    let mut parts = line.splitn(3, " | ");
    let mut part = || parts.next().unwrap_or_else(|| panic!("{line}"));
    let (code, sentence, how) = (part().parse().unwrap(), part(), part());
    let (word, rest) = how.split_once(' ').unwrap();
    let how = match word {
        "test" => How::Test(rest),
        "fix" => How::Fix(rest),
        "never" => How::Never(rest),
        verb => {
            let mut answer = rest.rsplit_once(" = ").unwrap().1.split(" ~ ");
            let (path, params) = rest.rsplit_once(" = ").unwrap().0.split_once('?').unwrap();
            let pairs = params.split('&').filter(|pair| !pair.is_empty());
            How::Ask {
                verb,
                path,
                params: pairs.map(|pair| pair.split_once('=').unwrap()).collect(),
                status: answer.next().unwrap().parse().unwrap(),
                said: filled(sentence, answer),
            }
        }
    };
    Row {
        code,
        sentence,
        how,
    }
}

/// A sentence with its values.
pub fn filled<'a>(sentence: &str, values: impl Iterator<Item = &'a str>) -> String {
    let mut parts = sentence.split("%s");
    let mut text = parts.next().unwrap().to_owned();
    let mut values = values;
    for part in parts {
        text += values.next().expect("a value for each %s");
        text += part;
    }
    assert_eq!(values.next(), None, "{sentence}");
    text
}

pub fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let one = |b: u8| match plain(b) {
        true => char::from(b).to_string(),
        false => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}

/// The method behind an address, in the product's tables.
pub fn method(verb: &str, path: &str) -> Option<&'static kit::Method> {
    let tables = spot_edge::TABLES.iter().copied().flatten();
    tables.into_iter().find(|m| m.rest == Some((verb, path)))
}

/// A venue on which every line of the table can be asked, and who asks.
pub struct Stage {
    pub venue: Venue,
    pub ann: Trader,
    /// Her list of ABCUSDT.
    pub list: u64,
    pub api: Api,
}

type Placed<'a> = (&'a Trader, &'a str, &'a str);

impl Stage {
    pub async fn set() -> Stage {
        let (venue, ann, bob) = Venue::with_market().await;
        for (name, filters) in markets() {
            let mut asked = market(name);
            asked["filters"] = filters;
            list(&venue, &asked).await;
        }
        let limit = "type=LIMIT&timeInForce=GTC";
        let orders: &[Placed<'_>] = &[
            // orders 1 to 7 of ABCUSDT: one of Ann's that is partly filled, one with a name, Bob's on both sides, and a list of Ann's
            (
                &ann,
                "ABCUSDT",
                &format!("side=SELL&{limit}&quantity=2&price=101"),
            ),
            (
                &bob,
                "ABCUSDT",
                &format!("side=BUY&{limit}&quantity=1&price=101"),
            ),
            (
                &ann,
                "ABCUSDT",
                &format!("side=BUY&{limit}&quantity=1&price=50&newClientOrderId=taken"),
            ),
            (
                &bob,
                "ABCUSDT",
                &format!("side=SELL&{limit}&quantity=5&price=110"),
            ),
            (
                &bob,
                "ABCUSDT",
                &format!("side=BUY&{limit}&quantity=5&price=90"),
            ),
            (
                &bob,
                "THNUSDT",
                &format!("side=SELL&{limit}&quantity=1.5&price=10"),
            ),
            (
                &ann,
                "THNUSDT",
                &format!("side=BUY&{limit}&quantity=1&price=10"),
            ),
            (
                &bob,
                "MLSUSDT",
                &format!("side=SELL&{limit}&quantity=1&price=10"),
            ),
            (
                &bob,
                "PCTUSDT",
                &format!("side=SELL&{limit}&quantity=1&price=100"),
            ),
            (
                &ann,
                "PCTUSDT",
                &format!("side=BUY&{limit}&quantity=1&price=100"),
            ),
            (
                &ann,
                "ORDUSDT",
                &format!("side=BUY&{limit}&quantity=1&price=1"),
            ),
            (
                &ann,
                "ALGUSDT",
                "side=SELL&type=STOP_LOSS&quantity=1&stopPrice=1",
            ),
            (
                &ann,
                "ICEUSDT",
                &format!("side=BUY&{limit}&quantity=2&price=1&icebergQty=1"),
            ),
            (
                &ann,
                "AMEUSDT",
                &format!("side=BUY&{limit}&quantity=5&price=1"),
            ),
            (
                &ann,
                "OFFUSDT",
                &format!("side=BUY&{limit}&quantity=1&price=1"),
            ),
            (
                &ann,
                "HALUSDT",
                &format!("side=BUY&{limit}&quantity=5&price=1"),
            ),
        ];
        for (who, symbol, params) in orders {
            let params = format!("symbol={symbol}&{params}");
            venue.good(who, "POST", "/api/v3/order", &params).await;
        }
        let opo = "symbol=ABCUSDT&workingType=LIMIT&workingTimeInForce=GTC&workingSide=BUY&workingPrice=40&workingQuantity=1\
                   &pendingType=LIMIT&pendingTimeInForce=GTC&pendingSide=SELL&pendingPrice=120";
        let oco = "symbol=LSTUSDT&quantity=1&side=SELL&aboveType=LIMIT_MAKER&abovePrice=120&belowType=STOP_LOSS&belowStopPrice=80";
        let amend = "symbol=AMEUSDT&orderId=1&newQty=4";
        let list = venue.good(&ann, "POST", "/api/v3/orderList/opo", opo).await;
        let list = list["orderListId"].as_u64().unwrap();
        venue.good(&ann, "POST", "/api/v3/orderList/oco", oco).await;
        venue
            .good(&ann, "PUT", "/api/v3/order/amend/keepPriority", amend)
            .await;
        let external = json!({"calculationType": "EXTERNAL", "externalCalculationId": 1});
        for (symbol, change) in [
            ("OFFUSDT", offers_little()),
            (
                "PARUSDT",
                json!({"quoteOrderQtyMarketAllowed": false, "allowTrailingStop": false}),
            ),
            ("HALUSDT", json!({"status": "HALT"})),
            (
                "REFUSDT",
                json!({"referencePriceCalculation": external, "referencePrice": "100"}),
            ),
        ] {
            let path = format!("/sandbox/v1/symbols/{symbol}");
            let reply = venue.send("PUT", &path, &[], &change.to_string()).await;
            assert_eq!(reply.status, 200, "{reply:?}");
        }
        let api = Api::open(&venue).await;
        Stage {
            venue,
            ann,
            list,
            api,
        }
    }

    /// What the venue holds, and what Ann sees of it.
    pub async fn state(&self) -> (String, u64, Vec<String>) {
        let state = self.venue.state().await;
        let mut seen = Vec::new();
        for path in ["account", "openOrders", "openOrderList"] {
            let path = format!("/api/v3/{path}");
            seen.push(self.venue.signed(&self.ann, "GET", &path, "").await.body);
        }
        let digest = state["digest"].as_str().unwrap().to_owned();
        (digest, state["seq"].as_u64().unwrap(), seen)
    }

    /// Asks over REST: status, code, sentence.
    pub async fn rest(
        &self,
        verb: &str,
        path: &str,
        params: &[(&str, &str)],
        in_body: bool,
    ) -> (u16, i64, String) {
        let mut query = params
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect::<Vec<_>>()
            .join("&");
        let public = kit::Security::Public;
        let mut headers = Vec::new();
        if method(verb, path).is_some_and(|m| m.security != public) {
            let joint = if query.is_empty() { "" } else { "&" };
            query += &format!("{joint}timestamp={}", self.venue.now_ms());
            let signature = sign(&self.ann.secret, &query);
            query += &format!("&signature={signature}");
            headers.push(("X-MBX-APIKEY", self.ann.api_key.as_str()));
        }
        let reply = match in_body {
            true => self.venue.send(verb, path, &headers, &query).await,
            false => {
                let target = format!("{path}?{query}");
                self.venue.send(verb, &target, &headers, "").await
            }
        };
        let msg = reply.json()["msg"].as_str().unwrap_or_default().to_owned();
        (reply.status, reply.code(), msg)
    }

    /// Asks over the WebSocket API; `None` when the method has no name there, or a name stands twice, which JSON cannot say.
    pub async fn ws(
        &mut self,
        method: Option<&kit::Method>,
        params: &[(&str, &str)],
    ) -> Option<(u16, i64, String)> {
        let method = method?;
        let name = method.ws?;
        let mut asked = json!({});
        for (name, value) in params {
            if asked.get(name).is_some() {
                return None;
            }
            asked[*name] = json!(value);
        }
        if method.security != kit::Security::Public {
            asked["timestamp"] = self.venue.now_ms().into();
            asked = signed(&self.ann, asked);
        }
        let answer = self.api.call(name, asked).await;
        let error = &answer["error"];
        let status = u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
        Some((
            status,
            error["code"].as_i64().unwrap_or(0),
            error["msg"].as_str().unwrap_or_default().to_owned(),
        ))
    }
}

/// What a market offers that takes plain orders alone.
fn offers_little() -> Value {
    json!({"orderTypes": ["LIMIT", "LIMIT_MAKER"], "icebergAllowed": false, "ocoAllowed": false, "otoAllowed": false,
        "opoAllowed": false, "cancelReplaceAllowed": false, "amendAllowed": false, "pegInstructionsAllowed": false})
}

async fn list(venue: &Venue, asked: &Value) {
    let body = asked.to_string();
    let reply = venue.send("POST", "/sandbox/v1/symbols", &[], &body).await;
    assert_eq!(reply.status, 200, "{body}: {reply:?}");
}

/// A market for each filter, and those without orders, with few, or halted.
fn markets() -> Vec<(&'static str, Value)> {
    let lots = |min: &str, step: &str| json!({"filterType": "LOT_SIZE", "minQty": min, "maxQty": "9000", "stepSize": step});
    vec![
        ("NILUSDT", json!([])),
        ("HALUSDT", json!([])),
        ("REFUSDT", json!([])),
        ("OFFUSDT", json!([])),
        ("THNUSDT", json!([lots("1", "0.1")])),
        (
            "MLSUSDT",
            json!([lots("0.1", "0.1"), {"filterType": "MARKET_LOT_SIZE", "minQty": "5", "maxQty": "50", "stepSize": "0"}]),
        ),
        (
            "PCTUSDT",
            json!([{"filterType": "PERCENT_PRICE", "multiplierUp": "1.1", "multiplierDown": "0.9", "avgPriceMins": 0}]),
        ),
        (
            "MINUSDT",
            json!([{"filterType": "MIN_NOTIONAL", "minNotional": "10", "applyToMarket": true, "avgPriceMins": 0}]),
        ),
        (
            "PARUSDT",
            json!([{"filterType": "ICEBERG_PARTS", "limit": 10}]),
        ),
        (
            "ICEUSDT",
            json!([{"filterType": "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": 1}]),
        ),
        (
            "ORDUSDT",
            json!([{"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 1}]),
        ),
        (
            "ALGUSDT",
            json!([{"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 1}]),
        ),
        (
            "AMEUSDT",
            json!([{"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 1}]),
        ),
        (
            "LSTUSDT",
            json!([{"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 1}]),
        ),
        (
            "POSUSDT",
            json!([{"filterType": "MAX_POSITION", "maxPosition": "5000"}]),
        ),
        (
            "TRAUSDT",
            json!([{"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": 10, "maxTrailingAboveDelta": 2000,
                "minTrailingBelowDelta": 10, "maxTrailingBelowDelta": 2000}]),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_answered_as_documented_and_changes_nothing() {
    let mut stage = Stage::set().await;
    let before = stage.state().await;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for row in lines(TABLE).chain(lines(COMBINATIONS)) {
        let How::Ask {
            verb,
            path,
            params,
            status,
            said,
        } = row.how
        else {
            continue;
        };
        let expected = (status, row.code, said);
        let rest = stage.rest(verb, path, &params, false).await;
        let body = match verb {
            "GET" => None,
            _ => Some(stage.rest(verb, path, &params, true).await),
        };
        let ws = stage.ws(method(verb, path), &params).await;
        for got in [Some(rest), body, ws].into_iter().flatten() {
            if got != expected {
                wrong.push(format!(
                    "{verb} {path} {params:?}:\n  expected {expected:?}\n  got      {got:?}"
                ));
            }
        }
        if stage.state().await != before {
            wrong.push(format!("{verb} {path} {params:?} changed something"));
            break;
        }
        asked += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked > 300, "{asked}");
}

/// Every sentence of the public documents has a line, and every line is one of theirs; the tests that lines name exist.
#[test]
fn the_table_is_the_whole_of_the_documented_errors() {
    for row in rows() {
        match row.how {
            How::Test(name) => assert!(SPECIAL.contains(&format!("async fn {name}()")), "{name}"),
            How::Fix(test) => {
                let (file, name) = test.split_once(' ').unwrap();
                let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fix/tests/fix/");
                let text = std::fs::read_to_string(PathBuf::from(folder).join(file)).unwrap();
                assert!(text.contains(&format!("async fn {name}()")), "{test}");
            }
            How::Never(why) => assert!(why.len() > 20, "{why}"),
            How::Ask { .. } => {}
        }
    }
    let ours: BTreeSet<(i64, String)> = rows().iter().map(|r| key(r.code, r.sentence)).collect();
    let Some(published) = beside("contract/errors-spot.tsv") else {
        return;
    };
    let text = std::fs::read_to_string(published).unwrap();
    let mut theirs = BTreeSet::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        match cells[..] {
            ["me-message", _, _, sentence, ..] => drop(theirs.insert(engines_key(sentence))),
            ["filter", _, _, sentence] => drop(theirs.insert((0, sentence.to_owned()))),
            // of these two the sentence stands where the name of others does
            ["code", code @ ("-2021" | "-2022"), sentence, _] => {
                theirs.insert((code.parse().unwrap(), format!("{sentence}.")));
            }
            ["code", code, _, sentences] => {
                let code = code.parse().unwrap();
                theirs.extend(sentences.split(" || ").map(|s| (code, s.to_owned())));
            }
            _ => panic!("{line}"),
        }
    }
    let missing: Vec<_> = theirs.difference(&ours).collect();
    let surplus: Vec<_> = ours.difference(&theirs).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "missing {missing:#?}\nsurplus {surplus:#?}"
    );
}

/// The engine's sentences and those of filters have several codes: they are known by what they say.
fn key(code: i64, sentence: &str) -> (i64, String) {
    let engines = matches!(code, -2010 | -2011 | -2038) || sentence.starts_with("Filter failure");
    let named = matches!(sentence, "NEW_ORDER_REJECTED" | "CANCEL_REJECTED");
    match engines && !named {
        true => engines_key(sentence),
        false => (code, sentence.to_owned()),
    }
}

/// Whether a full stop belongs to such a sentence is not always told.
fn engines_key(sentence: &str) -> (i64, String) {
    (0, sentence.trim_end_matches('.').to_owned())
}

/// A file beside the checkout, or beside the folder that holds several.
pub fn beside(path: &str) -> Option<PathBuf> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let places = ["../shared", "../../shared"];
    let found = places.iter().map(|place| root.join(place).join(path));
    let found = found.into_iter().find(|found| found.exists());
    if found.is_none() {
        eprintln!(
            "SKIPPED: ../shared/{path} does not lie beside this checkout, so nothing was compared with it"
        );
    }
    found
}
