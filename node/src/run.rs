//! `highwater run`, in numbered stages.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use journal::{FileStorage, Folder, Retain};
use kit::{Context, Limits, Profile, Router};
use relay::Relay;
use rest::{Hosts, Listener, Metrics, Site, Stop};
use sequencer::{Clock, ManualClock, Recovered, Sequencer, SystemClock};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use types::Seq;
use views::{Views, ViewsReader};
use ws::{Feed, FeedHandle, FeedReader};

use crate::cli::{self, RunArgs};
use crate::offline::say;
use crate::rules::rules;

/// The exit code when the journal can no longer be written.
const JOURNAL_FAILED: i32 = 3;
/// How long streams may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

pub fn run(args: RunArgs) -> Result<()> {
    let args = args.with_file()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("gateway")
        .build()?;
    runtime.block_on(stages(args))
}

async fn stages(args: RunArgs) -> Result<()> {
    // 1. The doors are taken first: an address in use is said before any work is done.
    let listener = bind(args.listen, "127.0.0.1:8080").await?;
    let metrics_door = TcpListener::bind(args.metrics_listen.unwrap_or_else(loopback))
        .await
        .context("bind the metrics listener")?;

    let fix_doors = bind_fix(args.fix).await?;

    // 2. The folder is locked and the engine is brought to the journal's end.
    let data = args.data.clone().context(
        "--data DIR (or `data` in the configuration file) says where the exchange keeps everything",
    )?;
    let recovered = recover(&data, &args)?;

    // 3. The views follow from the event log and the engine.
    let clock = Arc::new(ManualClock::running());
    let history = history_url(&data, &args)?;
    let (views, views_reader) = open_views(&recovered, &history, clock.clone(), false)?;
    let fix_sessions = Arc::new(fix::Sessions::new(views.clone()));
    let (feed, feed_reader) = open_feed(&recovered, &views, clock.clone(), &fix_sessions)?;

    // 4. People's keys, and what they may use.
    let (keys, limits) = open_people(&data, &args).await?;

    // 5. The queue runs; whoever reads below the mark is attached.
    let fills = open_fills(&recovered, &limits);
    let counts = keep_counts(Arc::clone(&limits));
    let (ears, listening) = open_ears(&recovered);
    let relay = Relay::new()
        .with(views_reader)
        .with(feed_reader)
        .with(listening)
        .with(fills);
    let sequencer = start(recovered, relay, clock.clone())?;

    // 6. The market, its past first, then alive.
    let stop = Stop::new();
    let market = open_market(&args, ears, &sequencer, &clock, &stop).await?;

    // 7. The gateways serve, and say so.
    let context = Context {
        sequencer: sequencer.client.clone(),
        keys,
        limits: Arc::clone(&limits),
        views,
    };
    let context = Arc::new(context);
    let fix = open_fix(fix_doors, &data, &context, fix_sessions)?;
    let (site, metrics) = site(&args, context, feed.clone(), &stop);
    let (address, metrics_address) = (listener.address(), metrics_door.local_addr()?);
    let serving = tokio::spawn(listener.serve(Arc::new(site), stop.clone()));
    let counted = counters(&sequencer, &feed);
    tokio::spawn(rest::metrics::serve(
        metrics_door,
        metrics,
        counted,
        stop.clone(),
    ));
    let (fix, fix_ready) = fix.unzip();
    let sandbox = args.demo || args.sandbox;
    say_ready(address, metrics_address, sandbox, fix_ready)?;

    // 8. The end: streams are told, what is queued is finished, a snapshot is taken.
    wait_for_the_end().await?;
    end(&stop, market, &feed, fix, serving, sequencer).await?;
    counts.abort();
    limits.keep_order_counts();
    Ok(())
}

/// The first fill of an order that rests already gives back as well.
fn open_fills(recovered: &Recovered, limits: &Arc<Limits>) -> kit::FillsReader {
    let mut fills = kit::FillsReader::new(Arc::clone(limits));
    recovered.engine.tell(&mut |event| fills.seed(&event));
    fills
}

/// Writes the counts of unfilled orders every second.
fn keep_counts(limits: Arc<Limits>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        loop {
            seconds.tick().await;
            let limits = Arc::clone(&limits);
            let _ = tokio::task::spawn_blocking(move || limits.keep_order_counts()).await;
        }
    })
}

