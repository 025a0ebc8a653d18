//! What is told of commission is what is charged.

use serde_json::{Value, json};

use crate::venue::{Trader, Venue};

const ORDER: &str = "/api/v3/order";
const SCALE: i128 = 100_000_000;

/// A decimal of eight digits, in its last.
fn units(value: &Value) -> i128 {
    let text = value.as_str().unwrap_or_else(|| panic!("{value}"));
    let (whole, fraction) = text.split_once('.').unwrap();
    assert_eq!(fraction.len(), 8, "{text}");
    format!("{whole}{fraction}").parse().unwrap()
}

async fn put(venue: &Venue, path: &str, body: Value) -> Value {
    let path = format!("/sandbox/v1{path}");
    let reply = venue.send("PUT", &path, &[], &body.to_string()).await;
    assert_eq!(reply.status, 200, "{path} {body}: {reply:?}");
    reply.json()
}

async fn order(
    venue: &Venue,
    who: &Trader,
    symbol: &str,
    side: &str,
    price: &str,
    qty: &str,
) -> Value {
    let params = format!(
        "symbol={symbol}&side={side}&type=LIMIT&timeInForce=GTC&price={price}&quantity={qty}&newOrderRespType=FULL"
    );
    venue.good(who, "POST", ORDER, &params).await
}

/// ABCUSDT with everything that a commission may have, and TIDE at 2 USDT.
async fn venue() -> (Venue, Trader, Trader) {
    let (venue, ann, bob) = Venue::with_market().await;
    let body = json!({"symbol": "TIDEUSDT", "baseAsset": "TIDE", "quoteAsset": "USDT"}).to_string();
    let listed = venue.send("POST", "/sandbox/v1/symbols", &[], &body).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    let dealer = venue
        .open(&json!({"balances": {"TIDE": "10", "USDT": "100"}}))
        .await;
    let other = venue.open(&json!({"balances": {"USDT": "100"}})).await;
    order(&venue, &dealer, "TIDEUSDT", "SELL", "2", "1").await;
    order(&venue, &other, "TIDEUSDT", "BUY", "2", "1").await;
    let special = json!({
        "standard": {"maker": "0.0008", "taker": "0.001", "buyer": "0.00003", "seller": "0.00005"},
        "tax": {"maker": "0.0002", "taker": "0.0003", "buyer": "0.00007", "seller": "0.00011"},
        "special": {"maker": "0.00013", "taker": "0.00017", "buyer": "0.00019", "seller": "0.00023"},
    });
    let told = put(&venue, "/fees/ABCUSDT", special).await;
    assert_eq!(told["tax"]["seller"], "0.00011000");
    assert_eq!(venue.get("/sandbox/v1/fees/ABCUSDT").await.json(), told);
    (venue, ann, bob)
}

/// What `order/test` says that an order of this side would pay.
async fn asked(venue: &Venue, who: &Trader, side: &str) -> Value {
    let params = format!(
        "symbol=ABCUSDT&side={side}&type=LIMIT&timeInForce=GTC&price=50&quantity=1&computeCommissionRates=true"
    );
    let told = venue.good(who, "POST", "/api/v3/order/test", &params).await;
    let whole = venue
        .good(who, "GET", "/api/v3/account/commission", "symbol=ABCUSDT")
        .await;
    let side = if side == "BUY" { "buyer" } else { "seller" };
    for (of_order, of_account) in [
        ("standardCommissionForOrder", "standardCommission"),
        ("specialCommissionForOrder", "specialCommission"),
        ("taxCommissionForOrder", "taxCommission"),
    ] {
        for role in ["maker", "taker"] {
            assert_eq!(
                units(&told[of_order][role]),
                units(&whole[of_account][role]) + units(&whole[of_account][side])
            );
        }
    }
    assert_eq!(told["discount"], whole["discount"]);
    told
}

/// The commission on `received` by the rates told, in the received asset and in TIDE at `num / den` TIDE for one of it.
fn reckoned(told: &Value, role: &str, received: i128, (num, den): (i128, i128)) -> (i128, i128) {
    let of = |kind: &str| received * units(&told[kind][role]);
    let (standard, special, tax) = (
        of("standardCommissionForOrder"),
        of("specialCommissionForOrder"),
        of("taxCommissionForOrder"),
    );
    let plain = (standard + special + tax) / SCALE;
    let share = units(&told["discount"]["discount"]);
    let convert = |part: i128| part * num / den;
    let reduced = convert(standard * share / SCALE) + convert(special) + convert(tax);
    (plain, reduced / SCALE)
}

