use std::time::Duration;

use kit::Profile;
use rest::Bounds;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::venue::Venue;

#[tokio::test(flavor = "multi_thread")]
async fn senders_of_too_much_are_cut_off() {
    let bounds = Bounds {
        head_bytes: 8192,
        body_bytes: 1024,
        ..Bounds::default()
    };
    let venue = Venue::start(Profile::WIDE, bounds).await;
    let long = "a".repeat(20_000);
    let reply = venue
        .send("GET", "/api/v3/ping", &[("X-Long", &long)], "")
        .await;
    assert!(
        matches!(reply.status, 0 | 431),
        "closing with unread bytes may outrun the answer: {reply:?}"
    );
    let many: Vec<(String, &str)> = (0..200).map(|i| (format!("X-{i}"), "1")).collect();
    let many: Vec<(&str, &str)> = many
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    assert_eq!(
        venue.send("GET", "/api/v3/ping", &many, "").await.status,
        431
    );
    let reply = venue.send("POST", "/api/v3/order", &[], &long).await;
    assert_eq!(reply.status, 413, "{}", reply.head);
    let reply = venue.send("POST", "/sandbox/v1/accounts", &[], &long).await;
    assert_eq!(reply.status, 413);
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        let reply = venue.raw(&[nonsense, b"\r\n\r\n"].concat()).await;
        assert!(matches!(reply.status, 0 | 400 | 505), "{reply:?}");
    }
    assert_eq!(venue.get("/api/v3/ping").await.body, "{}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_are_cut_off() {
    let quick = Duration::from_millis(200);
    let bounds = Bounds {
        head_timeout: quick,
        body_timeout: quick,
        ..Bounds::default()
    };
    let venue = Venue::start(Profile::WIDE, bounds).await;
    let reply = venue.raw(b"GET /api/v3/ping HTTP/1.1\r\nHost: local").await;
    assert!(
        matches!(reply.status, 0 | 408),
        "a head that never ends: {reply:?}"
    );
    let reply = venue.raw(b"POST /api/v3/order HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 10\r\n\r\nab").await;
    assert_eq!(reply.status, 408, "a body that never comes");
    assert_eq!(venue.get("/api/v3/ping").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_many_and_pipelines() {
    let venue = Venue::start(Profile::WIDE, Bounds::default()).await;
    let mut stream = TcpStream::connect(venue.address).await.unwrap();
    let one = "GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(9);
    let last = "GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream
        .write_all(format!("{one}{last}").as_bytes())
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_paths_answer() {
    let venue = Venue::start(Profile::WIDE, Bounds::default()).await;
    let wrong = venue.send("PATCH", "/api/v3/order", &[], "").await;
    assert_eq!((wrong.status, wrong.code()), (405, -1020));
    assert!(wrong.header("allow").unwrap().contains("DELETE"));
    assert_eq!(
        venue
            .send("GET", "/api/v3/time", &[("X-MBX-TIME-UNIT", "hours")], "")
            .await
            .code(),
        -1194
    );

    let preflight = venue
        .send(
            "OPTIONS",
            "/api/v3/order",
            &[
                ("Origin", "http://a.example"),
                ("Access-Control-Request-Method", "POST"),
            ],
            "",
        )
        .await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    assert!(
        preflight
            .header("access-control-allow-headers")
            .unwrap()
            .contains("X-MBX-APIKEY")
    );
    let ping = venue.get("/api/v3/ping").await;
    assert!(
        ping.header("access-control-expose-headers")
            .unwrap()
            .contains("X-MBX-USED-WEIGHT-1M")
    );
    let uuid = ping.header("x-mbx-uuid").unwrap();
    assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
    assert_ne!(
        venue
            .get("/api/v3/ping")
            .await
            .header("x-mbx-uuid")
            .unwrap(),
        uuid
    );

    let page = venue.get("/").await;
    assert!(
        page.status == 200
            && page
                .header("content-type")
                .unwrap()
                .starts_with("text/html")
    );
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let etag = page.header("etag").unwrap();
    let again = venue.send("GET", "/", &[("If-None-Match", etag)], "").await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(
        venue.send("HEAD", "/trade/ABCUSDT", &[], "").await.status,
        200
    );
    assert_eq!(venue.get("/none.js").await.status, 404);
    assert_eq!(venue.send("POST", "/", &[], "x").await.status, 405);
    assert_eq!(
        venue.get("/ws/abcusdt@trade").await.status,
        426,
        "not asked for as a WebSocket"
    );
    assert_eq!(venue.get("/readyz").await.status, 200);
    assert_eq!(venue.get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_the_requests_in_flight_finish() {
    let venue = Venue::start(Profile::WIDE, Bounds::default()).await;
    let mut stream = TcpStream::connect(venue.address).await.unwrap();
    stream
        .write_all(b"POST /api/v3/order HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\na")
        .await
        .unwrap();
    // Seen by the listener for certain once a later connection has been served.
    assert_eq!(venue.get("/api/v3/ping").await.status, 200);
    venue.stop.stop();
    stream.write_all(b"=1").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 401"), "{text}");
}