async fn end(
    stop: &Stop,
    market: Option<Living>,
    feed: &FeedHandle,
    fix: Option<fix::Serving>,
    serving: JoinHandle<()>,
    sequencer: Sequencer,
) -> Result<()> {
    tracing::info!("ending");
    stop.stop();
    if let Some(market) = market {
        let _ = market.await;
    }
    if let Some(fix) = fix {
        fix.shut_down(GOODBYE).await;
    }
    feed.shut_down(GOODBYE).await;
    let _ = serving.await;
    let stopped = tokio::task::spawn_blocking(move || sequencer.stop()).await?;
    let position = stopped.map_err(|why| anyhow!("{why}"))?;
    tracing::info!(seq = position.seq.0, "everything is on the disk");
    Ok(())
}

async fn open_people(data: &Path, args: &RunArgs) -> Result<(identity::Keys, Arc<Limits>)> {
    let keys = identity::Keys::open(data)
        .await
        .context("open the API keys")?;
    let profile = if args.limits() == cli::Limits::Wide {
        Profile::WIDE
    } else {
        Profile::BINANCE
    };
    let limits = Limits::with_bans(profile, &data.join("bans.json"))
        .and_then(|limits| limits.with_order_counts(&data.join("order-counts")))
        .context("read the bans and the order counts")?;
    Ok((keys, Arc::new(limits)))
}

