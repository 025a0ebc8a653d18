//! Orders over HTTP against an axum hello: two servers, one load generator, the same cores, in turn.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use ring::hmac;
use serde_json::Value;

use crate::load::Dice;
use crate::stats::{Spread, quantile};

/// Serves a hello until its standard input closes.
pub fn hello() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let app = axum::Router::new().route(
            "/api/v3/order",
            axum::routing::post(|| async { "{\"hello\":\"world\"}" }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!(
            "{}",
            serde_json::json!({ "rest": format!("http://{}", listener.local_addr()?) })
        );
        std::thread::spawn(|| {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            std::process::exit(0);
        });
        axum::serve(listener, app).await?;
        Ok(())
    })
}

struct Server {
    child: Child,
    address: SocketAddr,
    name: &'static str,
}

impl Server {
    fn start(name: &'static str, mut command: Command) -> Result<Server> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("start a server")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("standard output")?).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line)
            .with_context(|| format!("{name} said {line:?} instead of one line of JSON"))?;
        let url = ready["rest"]
            .as_str()
            .context("the ready line has no address")?;
        let address = url.trim_start_matches("http://").parse()?;
        Ok(Server {
            child,
            address,
            name,
        })
    }

    /// Seconds of processor time so far, of all its threads.
    fn cpu_seconds(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
        let ticks: f64 = fields.get(11).context("utime")?.parse::<f64>()?
            + fields.get(12).context("stime")?.parse::<f64>()?;
        Ok(ticks / 100.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request and its whole answer on a kept connection.
fn exchange(stream: &mut BufReader<TcpStream>, request: &[u8], body: &mut Vec<u8>) -> Result<u16> {
    stream.get_mut().write_all(request)?;
    let mut head = String::new();
    let (mut status, mut length) = (0, 0);
    loop {
        head.clear();
        ensure!(
            stream.read_line(&mut head)? > 0,
            "the server closed the connection"
        );
        let line = head.trim_end();
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest.get(..3).unwrap_or("0").parse()?;
        } else if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        } else if line.is_empty() {
            break;
        }
    }
    body.resize(length, 0);
    stream.read_exact(body)?;
    Ok(status)
}

fn post(address: SocketAddr, path: &str, body: &str) -> Result<Value> {
    let mut stream = BufReader::new(TcpStream::connect(address)?);
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut answer = Vec::new();
    let status = exchange(&mut stream, request.as_bytes(), &mut answer)?;
    ensure!(
        status == 200,
        "POST {path}: {status} {}",
        String::from_utf8_lossy(&answer)
    );
    Ok(serde_json::from_slice(&answer)?)
}

#[derive(Clone)]
struct Trader {
    key: String,
    secret: hmac::Key,
}

fn traders(address: SocketAddr, count: usize) -> Result<Vec<Trader>> {
    let filters = r#"[{"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000000.00","tickSize":"0.01"},{"filterType":"LOT_SIZE","minQty":"0.00001","maxQty":"9000.0","stepSize":"0.00001"}]"#;
    post(
        address,
        "/sandbox/v1/symbols",
        &format!(
            r#"{{"symbol":"BENCHUSDT","baseAsset":"BENCH","quoteAsset":"USDT","filters":{filters}}}"#
        ),
    )?;
    (0..count)
        .map(|_| {
            let account = post(
                address,
                "/sandbox/v1/accounts",
                r#"{"balances":{"USDT":"1000000000","BENCH":"1000000"}}"#,
            )?;
            let text = |name: &str| {
                account[name]
                    .as_str()
                    .map(str::to_owned)
                    .with_context(|| format!("no {name} in {account}"))
            };
            Ok(Trader {
                key: text("apiKey")?,
                secret: hmac::Key::new(hmac::HMAC_SHA256, text("secretKey")?.as_bytes()),
            })
        })
        .collect()
}

fn order(trader: &Trader, dice: &mut Dice) -> Vec<u8> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis());
    let side = if dice.below(2) == 0 { "BUY" } else { "SELL" };
    let price = 5_000_000 + dice.below(41) - 20;
    let mut query = format!(
        "symbol=BENCHUSDT&side={side}&type=LIMIT&timeInForce=GTC&quantity=0.00{:03}&price={}.{:02}&newOrderRespType=ACK&timestamp={now}",
        100 + dice.below(900),
        price / 100,
        price % 100
    );
    let signature = hex::encode(hmac::sign(&trader.secret, query.as_bytes()));
    query.push_str("&signature=");
    query.push_str(&signature);
    format!("POST /api/v3/order?{query} HTTP/1.1\r\nHost: bench\r\nX-MBX-APIKEY: {}\r\nContent-Length: 0\r\n\r\n", trader.key).into_bytes()
}

