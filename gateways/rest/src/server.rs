use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::Site;
use crate::route::handle;

/// What one client may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    pub connections: usize,
    /// Request line and headers, in bytes; beyond it 431.
    pub head_bytes: usize,
    pub headers: usize,
    /// Beyond it 413.
    pub body_bytes: usize,
    /// How long a connection may be idle, and how long a head may take; then it is closed.
    pub head_timeout: Duration,
    /// Then 408.
    pub body_timeout: Duration,
    /// How long requests in flight may take when the listener stops.
    pub drain_timeout: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            connections: 10_000,
            head_bytes: 32 * 1024,
            headers: 100,
            body_bytes: 64 * 1024,
            head_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(5),
        }
    }
}

/// A bound address that does not serve yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

/// Ends [`Listener::serve`]: no new connections, those that are idle close, requests in flight are answered.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Stop {
        Stop::new()
    }
}

impl Stop {
    #[must_use]
    pub fn new() -> Stop {
        Stop(Arc::new(watch::channel(false).0))
    }

    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when [`Stop::stop`] has been called.
    pub async fn stopped(&self) {
        let mut watch = self.0.subscribe();
        // The sender lives as long as `self`.
        let _ = watch.wait_for(|stopping| *stopping).await;
    }
}

impl Listener {
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(address: SocketAddr) -> io::Result<Listener> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Listener { socket, address })
    }

    /// With the port that was taken, when port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is stopped, then waits for requests in flight.
    pub async fn serve(self, site: Arc<Site>, stop: Stop) {
        let bounds = site.bounds;
        let places = Arc::new(Semaphore::new(bounds.connections));
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = stop.stopped() => break,
            };
            match accepted {
                Ok((stream, peer)) => match Arc::clone(&places).try_acquire_owned() {
                    Ok(place) => {
                        let (site, stop) = (Arc::clone(&site), stop.clone());
                        tokio::spawn(async move {
                            site.metrics.connected();
                            connection(stream, peer, &site, &stop).await;
                            site.metrics.disconnected();
                            drop(place);
                        });
                    }
                    Err(_) => site.metrics.turned_away(),
                },
                Err(error) => {
                    // Out of file descriptors, most likely: others must end before it helps to try again.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        let all = u32::try_from(bounds.connections).unwrap_or(u32::MAX);
        let drained = tokio::time::timeout(bounds.drain_timeout, places.acquire_many(all)).await;
        if drained.is_err() {
            tracing::info!("closing with requests in flight");
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, site: &Arc<Site>, stop: &Stop) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %peer, "no delay could not be set");
    }
    let ip = peer.ip().to_canonical();
    let service =
        service_fn(|request| async move { Ok::<_, Infallible>(handle(site, request, ip).await) });
    let bounds = site.bounds;
    // Without `pipeline_flush`: with it hyper closes on a head that it cannot read without sending its 400 or 431.
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head_timeout)
        .max_buf_size(bounds.head_bytes.max(8192))
        .max_headers(bounds.headers)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = stop.stopped() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "the connection broke off");
    }
}