fn loopback() -> std::net::SocketAddr {
    std::net::SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn bind(address: Option<std::net::SocketAddr>, default: &str) -> Result<Listener> {
    let address = match address {
        Some(address) => address,
        None => default.parse()?,
    };
    Listener::bind(address)
        .await
        .with_context(|| format!("listen on {address}: if another program has it, give another port with --listen (port 0 takes a free one)"))
}

async fn bind_fix(address: Option<std::net::SocketAddr>) -> Result<Option<fix::Listeners>> {
    let Some(address) = address else {
        return Ok(None);
    };
    let bound = fix::Listeners::bind(address).await;
    bound.map(Some).with_context(|| format!("listen on {address} and the eight ports after it: if another program has one, give another port with --fix (port 0 takes free ones)"))
}

/// The FIX gateway at work, and what the ready line says of it.
fn open_fix(
    doors: Option<fix::Listeners>,
    data: &Path,
    context: &Arc<Context>,
    sessions: Arc<fix::Sessions>,
) -> Result<Option<(fix::Serving, serde_json::Value)>> {
    let Some(doors) = doors else {
        return Ok(None);
    };
    let [orders, ..] = doors.addresses(fix::Coding::Text)?;
    let tls = fix::ca::server_config(data, &[orders.ip()]).context("TLS for FIX")?;
    let gateway = fix::Gateway {
        context: Arc::clone(context),
        router: Arc::new(Router::new(spot_edge::TABLES)),
        sessions,
        tls,
    };
    let of = |coding: fix::Coding| -> Result<serde_json::Value> {
        let urls = doors
            .addresses(coding)?
            .map(|address| format!("tcp+tls://{address}"));
        let [orders, copies, market] = urls;
        Ok(json!({"orderEntry": orders, "dropCopy": copies, "marketData": market}))
    };
    let mut ready = of(fix::Coding::Text)?;
    ready["authority"] = json!(std::path::absolute(fix::ca::authority_path(data))?);
    ready["sbeAnswers"] = of(fix::Coding::Mixed)?;
    ready["sbe"] = of(fix::Coding::Binary)?;
    Ok(Some((gateway.serve(doors), ready)))
}

fn recover(data: &Path, args: &RunArgs) -> Result<Recovered> {
    std::fs::create_dir_all(data)
        .with_context(|| format!("make the data folder {}", data.display()))?;
    let folder = Folder::open(FileStorage::new(data)?)?;
    let mut options = sequencer::Options::default();
    options.journal.durability = durability(args);
    if let Some(bytes) = args.retain_bytes()? {
        options.journal.retain = Retain::Bytes(bytes);
        options.events.retain = Retain::Bytes(bytes);
    }
    if let Some(records) = args.snapshot_records {
        ensure!(records > 0, "--snapshot-records must be positive");
        options.snapshot_records = records;
    }
    let recovered = Recovered::open(folder, rules(), options)?;
    let report = &recovered.report;
    tracing::info!(
        seq = recovered.position.seq.0,
        snapshot = report.snapshot.0,
        replayed = report.replayed,
        ms = report.elapsed.as_millis(),
        "recovered"
    );
    if let Some(cut) = &report.truncated {
        tracing::warn!("cut off {cut}");
    }
    Ok(recovered)
}

/// Where history is written.
pub fn history_url(data: &Path, args: &RunArgs) -> Result<String> {
    match &args.history {
        Some(url) => Ok(url.clone()),
        None => sqlite_url(data),
    }
}

/// The history database in the data folder.
pub fn sqlite_url(data: &Path) -> Result<String> {
    let path: PathBuf = std::path::absolute(data)?.join("history.db");
    Ok(format!(
        "sqlite://{}",
        path.to_str()
            .context("the data folder's path is not UTF-8")?
    ))
}

/// Brings history to the engine's state. A database that is of no use is made again at once: nothing in it is the only copy.
pub fn open_views(
    recovered: &Recovered,
    url: &str,
    clock: Arc<dyn Clock>,
    rebuild: bool,
) -> Result<(Views, ViewsReader)> {
    let error = match catch_up(recovered, url, Arc::clone(&clock), rebuild) {
        Err(error) if !rebuild => error,
        other => return other,
    };
    match error.downcast_ref::<views::HistoryError>() {
        Some(history) if history.needs_rebuild() => {
            tracing::warn!(%error, "making history again from the event log");
            catch_up(recovered, url, clock, true)
        }
        _ => Err(error),
    }
}

/// From the event log, record by record, then what is open from the engine itself.
fn catch_up(
    recovered: &Recovered,
    url: &str,
    clock: Arc<dyn Clock>,
    rebuild: bool,
) -> Result<(Views, ViewsReader)> {
    let end = recovered.position.seq;
    let mut options = views::Options::new(url, move || clock.now());
    options.rebuild = rebuild;
    let mut opening = Views::open(options)?;
    recovered.settle_events();
    let mut from = opening.next_seq();
    while from <= end {
        let mut failed = None;
        let read = sequencer::read_events(&recovered.folder, from, end, |seq, time, events| {
            if failed.is_none() {
                failed = opening.apply(seq, time, events).err();
            }
        });
        if let Some(error) = failed {
            return Err(error.into());
        }
        match read {
            Ok(()) => break,
            Err(sequencer::RecoverError::Journal(journal::JournalError::EventsMissing {
                to,
                why,
                ..
            })) => {
                tracing::warn!(
                    from = from.0,
                    to = to.0,
                    why,
                    "history has a gap: these records' events are no longer kept"
                );
                opening.begin_after(to)?;
                from = Seq(to.0 + 1);
            }
            Err(error) => return Err(error.into()),
        }
    }
    opening
        .start(end, |tell| recovered.engine.tell(tell))
        .map_err(Into::into)
}

fn open_feed(
    recovered: &Recovered,
    views: &Views,
    clock: Arc<ManualClock>,
    fix: &Arc<fix::Sessions>,
) -> Result<(FeedHandle, FeedReader)> {
    let listener = Arc::clone(fix) as Arc<dyn ws::Listener>;
    let mut feed = Feed::new(views.clone()).with_listener(listener);
    recovered.engine.tell(&mut |event| feed.seed(&event));
    let (handle, reader, _thread) = ws::start(feed, Arc::new(move || clock.now()))?;
    Ok((handle, reader))
}

fn start(recovered: Recovered, relay: Relay, clock: Arc<ManualClock>) -> Result<Sequencer> {
    let sequencer = recovered.start(relay, clock, |fatal| {
        // The answers that waited are told "execution status unknown" before this; nothing more may be promised.
        tracing::error!(%fatal, "ending: the journal cannot be written");
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(200));
            std::process::exit(JOURNAL_FAILED);
        });
    })?;
    Ok(sequencer)
}

/// The market at work.
type Living = JoinHandle<Result<market::Fidelity, market::MarketError>>;

/// The market follows what becomes of its orders, as a client follows its user stream.
struct Listening(market::Ears);

impl relay::Reader for Listening {
    fn apply(&mut self, batch: &Arc<protocol::Batch>) {
        self.0.hear(batch);
    }
}

fn open_ears(recovered: &Recovered) -> (market::Ears, Listening) {
    let ears = market::Ears::default();
    recovered.engine.tell(&mut |event| ears.told(&event));
    (ears.clone(), Listening(ears))
}

