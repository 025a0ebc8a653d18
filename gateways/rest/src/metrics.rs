//! Counters in Prometheus text, on a listener of their own.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::{Stop, respond};

/// Upper bounds of the buckets, in microseconds.
const BUCKETS: [u64; 12] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_500_000,
];

#[derive(Clone, Copy, Debug, Default)]
struct Histogram {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum_us: u64,
}

type Route = (&'static str, &'static str);

/// What the listener counts.
#[derive(Debug, Default)]
pub struct Metrics {
    open: AtomicI64,
    accepted: AtomicU64,
    turned_away: AtomicU64,
    weight_peak: AtomicU64,
    requests: Mutex<BTreeMap<(Route, u16), u64>>,
    latencies: Mutex<BTreeMap<Route, Histogram>>,
}

impl Metrics {
    #[must_use]
    pub fn new() -> Arc<Metrics> {
        Arc::default()
    }

    pub(crate) fn connected(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn disconnected(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    /// The used weight that an address was told.
    pub(crate) fn weighed(&self, used: u32) {
        self.weight_peak
            .fetch_max(u64::from(used), Ordering::Relaxed);
    }

    /// A request that reached a method, or (`None`) none.
    pub(crate) fn answered(&self, route: Option<Route>, status: u16, took: Duration) {
        let route = route.unwrap_or(("", "unknown"));
        *self
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry((route, status))
            .or_default() += 1;
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut latencies = self
            .latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let histogram = latencies.entry(route).or_default();
        histogram.count += 1;
        histogram.sum_us = histogram.sum_us.saturating_add(us);
        if let Some(bucket) = BUCKETS.iter().position(|bound| us <= *bound) {
            histogram.buckets[bucket] += 1;
        }
    }

    /// Everything in Prometheus' text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::with_capacity(4096);
        let gauges = [
            (
                "highwater_http_connections",
                "gauge",
                self.open.load(Ordering::Relaxed).unsigned_abs(),
            ),
            (
                "highwater_http_connections_accepted_total",
                "counter",
                self.accepted.load(Ordering::Relaxed),
            ),
            (
                "highwater_http_connections_turned_away_total",
                "counter",
                self.turned_away.load(Ordering::Relaxed),
            ),
            (
                "highwater_used_weight_peak",
                "gauge",
                self.weight_peak.load(Ordering::Relaxed),
            ),
        ];
        for (name, kind, value) in gauges {
            let _ = writeln!(out, "# TYPE {name} {kind}\n{name} {value}");
        }
        let _ = writeln!(out, "# TYPE highwater_http_requests_total counter");
        for (((verb, path), status), count) in self
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            let _ = writeln!(
                out,
                "highwater_http_requests_total{{method=\"{verb}\",path=\"{path}\",status=\"{status}\"}} {count}"
            );
        }
        let _ = writeln!(out, "# TYPE highwater_http_request_seconds histogram");
        for ((verb, path), histogram) in self
            .latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            write_histogram(
                &mut out,
                &format!("method=\"{verb}\",path=\"{path}\""),
                histogram,
            );
        }
        out
    }
}

fn write_histogram(out: &mut String, labels: &str, histogram: &Histogram) {
    const NAME: &str = "highwater_http_request_seconds";
    let mut below = 0;
    for (bound, count) in BUCKETS.iter().zip(histogram.buckets) {
        below += count;
        let _ = writeln!(
            out,
            "{NAME}_bucket{{{labels},le=\"{}\"}} {below}",
            seconds(*bound)
        );
    }
    let _ = writeln!(
        out,
        "{NAME}_bucket{{{labels},le=\"+Inf\"}} {}",
        histogram.count
    );
    let _ = writeln!(out, "{NAME}_sum{{{labels}}} {}", seconds(histogram.sum_us));
    let _ = writeln!(out, "{NAME}_count{{{labels}}} {}", histogram.count);
}

fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

/// Serves `/metrics`, `/healthz` and `/readyz` until stopped. `more` appends what others count.
pub async fn serve(
    socket: TcpListener,
    metrics: Arc<Metrics>,
    more: Arc<dyn Fn(&mut String) + Send + Sync>,
    stop: Stop,
) {
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = stop.stopped() => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (metrics, more, stop) = (Arc::clone(&metrics), Arc::clone(&more), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(|request: kit::WireRequest| {
                let response = page(request.uri().path(), &metrics, &*more, &stop);
                async move { Ok::<_, Infallible>(response) }
            });
            let serving = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(60))
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                ended = serving => drop(ended),
                () = stop.stopped() => {}
            }
        });
    }
}

fn page(
    path: &str,
    metrics: &Metrics,
    more: &(dyn Fn(&mut String) + Send + Sync),
    stop: &Stop,
) -> kit::WireResponse {
    match path {
        "/metrics" => {
            let mut text = metrics.text();
            more(&mut text);
            respond::text(
                StatusCode::OK,
                "text/plain; version=0.0.4; charset=utf-8",
                text,
            )
        }
        "/healthz" => respond::text(StatusCode::OK, "text/plain", "ok\n"),
        "/readyz" if stop.is_stopping() => {
            respond::text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "ending\n")
        }
        "/readyz" => respond::text(StatusCode::OK, "text/plain", "ready\n"),
        _ => respond::text(
            StatusCode::NOT_FOUND,
            "text/plain",
            "see /metrics, /healthz, /readyz\n",
        ),
    }
}
