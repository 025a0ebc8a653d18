//! Bad input, method by method: every parameter of `methods.txt` missing, empty, malformed, out of range, twice, or beside one that nobody knows,
//! over REST in the query and in the body, and over the WebSocket API. What is expected follows from the kind that the line gives it.

use std::collections::BTreeSet;

use kit::{Profile, Security};
use rest::Bounds;
use serde_json::{Value, json};

use crate::errors::{Stage, beside, encoded, filled, method};
use crate::frames::signed;
use crate::venue::{Venue, market, sign};

const TABLE: &str = include_str!("methods.txt");

pub type Pairs = Vec<(String, String)>;
/// Status, code, sentence.
type Refusal = (u16, i64, String);

/// A line of the table.
pub struct Entry {
    pub verb: &'static str,
    pub path: &'static str,
    pub ws: &'static str,
    /// When it succeeds, when it is refused.
    pub weight: (u32, u32),
    pub weights: Vec<(Pairs, u32)>,
    pub params: Vec<Param>,
    pub good: Vec<Pairs>,
}

pub struct Param {
    pub name: &'static str,
    pub mandatory: bool,
    pub kind: &'static str,
}

pub fn entries() -> Vec<Entry> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.map(entry).collect()
}

fn entry(line: &'static str) -> Entry {
    let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
    let [address, ws, weight, params, good] = parts[..] else {
        panic!("{line}");
    };
    let (verb, path) = address.split_once(' ').unwrap();
    let mut weight = weight.split(' ');
    let usual = weight.next().unwrap();
    let (success, refused) = usual.split_once('/').unwrap_or((usual, usual));
    let param = |text: &'static str| {
        let at = text.find(['!', '?']).unwrap();
        Param {
            name: &text[..at],
            mandatory: text.as_bytes()[at] == b'!',
            kind: &text[at + 1..],
        }
    };
    Entry {
        verb,
        path,
        ws,
        weight: (success.parse().unwrap(), refused.parse().unwrap()),
        weights: weight.map(weighed).collect(),
        params: params.split_whitespace().map(param).collect(),
        good: good.split(';').map(|call| pairs(call.trim())).collect(),
    }
}

fn weighed(text: &str) -> (Pairs, u32) {
    let (call, weight) = text.rsplit_once(':').unwrap();
    let weight = weight.parse().unwrap();
    match call.split_once('*') {
        Some((name, count)) => {
            let count: usize = count.parse().unwrap();
            let names: Vec<String> = (0..count).map(|i| format!("S{i}")).collect();
            (vec![(name.into(), json!(names).to_string())], weight)
        }
        None if call == "-" => (Vec::new(), weight),
        None => (pairs(call), weight),
    }
}

