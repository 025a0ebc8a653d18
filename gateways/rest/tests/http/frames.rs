//! A client of the WebSocket API.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_websockets::{ClientBuilder, MaybeTlsStream, Message, WebSocketStream};

use crate::venue::{Trader, Venue, sign};

/// Long enough for any machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Api {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u64,
}

impl Api {
    pub async fn open(venue: &Venue) -> Api {
        let uri = format!("ws://{}/ws-api/v3", venue.address).parse().unwrap();
        let builder = ClientBuilder::from_uri(uri);
        let (socket, _) = tokio::time::timeout(PATIENCE, builder.connect())
            .await
            .expect("an answer")
            .expect("an upgrade");
        Api { socket, last_id: 0 }
    }

    /// Sends a frame and reads the next one.
    pub async fn ask(&mut self, text: String) -> Value {
        self.socket.send(Message::text(text)).await.unwrap();
        let next = async {
            loop {
                let frame = self.socket.next().await.expect("an open connection");
                if let Some(text) = frame.unwrap().as_text() {
                    return serde_json::from_str(text).expect("JSON");
                }
            }
        };
        tokio::time::timeout(PATIENCE, next)
            .await
            .expect("an answer")
    }

    /// Waits until the other side closes.
    pub async fn ended(mut self) {
        let end = async { while let Some(Ok(_)) = self.socket.next().await {} };
        tokio::time::timeout(PATIENCE, end).await.expect("an end");
    }

    /// Calls a method; the answer's frame.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let frame = json!({"id": id, "method": method, "params": params});
        let answer = self.ask(frame.to_string()).await;
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }
}

/// The parameters with key and signature, which is over all of them by name.
pub fn signed(trader: &Trader, mut params: Value) -> Value {
    params["apiKey"] = trader.api_key.clone().into();
    let mut pairs: Vec<String> = Vec::new();
    for (name, value) in params.as_object().unwrap() {
        let text = value.as_str().map(str::to_owned);
        pairs.push(format!(
            "{name}={}",
            text.unwrap_or_else(|| value.to_string())
        ));
    }
    pairs.sort();
    params["signature"] = sign(&trader.secret, &pairs.join("&")).into();
    params
}
