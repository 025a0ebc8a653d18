//! The same answers as SBE.

use sbe::decode::{Decoded, decode};
use serde_json::Value;

use crate::venue::{Trader, Venue, sign};

struct Binary {
    status: u16,
    head: String,
    message: Decoded,
}

/// Asks for schema `schema` and reads the answer's message.
async fn ask(
    venue: &Venue,
    trader: Option<&Trader>,
    verb: &str,
    target: &str,
    schema: &str,
) -> Binary {
    let (mut target, mut headers) = (target.to_owned(), String::new());
    if let Some(trader) = trader {
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let joint = if query.is_empty() { "" } else { "&" };
        let query = format!("{query}{joint}timestamp={}", venue.now_ms());
        let signature = sign(&trader.secret, &query);
        target = format!("{path}?{query}&signature={signature}");
        headers = format!("X-MBX-APIKEY: {}\r\n", trader.api_key);
    }
    let request = format!(
        "{verb} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: application/sbe\r\nX-MBX-SBE: {schema}\r\n{headers}\r\n"
    );
    let answer = venue.exchange(request.as_bytes()).await;
    let at = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..at].to_vec())
        .unwrap()
        .to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(head.contains("content-type: application/sbe"), "{head}");
    let message = decode(&sbe::SPOT, &answer[at + 4..]).unwrap_or_else(|e| panic!("{target}: {e}"));
    Binary {
        status,
        head,
        message,
    }
}

/// Numbers and texts of two answers that are one: prices may differ in trailing zeros.
fn same(sbe: &Value, json: &Value) -> bool {
    match (sbe, json) {
        (Value::String(a), Value::String(b)) if a != b => {
            a.parse::<f64>().ok() == b.parse::<f64>().ok() && a.parse::<f64>().is_ok()
        }
        // percentages are floating point numbers in the schema
        (Value::Number(a), Value::String(b)) => a.as_f64() == b.parse().ok(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => b
            .iter()
            .all(|(name, b)| a.get(name).is_none_or(|a| same(a, b))),
        (a, b) => a == b,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_say_in_sbe_what_they_say_in_json() {
    let (venue, maker, taker) = Venue::with_market().await;
    let sell =
        "/api/v3/order?symbol=ABCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=2&price=100.5";
    let placed = ask(&venue, Some(&maker), "POST", sell, "3:5").await;
    assert_eq!((placed.status, placed.message.template), (200, 302));
    assert_eq!(placed.message.json["orderId"], 1);
    assert!(placed.head.contains("x-mbx-sbe: 3:5") && !placed.head.contains("deprecated"));
    let buy = "/api/v3/order?symbol=ABCUSDT&side=BUY&type=MARKET&quantity=0.5";
    let bought = ask(&venue, Some(&taker), "POST", buy, "3:5").await;
    assert!(same(
        &bought.message.json["fills"][0]["price"],
        &"100.50000000".into()
    ));
    for (trader, target) in [
        (None, "/api/v3/depth?symbol=ABCUSDT"),
        (None, "/api/v3/trades?symbol=ABCUSDT"),
        (None, "/api/v3/aggTrades?symbol=ABCUSDT"),
        (None, "/api/v3/ticker/price?symbol=ABCUSDT"),
        (None, "/api/v3/ticker/bookTicker"),
        (None, "/api/v3/ticker/24hr?symbol=ABCUSDT"),
        (None, "/api/v3/exchangeInfo"),
        (Some(&maker), "/api/v3/openOrders"),
        (Some(&maker), "/api/v3/allOrders?symbol=ABCUSDT"),
        (Some(&taker), "/api/v3/myTrades?symbol=ABCUSDT"),
        (Some(&taker), "/api/v3/account"),
    ] {
        let binary = ask(&venue, trader, "GET", target, "3:5").await;
        assert_eq!(binary.status, 200, "{target}: {:?}", binary.message);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let json = match trader {
            Some(trader) => venue.good(trader, "GET", path, query).await,
            None => {
                let micros = [("X-MBX-TIME-UNIT", "MICROSECOND")];
                venue.send("GET", target, &micros, "").await.json()
            }
        };
        if target.ends_with("exchangeInfo") {
            // its sets are bits in the schema, so their order is another
            assert_eq!(binary.message.json["symbols"][0]["symbol"], "ABCUSDT");
        } else if trader.is_none() {
            assert!(
                same(&binary.message.json, &json),
                "{target}\n{}\n{json}",
                binary.message.json
            );
        }
        assert_eq!(binary.message.json.is_array(), json.is_array(), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_and_refusals() {
    let (venue, maker, _) = Venue::with_market().await;
    let older = ask(&venue, None, "GET", "/api/v3/time", "3:3").await;
    assert_eq!(older.status, 200);
    assert!(older.head.contains("x-mbx-sbe-deprecated: true"));
    for (schema, code) in [("3:1", -1153), ("4:0", -1153), ("three", -1152)] {
        let refused = ask(&venue, None, "GET", "/api/v3/time", schema).await;
        assert_eq!((refused.status, refused.message.template), (400, 100));
        assert_eq!(refused.message.json["code"], code, "{schema}");
    }
    let unknown = "/api/v3/order?symbol=ABCUSDT&orderId=99";
    let refused = ask(&venue, Some(&maker), "DELETE", unknown, "3:5").await;
    assert_eq!(refused.message.json["code"], -2011);
    assert_eq!(refused.message.json["msg"], "Unknown order sent.");
    // who takes JSON too is answered in JSON
    let either = [
        ("Accept", "application/sbe, application/json"),
        ("X-MBX-SBE", "9:9"),
    ];
    let reply = venue.send("GET", "/api/v3/time", &either, "").await;
    assert!(reply.json()["serverTime"].is_i64());
}

/// The list and the other order of an amended pair are groups of the message.
#[tokio::test(flavor = "multi_thread")]
async fn an_amended_pair_is_told_in_groups() {
    let (venue, trader, _) = Venue::with_market().await;
    let list = "/api/v3/orderList/oco?symbol=ABCUSDT&side=SELL&quantity=2&aboveType=LIMIT_MAKER&abovePrice=120&aboveIcebergQty=0.5\
        &belowType=STOP_LOSS_LIMIT&belowStopPrice=80&belowTimeInForce=GTC&belowPegPriceType=MARKET_PEG&belowClientOrderId=b";
    let placed = ask(&venue, Some(&trader), "POST", list, "3:5").await;
    let reports = &placed.message.json["orderReports"];
    assert_eq!(placed.status, 200);
    assert!(
        same(&reports[0]["icebergQty"], &"0.50000000".into()),
        "{reports}"
    );
    assert_eq!(reports[1]["pegPriceType"], "MARKET_PEG");
    let amend = "/api/v3/order/amend/keepPriority?symbol=ABCUSDT&origClientOrderId=b&newQty=1&newClientOrderId=c";
    let amended = ask(&venue, Some(&trader), "PUT", amend, "3:5").await;
    assert_eq!((amended.status, amended.message.template), (200, 317));
    let told = &amended.message.json;
    let (list, related) = (&told["listStatus"][0], &told["relatedOrders"][0]);
    assert_eq!(list["orders"][1]["clientOrderId"], "c", "{told}");
    assert_eq!(
        (&list["contingencyType"], &list["listOrderStatus"]),
        (&"OCO".into(), &"EXECUTING".into())
    );
    assert_eq!(related["orderId"], reports[0]["orderId"]);
    assert!(same(&related["qty"], &"1.00000000".into()), "{told}");
    assert!(same(&related["icebergQty"], &"0.50000000".into()), "{told}");
}