fn pairs(text: &str) -> Pairs {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

const SYMBOL: &str = r"^[\w\-._&&[^a-z]]{1,50}$";
const SYMBOLS: &str = r#"^\[("[\w\-._&&[^a-z]]{1,50}"(,"[\w\-._&&[^a-z]]{1,50}"){0,}){0,1}\]$"#;
const NAMES: &str = "^[A-Z0-9_]{1,50}$";
const DECIMAL: &str = r"^([0-9]{1,20})(\.[0-9]{1,20})?$";
const DIGITS: &str = "^[0-9]{1,20}$";
const FLAG: &str = "^(true|false)$";
const CLIENT_ID: &str = r"^[\.A-Z\:/a-z0-9_-]{1,36}$";
const ILLEGAL: &str = "Illegal characters found in parameter '%s'; legal range is '%s'.";
const INVALID: &str = "Data sent for parameter '%s' is not valid.";
const OVERFLOWED: &str = "Parameter '%s' overflowed.";
const MANDATORY: &str = "Mandatory parameter '%s' was not sent, was empty/null, or malformed.";
const TOO_LONG: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const TWENTY_NINES: &str = "99999999999999999999";
const NUMBERS: &[&str] = &[
    "-1",
    "+1",
    "1e3",
    "x",
    "0x10",
    " 1",
    "999999999999999999999",
];

/// Takes wrong values, code, sentence, and what stands for its `%s` behind the name.
type Add<'a> = dyn FnMut(&[&str], i64, &str, &[&str]) + 'a;

/// Values that a parameter of this kind may not have, and what is said of them.
fn wrong_values(kind: &str, name: &str) -> Vec<(String, i64, String)> {
    let mut wrong = Vec::new();
    let mut add = |values: &[&str], code: i64, sentence: &str, more: &[&str]| {
        for value in values {
            let said = match sentence.contains("%s") {
                true => filled(sentence, [name].into_iter().chain(more.iter().copied())),
                false => sentence.to_owned(),
            };
            wrong.push(((*value).to_owned(), code, said));
        }
    };
    let number = |add: &mut Add<'_>| {
        add(NUMBERS, -1100, ILLEGAL, &[DIGITS]);
        add(&["1.5"], -1100, ILLEGAL, &[DIGITS]);
        add(&[TWENTY_NINES], -1108, OVERFLOWED, &[]);
    };
    let word = |add: &mut Add<'_>, code, sentence: &str| {
        add(&["NONSENSE", "limit", "*"], code, sentence, &[]);
    };
    match kind {
        "S" => add(
            &["abcusdt", "A B", "A/B", TOO_LONG],
            -1100,
            ILLEGAL,
            &[SYMBOL],
        ),
        "Y" => {
            let long = format!("[\"{TOO_LONG}\"]");
            let values = ["ABC", "[ABC]", "[\"abc\"]", "[\"ABC\"", "[1]", &long];
            add(&values, -1100, ILLEGAL, &[SYMBOLS]);
        }
        "N" => add(
            &["spot", "[\"spot\"]", "[1]", "A B"],
            -1100,
            ILLEGAL,
            &[NAMES],
        ),
        "D" => {
            add(NUMBERS, -1100, ILLEGAL, &[DECIMAL]);
            let values = ["1.", ".5", "1,5", "1e-05", "NaN", "1.123456789012345678901"];
            add(&values, -1100, ILLEGAL, &[DECIMAL]);
            add(&[TWENTY_NINES], -1108, OVERFLOWED, &[]);
            add(
                &["0.123456789"],
                -1111,
                "Parameter '%s' has too much precision.",
                &[],
            );
        }
        "I" | "T" => number(&mut add),
        "L" => {
            number(&mut add);
            add(&["0"], -1130, INVALID, &[]);
        }
        "delta" => {
            number(&mut add);
            add(&["0", "4294967296"], -1130, INVALID, &[]);
        }
        "P" => {
            number(&mut add);
            add(&["0", "101"], -1130, INVALID, &[]);
        }
        "K" => {
            number(&mut add);
            add(&["2147483648"], -1130, INVALID, &[]);
            add(
                &["0", "999999"],
                -1134,
                "`strategyType` was less than 1000000.",
                &[],
            );
        }
        "B" => add(&["1", "yes", "TRUE1"], -1100, ILLEGAL, &[FLAG]),
        "C" => {
            let long = "a".repeat(37);
            add(
                &["a b", "ä", "a;b", "\"", &long],
                -1100,
                ILLEGAL,
                &[CLIENT_ID],
            );
        }
        "Z" => add(
            &["15", "14:01", "-12:01", "1:60", "UTC"],
            -1130,
            INVALID,
            &[],
        ),
        "W" => add(
            &["0m", "60m", "24h", "8d", "1w", "1", "1M"],
            -1130,
            INVALID,
            &[],
        ),
        "side" => word(&mut add, -1117, "Invalid side."),
        "type" | "worktype" => word(&mut add, -1116, "Invalid orderType."),
        "octype" => word(&mut add, -1158, "Order type not supported in OCO."),
        "tif" => word(&mut add, -1115, "Invalid timeInForce."),
        "interval" => {
            word(&mut add, -1120, "Invalid interval.");
            add(&["7m", "1H", "60m"], -1120, "Invalid interval.", &[]);
        }
        "status" => word(&mut add, -1122, "Invalid symbolStatus."),
        "ticker" => word(&mut add, -1139, "Invalid ticker type."),
        "peg" => word(&mut add, -1210, "Invalid pegPriceType."),
        "pegoff" => word(&mut add, -1211, "Invalid pegOffsetType."),
        "restr" => {
            let sentence =
                "`cancelRestrictions` has to be either `ONLY_NEW` or `ONLY_PARTIALLY_FILLED`.";
            word(&mut add, -1145, sentence);
        }
        "resp" | "stp" | "mode" | "exceed" => word(&mut add, -1130, INVALID),
        other => panic!("kind {other}"),
    }
    if kind == "worktype" {
        add(&["MARKET", "STOP_LOSS"], -1116, "Invalid orderType.", &[]);
    }
    wrong
}