/// The market: on a first start, or after a pause, its past is made in virtual time before anybody can look.
async fn open_market(
    args: &RunArgs,
    ears: market::Ears,
    sequencer: &Sequencer,
    clock: &ManualClock,
    stop: &Stop,
) -> Result<Option<Living>> {
    let source = match (&args.market, args.demo) {
        (Some(folder), _) => market::Source::Frames(folder.clone()),
        (None, true) => market::Source::Demo,
        (None, false) => return Ok(None),
    };
    let speed = args.speed.as_deref().unwrap_or("1").parse();
    let config = market::Config {
        seed: args.seed.unwrap_or(1),
        speed: speed.map_err(|why: String| anyhow!("--speed: {why}"))?,
        source,
    };
    let client = sequencer.client.clone();
    // Nobody is told anything yet, so the past is loaded in bulk and made durable once.
    client.set_durability(journal::Durability::None).await?;
    let begun = std::time::Instant::now();
    let now = SystemClock.now();
    let market = market::Market::open(client.clone(), ears, clock, now, config).await?;
    client.set_durability(durability(args)).await?;
    tracing::info!(ms = begun.elapsed().as_millis(), "the market's past stands");
    let stop = stop.clone();
    Ok(Some(market.spawn(async move { stop.stopped().await })))
}

fn durability(args: &RunArgs) -> journal::Durability {
    match args.durability.unwrap_or(cli::Durability::Disk) {
        cli::Durability::Disk => journal::Durability::Disk,
        cli::Durability::Os => journal::Durability::Os,
        cli::Durability::None => journal::Durability::None,
    }
}

fn site(
    args: &RunArgs,
    context: Arc<Context>,
    feed: FeedHandle,
    stop: &Stop,
) -> (Site, Arc<Metrics>) {
    let spot = Arc::new(Router::new(spot_edge::TABLES));
    let metrics = Metrics::new();
    let sandbox = (args.demo || args.sandbox)
        .then(|| Arc::new(sandbox::Sandbox::new(Arc::clone(&context))) as Arc<dyn kit::Desk>);
    let upgrades = Arc::new(ws::Gateway::new(
        Arc::clone(&context),
        Arc::clone(&spot),
        feed,
    )) as Arc<dyn kit::Upgrades>;
    let site = Site {
        context,
        hosts: Hosts {
            default: Arc::clone(&spot),
            named: vec![("api.localhost".into(), spot)],
        },
        upgrades: Some(upgrades),
        sandbox,
        metrics: Arc::clone(&metrics),
        bounds: rest::Bounds::default(),
        stop: stop.clone(),
    };
    (site, metrics)
}

/// What the metrics door tells beside the listener's own figures.
fn counters(sequencer: &Sequencer, feed: &FeedHandle) -> Arc<dyn Fn(&mut String) + Send + Sync> {
    use std::fmt::Write as _;
    let (mark, brake) = (sequencer.mark.clone(), sequencer.brake.clone());
    let (client, feed) = (sequencer.client.clone(), feed.clone());
    Arc::new(move |out| {
        let mut gauge = |name: &str, help: &str, value: u64| {
            let _ = writeln!(
                out,
                "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}"
            );
        };
        gauge(
            "highwater_mark",
            "The last record that is durable.",
            mark.get().0,
        );
        gauge(
            "highwater_disk_full",
            "1 while the journal's disk is full and only cancels are taken.",
            u64::from(brake.is_on()),
        );
        gauge(
            "highwater_queue",
            "Requests that wait in front of the engine.",
            client.queued() as u64,
        );
        gauge(
            "highwater_streams",
            "WebSocket connections.",
            feed.connections() as u64,
        );
    })
}

fn say_ready(
    address: std::net::SocketAddr,
    metrics: std::net::SocketAddr,
    sandbox: bool,
    fix: Option<serde_json::Value>,
) -> Result<()> {
    let mut line = json!({
        "ready": true,
        "rest": format!("http://{address}"),
        "ws": format!("ws://{address}"),
        "wsapi": format!("ws://{address}/ws-api/v3"),
        "sbe": format!("ws://{address}/sbe"),
    });
    if sandbox {
        line["sandbox"] = json!(format!("http://{address}/sandbox/v1"));
    }
    if let Some(fix) = fix {
        line["fix"] = fix;
    }
    line["web"] = json!(format!("http://{address}/"));
    line["metrics"] = json!(format!("http://{metrics}/metrics"));
    say(&line)
}

async fn wait_for_the_end() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