struct Run {
    per_second: f64,
    per_cpu_second: f64,
    p50_us: f64,
    p99_us: f64,
}

/// Every connection asks, waits for the whole answer, and asks again.
fn drive(server: &Server, traders: &[Trader], seconds: u64, connections: usize) -> Result<Run> {
    let cpu = server.cpu_seconds()?;
    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let threads: Vec<_> = (0..connections)
        .map(|n| {
            let (trader, address) = (traders[n % traders.len()].clone(), server.address);
            std::thread::Builder::new()
                .stack_size(256 << 10)
                .spawn(move || -> Result<Vec<u64>> {
                    let stream = TcpStream::connect(address)?;
                    stream.set_nodelay(true)?;
                    let mut stream = BufReader::new(stream);
                    let (mut dice, mut body, mut latencies) =
                        (Dice::new(n as u64 * 2 + 1), Vec::new(), Vec::new());
                    while Instant::now() < end {
                        let request = order(&trader, &mut dice);
                        let sent = Instant::now();
                        let status = exchange(&mut stream, &request, &mut body)?;
                        if status != 200 {
                            bail!("{status} {}", String::from_utf8_lossy(&body));
                        }
                        latencies.push(sent.elapsed().as_nanos() as u64);
                    }
                    Ok(latencies)
                })
        })
        .collect();
    let mut latencies = Vec::new();
    for thread in threads {
        latencies.extend(
            thread?
                .join()
                .map_err(|_| anyhow::anyhow!("a load thread panicked"))??,
        );
    }
    let elapsed = begun.elapsed().as_secs_f64();
    let cpu = server.cpu_seconds()? - cpu;
    latencies.sort_unstable();
    Ok(Run {
        per_second: latencies.len() as f64 / elapsed,
        per_cpu_second: latencies.len() as f64 / cpu,
        p50_us: quantile(&latencies, 0.5) as f64 / 1e3,
        p99_us: quantile(&latencies, 0.99) as f64 / 1e3,
    })
}

fn binary() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("highwater");
    ensure!(
        path.is_file(),
        "{} is not there: build it first with `cargo build --release --bin highwater`",
        path.display()
    );
    Ok(path)
}

pub fn run(pairs: usize, seconds: u64, connections: usize) -> Result<()> {
    println!(
        "http: limit orders, HMAC-signed as they are sent, answered when durable (fdatasync); {connections} connections, {seconds} s a run"
    );
    let data = tempfile::tempdir()?;
    let mut command = Command::new(binary()?);
    command
        .args(["run", "--sandbox", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path());
    let highwater = Server::start("highwater", command)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("hello");
    let hello = Server::start("axum hello", command)?;
    let traders = traders(highwater.address, 16)?;
    let (mut ratios, mut cpu_ratios) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        let ours = drive(&highwater, &traders, seconds, connections)?;
        let theirs = drive(&hello, &traders, seconds, connections)?;
        for (server, run) in [(&highwater, &ours), (&hello, &theirs)] {
            println!(
                "  pair {pair}: {:<10} {:>7.0}/s, {:>7.0} per server-CPU-second, p50 {:.0} us, p99 {:.0} us",
                server.name, run.per_second, run.per_cpu_second, run.p50_us, run.p99_us
            );
        }
        ratios.push(ours.per_second / theirs.per_second);
        cpu_ratios.push(ours.per_cpu_second / theirs.per_cpu_second);
    }
    println!(
        "orders / hello: {} by wall clock, {} by server CPU",
        Spread::of(ratios),
        Spread::of(cpu_ratios)
    );
    Ok(())
}