/// One request that must be refused.
struct Probe {
    pairs: Pairs,
    expected: Refusal,
}

/// A good call with one value changed or added.
fn with(entry: &Entry, name: &str, value: &str) -> Pairs {
    let fits = |call: &&Pairs| call.iter().any(|(other, _)| other == name);
    let mut pairs = entry
        .good
        .iter()
        .find(fits)
        .unwrap_or(&entry.good[0])
        .clone();
    match pairs.iter_mut().find(|(other, _)| other == name) {
        Some(pair) => pair.1 = value.to_owned(),
        None => pairs.push((name.to_owned(), value.to_owned())),
    }
    pairs
}

fn probes(entry: &Entry) -> Vec<Probe> {
    let mut probes = Vec::new();
    let mut probe = |pairs, code, said: String| {
        probes.push(Probe {
            pairs,
            expected: (400, code, said),
        });
    };
    for param in &entry.params {
        let name = param.name;
        if param.mandatory {
            let mut pairs = entry.good[0].clone();
            pairs.retain(|(other, _)| other != name);
            probe(pairs, -1102, filled(MANDATORY, [name].into_iter()));
        }
        let said = format!("Parameter '{name}' was empty.");
        probe(with(entry, name, ""), -1105, said);
        for (value, code, said) in wrong_values(param.kind, name) {
            probe(with(entry, name, &value), code, said);
        }
    }
    probes
}

/// Those whose number of parameters is told depend on what else the dialect sends.
fn unread(entry: &Entry, besides: usize) -> Refusal {
    let read = entry.good[0].len() + besides;
    let said = format!(
        "Not all sent parameters were read; read '{read}' parameter(s) but was sent '{}'.",
        read + 1
    );
    (400, -1104, said)
}

fn borrowed(pairs: &Pairs) -> Vec<(&str, &str)> {
    pairs
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect()
}

async fn ask(
    stage: &mut Stage,
    entry: &Entry,
    pairs: &Pairs,
    expected: (&Refusal, &Refusal),
    wrong: &mut Vec<String>,
) {
    let pairs = borrowed(pairs);
    let known = method(entry.verb, entry.path);
    let mut got = vec![stage.rest(entry.verb, entry.path, &pairs, false).await];
    if entry.verb != "GET" {
        got.push(stage.rest(entry.verb, entry.path, &pairs, true).await);
    }
    let over_ws = stage.ws(known, &pairs).await;
    for (got, expected) in got
        .iter()
        .map(|got| (got, expected.0))
        .chain(over_ws.iter().map(|got| (got, expected.1)))
    {
        if got != expected {
            wrong.push(format!(
                "{} {} {pairs:?}:\n  expected {expected:?}\n  got      {got:?}",
                entry.verb, entry.path
            ));
        }
    }
}