async fn last_trade(venue: &Venue, who: &Trader) -> Value {
    let trades = venue
        .good(who, "GET", "/api/v3/myTrades", "symbol=ABCUSDT")
        .await;
    trades.as_array().unwrap().last().unwrap().clone()
}

/// Trades once in each direction, and reckons what both paid.
async fn compare(venue: &Venue, ann: &Trader, bob: &Trader, in_token: bool) {
    for (taker_side, maker_side) in [("BUY", "SELL"), ("SELL", "BUY")] {
        let (price, qty) = ("51.37", "1.237");
        let (received_base, received_quote) = (123_700_000, 6_354_469_000);
        let told = [
            asked(venue, ann, maker_side).await,
            asked(venue, bob, taker_side).await,
        ];
        order(venue, ann, "ABCUSDT", maker_side, price, qty).await;
        let taken = order(venue, bob, "ABCUSDT", taker_side, price, qty).await;
        let fill = &taken["fills"][0];
        assert_eq!(taken["fills"].as_array().unwrap().len(), 1);
        let trade = last_trade(venue, bob).await;
        assert_eq!(trade["commission"], fill["commission"]);
        assert_eq!(trade["commissionAsset"], fill["commissionAsset"]);
        for (who, role, side, told) in [
            (ann, "maker", maker_side, &told[0]),
            (bob, "taker", taker_side, &told[1]),
        ] {
            let trade = last_trade(venue, who).await;
            // ABC is worth 51.37 USDT from this trade on, and TIDE 2
            let (received, asset, way) = match side {
                "BUY" => (received_base, "ABC", (5_137, 200)),
                _ => (received_quote, "USDT", (1, 2)),
            };
            let (plain, reduced) = reckoned(told, role, received, way);
            let expected = if in_token {
                (reduced, "TIDE")
            } else {
                (plain, asset)
            };
            let seen = (
                units(&trade["commission"]),
                trade["commissionAsset"].as_str(),
            );
            assert_eq!(seen, (expected.0, Some(expected.1)), "{role} {side} {told}");
        }
        venue.state().await;
    }
}

