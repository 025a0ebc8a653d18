//! A connection from the client's side, over a pipe in memory.

use tokio::io::DuplexStream;
use tokio_websockets::{ClientBuilder, Limits, ServerBuilder};
use types::Time;
use views::Views;

use super::*;
use crate::feed::Feed;
use crate::handle::{FeedHandle, start};
use crate::hub::Form;
use crate::topic::Topic;

#[test]
fn an_unanswered_ping_ends_the_connection_and_stray_pongs_do_not_help() {
    let mut alive = Alive::new(Settings::BINANCE);
    let mut now = Instant::now();
    let first = alive.ping(now).unwrap();
    now += Duration::from_secs(20);
    alive.answered(&first);
    for _ in 0..3 {
        assert!(alive.ping(now).is_some());
        alive.answered(b"");
        now += Duration::from_secs(20);
    }
    assert!(alive.ping(now).is_none());
}

#[test]
fn five_frames_in_a_second() {
    let now = Instant::now();
    let mut pace = Pace::new(Some(5));
    assert!((0..5).all(|_| pace.allows(now)));
    assert!(!pace.allows(now));
    assert!(pace.allows(now + Duration::from_secs(2)));
    let mut any = Pace::new(None);
    assert!((0..100).all(|_| any.allows(now)));
}

type Client = WebSocketStream<DuplexStream>;

struct Scene {
    feed: FeedHandle,
    _reader: views::ViewsReader,
    _folder: tempfile::TempDir,
}

const TRADES: &str = "btcusdt@trade";

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("views.db").display());
        let opening = Views::open(views::Options::new(url, || Time(1))).unwrap();
        let (views, reader) = opening.start(types::Seq(0), |_| {}).unwrap();
        let (feed, _, _) = start(Feed::new(views), Arc::new(|| Time(1))).unwrap();
        Scene {
            feed,
            _reader: reader,
            _folder: folder,
        }
    }

    /// A client, the server's end of its line, and the task that serves it.
    fn connect(&self, settings: Settings) -> (Client, Arc<Line>, tokio::task::JoinHandle<()>) {
        let (near, far) = tokio::io::duplex(4096);
        let limits = Limits::default().max_payload_len(Some(settings.message_bytes));
        let socket = ServerBuilder::new().limits(limits).serve(far);
        let line = self
            .feed
            .open(kit::TimeUnit::Millis, Form::Raw, settings.bounds);
        let line = Arc::new(line);
        let session = Session::new(vec![Topic::parse(TRADES).unwrap()], false);
        let serving = serve(socket, line.clone(), Dialogue::Streams(session), settings);
        let task = tokio::spawn(serving);
        (ClientBuilder::new().take_over(near), line, task)
    }
}

/// Long enough for any machine; a test that waits this long has failed.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what)
        .await
        .expect("nothing happened for thirty seconds")
}

/// The next text, or the code of the close.
async fn next(client: &mut Client) -> Result<String, Option<u16>> {
    loop {
        match soon(client.next()).await {
            Some(Ok(frame)) if frame.is_text() => return Ok(frame.as_text().unwrap().to_owned()),
            Some(Ok(frame)) if frame.is_close() => {
                return Err(frame.as_close().map(|(code, _)| code.into()));
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(None),
        }
    }
}

#[tokio::test]
async fn malformed_frames_are_answered_and_the_connection_goes_on() {
    let scene = Scene::new();
    let (mut client, _, _) = scene.connect(Settings::WIDE);
    let deep = "[".repeat(10_000);
    for text in [
        "",
        "{",
        "null",
        "[]",
        "\"SUBSCRIBE\"",
        "{\"method\":5,\"id\":1}",
        deep.as_str(),
    ] {
        client.send(Frame::text(text.to_owned())).await.unwrap();
        let answer = next(&mut client).await.unwrap();
        assert!(
            answer.starts_with("{\"error\":{\"code\":"),
            "{text:.20}: {answer}"
        );
    }
    client
        .send(Frame::text("{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":1}"))
        .await
        .unwrap();
    assert_eq!(
        next(&mut client).await.unwrap(),
        "{\"result\":[\"btcusdt@trade\"],\"id\":1}"
    );
}

#[tokio::test]
async fn too_many_too_large_and_binary_frames_end_it() {
    let scene = Scene::new();
    let (mut client, _, _) = scene.connect(Settings::BINANCE);
    for _ in 0..6 {
        client.send(Frame::ping("x")).await.unwrap();
    }
    assert_eq!(next(&mut client).await, Err(Some(1008)));

    let (mut client, _, _) = scene.connect(Settings::WIDE);
    let sending = client.send(Frame::text("x".repeat(Settings::WIDE.message_bytes + 1)));
    let _ = tokio::time::timeout(Duration::from_millis(50), sending).await;
    assert!(matches!(next(&mut client).await, Err(Some(1009) | None)));

    let (mut client, _, _) = scene.connect(Settings::WIDE);
    client.send(Frame::binary("{}")).await.unwrap();
    assert_eq!(next(&mut client).await, Err(Some(1003)));
}

#[tokio::test]
async fn a_peer_that_does_not_answer_pings_is_cut() {
    let scene = Scene::new();
    let settings = Settings {
        ping_every: Duration::from_millis(20),
        pong_within: Duration::from_millis(60),
        ..Settings::WIDE
    };
    // this one never reads, so it never answers
    let (_client, _, task) = scene.connect(settings);
    soon(task).await.unwrap();

    let (mut client, _, task) = scene.connect(settings);
    let reading = async { while let Some(Ok(_)) = client.next().await {} };
    let lives = tokio::time::timeout(Duration::from_millis(500), reading).await;
    assert!(
        lives.is_err() && !task.is_finished(),
        "one that answers stays"
    );
}

#[tokio::test]
async fn a_reader_that_falls_behind_is_cut_and_one_that_reads_is_not() {
    let scene = Scene::new();
    let settings = Settings {
        bounds: Bounds {
            frames: 100,
            bytes: 1 << 20,
        },
        ..Settings::WIDE
    };
    for is_binary in [false, true] {
        let (_client, line, task) = scene.connect(settings);
        let bytes = Bytes::from("x".repeat(1000));
        // far more than pipe and outbox hold
        while line.outbox.closed().is_none() {
            line.outbox.push(Payload {
                bytes: bytes.clone(),
                is_binary,
            });
            tokio::task::yield_now().await;
        }
        soon(task).await.unwrap();
    }

    let (mut client, line, _) = scene.connect(settings);
    for i in 0..1000 {
        let frame = Payload::text(Bytes::from(i.to_string()));
        line.outbox.push(frame);
        assert_eq!(next(&mut client).await.unwrap(), i.to_string());
    }
}

#[tokio::test]
async fn a_shutdown_is_announced_and_then_the_connection_closes() {
    let scene = Scene::new();
    let (mut client, line, task) = scene.connect(Settings::WIDE);
    drop(line);
    let feed = scene.feed.clone();
    let down = tokio::spawn(async move { feed.shut_down(Duration::from_secs(30)).await });
    let told = next(&mut client).await.unwrap();
    assert_eq!(told, "{\"e\":\"serverShutdown\",\"E\":0}");
    assert_eq!(next(&mut client).await, Err(Some(1001)));
    soon(task).await.unwrap();
    soon(down).await.unwrap();
    assert_eq!(scene.feed.connections(), 0);
}