/// Who does not say who he is, or may not.
async fn strangers(stage: &Stage, entry: &Entry, reader: &crate::venue::Trader) {
    let known = method(entry.verb, entry.path).unwrap();
    if known.security == Security::Public {
        return;
    }
    let parts: Vec<String> = entry.good[0]
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    let query = parts.join("&");
    let joint = if query.is_empty() { "" } else { "&" };
    let timed = format!("{query}{joint}timestamp={}", stage.venue.now_ms());
    let signature = sign(&reader.secret, &timed);
    let (ann, reader) = (stage.ann.api_key.as_str(), reader.api_key.as_str());
    let mandatory = |name: &str| filled(MANDATORY, [name].into_iter());
    let rejected = "Invalid API-key, IP, or permissions for action.".to_owned();
    let mut cases = vec![
        (
            None,
            timed.clone(),
            (401, -2014, "API-key format invalid.".to_owned()),
        ),
        (Some(ann), query, (400, -1102, mandatory("timestamp"))),
        (
            Some(ann),
            timed.clone(),
            (400, -1102, mandatory("signature")),
        ),
        (
            Some(ann),
            format!("{timed}&signature={signature}"),
            (
                400,
                -1022,
                "Signature for this request is not valid.".to_owned(),
            ),
        ),
    ];
    if known.security == Security::Trade {
        let own = format!("{timed}&signature={signature}");
        cases.push((Some(reader), own, (401, -2015, rejected)));
    }
    for (key, query, expected) in cases {
        let headers: Vec<(&str, &str)> = key.map(|key| ("X-MBX-APIKEY", key)).into_iter().collect();
        let target = format!("{}?{query}", entry.path);
        let reply = stage.venue.send(entry.verb, &target, &headers, "").await;
        let msg = reply.json()["msg"].as_str().unwrap_or_default().to_owned();
        assert_eq!((reply.status, reply.code(), msg), expected, "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_method_by_method_and_changes_nothing() {
    let mut stage = Stage::set().await;
    let reader = stage.venue.open(&json!({"permissions": ["READ"]})).await;
    let before = stage.state().await;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for mut entry in entries() {
        for (_, value) in entry.good.iter_mut().flatten() {
            if value == "LIST" {
                *value = stage.list.to_string();
            }
        }
        let public = method(entry.verb, entry.path).is_some_and(|m| m.security == Security::Public);
        for probe in probes(&entry) {
            let expected = (&probe.expected, &probe.expected);
            ask(&mut stage, &entry, &probe.pairs, expected, &mut wrong).await;
            asked += 1;
        }
        for (name, value) in entry.good[0].clone() {
            let mut pairs = entry.good[0].clone();
            pairs.push((name, value));
            let said = "Duplicate values for a parameter detected.".to_owned();
            let expected = (400, -1101, said);
            ask(
                &mut stage,
                &entry,
                &pairs,
                (&expected, &expected),
                &mut wrong,
            )
            .await;
        }
        let mut pairs = entry.good[0].clone();
        pairs.push(("nonsense".into(), "1".into()));
        let (rest, ws) = if public { (0, 0) } else { (2, 3) };
        let expected = (&unread(&entry, rest), &unread(&entry, ws));
        ask(&mut stage, &entry, &pairs, expected, &mut wrong).await;
        strangers(&stage, &entry, &reader).await;
        if stage.state().await != before {
            wrong.push(format!("{} {} changed something", entry.verb, entry.path));
            break;
        }
    }
    let shown: Vec<_> = wrong.iter().take(40).cloned().collect();
    assert!(
        wrong.is_empty(),
        "{} of {asked}:\n{}",
        wrong.len(),
        shown.join("\n")
    );
    assert!(asked > 3_000, "{asked}");
    // What the probes changed one thing of is good: it is answered, or refused by the engine, not by its form.
    for entry in entries() {
        for call in &entry.good {
            let mut call = call.clone();
            for (_, value) in call.iter_mut().filter(|(_, value)| value == "LIST") {
                *value = stage.list.to_string();
            }
            let got = stage
                .rest(entry.verb, entry.path, &borrowed(&call), false)
                .await;
            let fine = got.0 == 200 || (entry.verb != "GET" && (got.1 <= -2000 || got.1 == -1013));
            assert!(fine, "{} {} {call:?}: {got:?}", entry.verb, entry.path);
        }
    }
}

/// The table names the methods, parameters and weights that the product declares, and those that are published.
#[test]
fn the_table_is_the_whole_of_the_methods() {
    let declared: BTreeSet<_> = spot_edge::TABLES
        .iter()
        .copied()
        .flatten()
        .filter_map(|m| m.rest)
        .collect();
    let listed: BTreeSet<_> = entries().iter().map(|e| (e.verb, e.path)).collect();
    assert_eq!(declared, listed, "each method has a line in methods.txt");
    for entry in entries() {
        let known = method(entry.verb, entry.path).unwrap();
        assert_eq!(known.ws, Some(entry.ws));
        let ours: BTreeSet<&str> = known.params.iter().map(|p| p.name).collect();
        let here: BTreeSet<&str> = entry.params.iter().map(|p| p.name).collect();
        assert_eq!(ours, here, "{}", entry.path);
        let needed = known.params.iter().filter(|p| p.required);
        let mandatory = |name| entry.params.iter().any(|p| p.name == name && p.mandatory);
        for param in needed {
            assert!(mandatory(param.name), "{} {}", entry.path, param.name);
        }
    }
    for (file, by_path) in [
        ("contract/rest-spot.tsv", true),
        ("contract/wsapi.tsv", false),
    ] {
        let Some(published) = beside(file) else {
            continue;
        };
        let text = std::fs::read_to_string(published).unwrap();
        compare(&text, by_path);
    }
}

fn compare(text: &str, by_path: bool) {
    let head: Vec<&str> = text.lines().next().unwrap().split('\t').collect();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |name: &str| cells[head.iter().position(|h| *h == name).unwrap()];
        let names = |name: &str| -> BTreeSet<&str> {
            let names = cell(name)
                .split(';')
                .filter_map(|part| part.split_once(':'));
            let own = |name: &&str| !matches!(*name, "recvWindow" | "id");
            names.map(|(name, _)| name).filter(own).collect()
        };
        let same = |e: &Entry| match by_path {
            true => (e.verb, e.path) == (cell("method"), cell("path")),
            false => e.ws == cell("method"),
        };
        let all = entries();
        let Some(entry) = all.iter().find(|e| cell("product") == "spot" && same(e)) else {
            continue;
        };
        let needed = |mandatory| -> BTreeSet<&str> {
            let chosen = entry.params.iter().filter(|p| p.mandatory == mandatory);
            chosen.map(|p| p.name).collect()
        };
        // Sent by no client and taken all the same, or mandatory by the documents and optional by the official client.
        let known = |name: &&str| {
            !matches!(
                *name,
                "showPermissionSets" | "pendingBelowType" | "stopPrice"
            )
        };
        let filtered = |set: BTreeSet<&str>| -> Vec<String> {
            set.iter()
                .filter(|n| known(n))
                .map(|n| (*n).to_owned())
                .collect()
        };
        assert_eq!(
            filtered(names("required")),
            filtered(needed(true)),
            "{line}"
        );
        assert_eq!(
            filtered(names("optional")),
            filtered(needed(false)),
            "{line}"
        );
        if let Some(weight) = cell("weight").strip_prefix("(IP): ") {
            let weight: u32 = weight.split(' ').next().unwrap().parse().unwrap();
            assert_eq!(entry.weight.1, weight, "{line}");
        }
    }
}

/// What a call weighs, by the header of its answer and over the WebSocket API.
#[tokio::test(flavor = "multi_thread")]
async fn every_call_weighs_what_is_published() {
    let mut stage = Stage::set().await;
    let mut wrong = Vec::new();
    for entry in entries() {
        let mut calls = vec![];
        if entry.verb == "GET" {
            calls.push((entry.good[0].clone(), entry.weight.0));
        } else {
            calls.push((pairs("symbol=NONE"), entry.weight.1));
        }
        calls.extend(entry.weights.iter().cloned());
        for (mut call, expected) in calls {
            for (_, value) in call.iter_mut().filter(|(_, value)| value == "LIST") {
                *value = stage.list.to_string();
            }
            let used = || {
                stage
                    .venue
                    .context
                    .limits
                    .used_weight([127, 0, 0, 1].into(), stage.venue.context.now())
            };
            let before = used();
            stage
                .rest(entry.verb, entry.path, &borrowed(&call), false)
                .await;
            let over_rest = used() - before;
            stage
                .ws(method(entry.verb, entry.path), &borrowed(&call))
                .await;
            let both = stage
                .venue
                .context
                .limits
                .used_weight([127, 0, 0, 1].into(), stage.venue.context.now())
                - before;
            if (over_rest, both - over_rest) != (expected, expected) {
                wrong.push(format!(
                    "{} {} {call:?}: expected {expected}, got {over_rest} and {}",
                    entry.verb,
                    entry.path,
                    both - over_rest
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Orders weigh nothing when they succeed, and what is published when they are refused.
#[tokio::test(flavor = "multi_thread")]
async fn orders_that_succeed_weigh_nothing() {
    let venue = Venue::start(Profile::WIDE, Bounds::default()).await;
    let asked = market("ABCUSDT").to_string();
    venue.send("POST", "/sandbox/v1/symbols", &[], &asked).await;
    let ann = venue.trader().await;
    let mut api = crate::frames::Api::open(&venue).await;
    let limit = "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50";
    let oco = "symbol=ABCUSDT&side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=120&belowType=STOP_LOSS&belowStopPrice=80";
    let replace = format!("{limit}&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId=1");
    for (verb, path, params, weight) in [
        ("POST", "order", limit, 0),
        ("POST", "order/cancelReplace", &replace, 0),
        ("POST", "order/cancelReplace", &replace, 1),
        (
            "PUT",
            "order/amend/keepPriority",
            "symbol=ABCUSDT&orderId=2&newQty=0.5",
            4,
        ),
        ("DELETE", "order", "symbol=ABCUSDT&orderId=2", 0),
        ("DELETE", "order", "symbol=ABCUSDT&orderId=2", 1),
        ("POST", "orderList/oco", oco, 0),
        ("DELETE", "openOrders", "symbol=ABCUSDT", 0),
        ("DELETE", "openOrders", "symbol=ABCUSDT", 1),
    ] {
        let used = || {
            venue
                .context
                .limits
                .used_weight([127, 0, 0, 1].into(), venue.context.now())
        };
        let before = used();
        let path = format!("/api/v3/{path}");
        let reply = venue.signed(&ann, verb, &path, params).await;
        assert_eq!(used() - before, weight, "{verb} {path}: {reply:?}");
        let told = reply.header("x-mbx-used-weight-1m").unwrap();
        assert_eq!(told, used().to_string());
        assert_eq!(reply.status == 200, weight != 1, "{reply:?}");
    }
    let order = json!({"symbol": "ABCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "50",
        "timestamp": venue.now_ms()});
    let before = venue
        .context
        .limits
        .used_weight([127, 0, 0, 1].into(), venue.context.now());
    let answer = api.call("order.place", signed(&ann, order)).await;
    let limits: Vec<&Value> = answer["rateLimits"].as_array().unwrap().iter().collect();
    let weight = limits
        .iter()
        .find(|l| l["rateLimitType"] == "REQUEST_WEIGHT")
        .unwrap();
    assert_eq!(weight["count"], before, "{answer}");
}

/// The deprecated OCO needs a stop price over REST, and a stop price or a trailing delta over the WebSocket API.
#[tokio::test(flavor = "multi_thread")]
async fn the_deprecated_oco_differs_by_dialect() {
    let mut stage = Stage::set().await;
    let known = method("POST", "/api/v3/order/oco");
    let call = pairs("symbol=ABCUSDT&side=SELL&quantity=1&price=120");
    let call = borrowed(&call);
    let got = stage.rest("POST", "/api/v3/order/oco", &call, false).await;
    let said = filled(MANDATORY, ["stopPrice"].into_iter());
    assert_eq!(got, (400, -1102, said));
    let got = stage.ws(known, &call).await;
    let said = "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!";
    assert_eq!(got, Some((400, -1102, said.to_owned())));
    let trailing = [call, vec![("trailingDelta", "100")]].concat();
    assert_eq!(stage.ws(known, &trailing).await.unwrap().0, 200);
}