async fn switch(venue: &Venue, who: &Trader, on: bool) {
    let path = format!("/accounts/{}", who.account);
    let told = put(venue, &path, json!({"discountToken": on})).await;
    assert_eq!(
        told,
        json!({"accountId": who.account, "tier": 0, "tierForced": false, "discountToken": on, "tradeGroupId": -1})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_charged_to_maker_and_taker_buyer_and_seller() {
    let (venue, ann, bob) = venue().await;
    let told = asked(&venue, &ann, "BUY").await;
    assert_eq!(
        told["discount"],
        json!({"enabledForAccount": false, "enabledForSymbol": false, "discountAsset": "", "discount": "0.00000000"})
    );
    compare(&venue, &ann, &bob, false).await;
    // on, and nobody has any
    for who in [&ann, &bob] {
        switch(&venue, who, true).await;
    }
    let told = asked(&venue, &ann, "BUY").await;
    assert_eq!(
        told["discount"],
        json!({"enabledForAccount": true, "enabledForSymbol": true, "discountAsset": "TIDE", "discount": "0.75000000"})
    );
    compare(&venue, &ann, &bob, false).await;
    // affordable
    for who in [&ann, &bob] {
        let path = format!("/sandbox/v1/accounts/{}/fund", who.account);
        let body = json!({"asset": "TIDE", "amount": "5"}).to_string();
        assert_eq!(venue.send("POST", &path, &[], &body).await.status, 200);
    }
    compare(&venue, &ann, &bob, true).await;
    // not for this symbol; then not for these accounts
    put(&venue, "/fees/ABCUSDT", json!({"discount": false})).await;
    compare(&venue, &ann, &bob, false).await;
    put(&venue, "/fees/ABCUSDT", json!({"discount": true})).await;
    for who in [&ann, &bob] {
        switch(&venue, who, false).await;
    }
    compare(&venue, &ann, &bob, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tier_shows_and_is_charged() {
    let (venue, ann, bob) = venue().await;
    let path = format!("/accounts/{}", ann.account);
    let told = put(&venue, &path, json!({"tier": 8})).await;
    assert_eq!(
        (&told["tier"], &told["tierForced"]),
        (&json!(8), &json!(true))
    );
    let account = venue.good(&ann, "GET", "/api/v3/account", "").await;
    assert_eq!(account["makerCommission"], 1);
    assert_eq!(account["takerCommission"], 3);
    assert_eq!(
        account["commissionRates"],
        json!({"maker": "0.00010000", "taker": "0.00030000", "buyer": "0.00003000", "seller": "0.00005000"})
    );
    compare(&venue, &ann, &bob, false).await;
    let told = put(&venue, &path, json!({"tier": null})).await;
    assert_eq!(
        (&told["tier"], &told["tierForced"]),
        (&json!(0), &json!(false))
    );
    compare(&venue, &ann, &bob, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_is_told_as_it_was_set() {
    let (venue, ann, _) = venue().await;
    let none =
        json!({"discountAsset": "", "discount": "0.00000000", "valuationAsset": "", "tiers": []});
    assert_eq!(venue.get("/sandbox/v1/fees").await.json(), none);
    let set = json!({
        "discountAsset": "GAS", "discount": "0.5", "valuationAsset": "USDT",
        "tiers": [{"volume": "1000", "maker": "0.0005", "taker": "0.0006"}],
    });
    let told = put(&venue, "/fees", set).await;
    let whole = json!({
        "discountAsset": "GAS", "discount": "0.50000000", "valuationAsset": "USDT",
        "tiers": [{"volume": "1000.00000000", "maker": "0.00050000", "taker": "0.00060000"}],
    });
    assert_eq!(told, whole);
    assert_eq!(
        put(&venue, "/fees", json!({})).await,
        whole,
        "what is left out stays"
    );
    let before = venue.digest().await;
    let account = format!("/accounts/{}", ann.account);
    for (path, body, status, said) in [
        ("/fees", json!({"discount": "1.1"}), 400, "from 0 to 1"),
        (
            "/fees",
            json!({"discountAsset": null, "discount": "0.5"}),
            400,
            "discountAsset",
        ),
        ("/fees", json!({"discountAsset": "gas"}), 400, "gas"),
        (
            "/fees",
            json!({"tiers": [{"volume": "0", "maker": "0", "taker": "0"}]}),
            400,
            "positive",
        ),
        (
            "/fees",
            json!({"tiers": [{"volume": "2", "maker": "0", "taker": "0"}, {"volume": "2", "maker": "0", "taker": "0"}]}),
            400,
            "rise",
        ),
        ("/fees", json!({"rebate": 1}), 400, "rebate"),
        ("/fees/NONE", json!({}), 404, "symbol"),
        (
            "/fees/ABCUSDT",
            json!({"tax": {"maker": "-0.1"}}),
            400,
            "tax.maker",
        ),
        (
            "/fees/ABCUSDT",
            json!({"tax": {"broker": "0.1"}}),
            400,
            "broker",
        ),
        (
            "/fees/ABCUSDT",
            json!({"tax": {"maker": "0.6"}, "special": {"seller": "0.5"}}),
            400,
            "all that an order receives",
        ),
        (account.as_str(), json!({"tier": 2}), 400, "0 to 1"),
        (account.as_str(), json!({"tier": -1}), 400, "-1"),
        (account.as_str(), json!({}), 400, "expected"),
        ("/accounts/2", json!({"tier": 1}), 404, "account 2"),
        ("/accounts/x", json!({"tier": 1}), 400, "'x'"),
    ] {
        let reply = venue
            .send("PUT", &format!("/sandbox/v1{path}"), &[], &body.to_string())
            .await;
        let msg = reply.json()["msg"].as_str().unwrap_or_default().to_owned();
        assert!(
            reply.status == status && msg.contains(said),
            "{path} {body}: {reply:?}"
        );
    }
    assert_eq!(venue.digest().await, before);
    let ended = put(&venue, "/fees", json!({"discountAsset": null, "tiers": []})).await;
    assert_eq!(ended, none);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_ends_and_its_volume_gives_a_tier() {
    let (venue, ann, bob) = venue().await;
    let tiers = json!({"valuationAsset": "USDT", "tiers": [
        {"volume": "200", "maker": "0.0004", "taker": "0.0006"},
        {"volume": "10000", "maker": "0", "taker": "0"},
    ]});
    put(&venue, "/fees", tiers).await;
    // four times 63.54 USDT for both
    for _ in 0..2 {
        compare(&venue, &ann, &bob, false).await;
    }
    let maker = async || {
        let told = venue
            .good(&ann, "GET", "/api/v3/account/commission", "symbol=ABCUSDT")
            .await;
        told["standardCommission"]["maker"].clone()
    };
    assert_eq!(maker().await, "0.00080000", "today counts tomorrow");
    venue
        .clock
        .set(venue.context.now().plus_micros(86_400_000_000));
    // nobody has to ask for anything: the venue wakes by itself
    let rolled = async {
        while maker().await != "0.00040000" {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), rolled)
        .await
        .expect("a tier");
    compare(&venue, &ann, &bob, false).await;
}
