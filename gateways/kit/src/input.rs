use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{ApiError, TimeUnit};

/// One `name=value` as a client sent it, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    pub name: Cow<'a, str>,
    pub value: Cow<'a, str>,
}

/// What came in with one request, whatever the transport: its parameters, who claims to have sent it, and what was signed.
#[derive(Clone, Debug, Default)]
pub struct Input<'a> {
    /// Without `apiKey` (WebSocket API) and `signature`; a name that stands in query and body stands here once, as in the query.
    pub pairs: Vec<Pair<'a>>,
    pub api_key: Option<Cow<'a, str>>,
    pub signature: Option<Cow<'a, str>>,
    /// The texts that may have been signed: one over REST; over the WebSocket API the values as they are and, because official clients do so,
    /// percent-encoded.
    pub payloads: Vec<Vec<u8>>,
    /// How many parameters were sent, counting the signature.
    pub sent: usize,
    /// A name stood twice within one part.
    pub duplicated: bool,
    pub unit: TimeUnit,
    pub dialect: Dialect,
}

/// By which door a request came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dialect {
    #[default]
    Rest,
    WebSocket,
}

impl<'a> Input<'a> {
    /// From a raw query string and a raw form body. Either may be empty.
    ///
    /// # Errors
    /// -1100 when an escape does not make UTF-8.
    pub fn rest(
        query: &'a str,
        body: &'a [u8],
        api_key: Option<&'a str>,
        unit: TimeUnit,
    ) -> Result<Input<'a>, ApiError> {
        let body = std::str::from_utf8(body).map_err(|_| ApiError::illegal_anything())?;
        let mut input = Input {
            api_key: api_key.map(Cow::Borrowed),
            unit,
            ..Input::default()
        };
        let mut payload = Vec::with_capacity(query.len() + body.len());
        input.part(query, &mut payload)?;
        input.part(body, &mut payload)?;
        input.payloads.push(payload);
        Ok(input)
    }

    /// Reads one part and appends what of it was signed: everything but the signature's own pair, byte for byte. That goes for
    /// empty segments too: there are clients that sign, and send, `&timestamp=1`.
    fn part(&mut self, part: &'a str, payload: &mut Vec<u8>) -> Result<(), ApiError> {
        let part_starts = self.pairs.len();
        let mut first = true;
        for segment in part.split('&') {
            let (name, value) = segment.split_once('=').unwrap_or((segment, ""));
            let name = decode(name)?;
            self.sent += usize::from(!segment.is_empty());
            if name == "signature" {
                let value = decode(value)?;
                if self.signature.is_none() {
                    self.signature = Some(value);
                } else {
                    self.duplicated = true;
                }
                continue;
            }
            if !std::mem::take(&mut first) {
                payload.push(b'&');
            }
            payload.extend_from_slice(segment.as_bytes());
            if segment.is_empty() {
                continue;
            }
            if let Some(earlier) = self.pairs.iter().position(|pair| pair.name == name) {
                // Within one part: refused. Across parts: the query, which is read first, wins.
                self.duplicated |= earlier >= part_starts;
                continue;
            }
            let value = decode(value)?;
            self.pairs.push(Pair { name, value });
        }
        Ok(())
    }

    /// From the `params` of a WebSocket API frame.
    ///
    /// # Errors
    /// -1135 for a value that is an object.
    pub fn frame(params: &'a Map<String, Value>, unit: TimeUnit) -> Result<Input<'a>, ApiError> {
        let mut input = Input {
            unit,
            dialect: Dialect::WebSocket,
            sent: params.len(),
            ..Input::default()
        };
        let mut signed: Vec<(&str, Cow<'a, str>)> = Vec::with_capacity(params.len());
        for (name, value) in params {
            let value = match value {
                Value::Null => {
                    input.sent -= 1;
                    continue;
                }
                Value::String(text) => Cow::Borrowed(text.as_str()),
                Value::Bool(true) => Cow::Borrowed("true"),
                Value::Bool(false) => Cow::Borrowed("false"),
                Value::Number(number) => Cow::Owned(number.to_string()),
                Value::Array(_) => Cow::Owned(value.to_string()),
                Value::Object(_) => return Err(ApiError::bad_json_param(name)),
            };
            if name != "signature" {
                signed.push((name, value.clone()));
            }
            match name.as_str() {
                "signature" => input.signature = Some(value),
                "apiKey" => input.api_key = Some(value),
                _ => input.pairs.push(Pair {
                    name: Cow::Borrowed(name),
                    value,
                }),
            }
        }
        signed.sort_by(|a, b| a.0.cmp(b.0));
        input.payloads = vec![
            join(&signed, |text, out| out.extend_from_slice(text.as_bytes())),
            join(&signed, encode),
        ];
        Ok(input)
    }

    /// The value of a parameter, when it was sent and is not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|pair| pair.name == name)
            .map(|pair| &*pair.value)
            .filter(|value| !value.is_empty())
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

fn join(pairs: &[(&str, Cow<'_, str>)], put: impl Fn(&str, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push(b'&');
        }
        out.extend_from_slice(name.as_bytes());
        out.push(b'=');
        put(value, &mut out);
    }
    out
}

/// Form encoding as Python's `urlencode` does it: letters, digits and `_.-~` stay, a space becomes `+`.
fn encode(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(byte),
            b' ' => out.push(b'+'),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.extend_from_slice(&[
                    b'%',
                    HEX[usize::from(byte >> 4)],
                    HEX[usize::from(byte & 15)],
                ]);
            }
        }
    }
}

/// Undoes form encoding. A `%` that begins no escape stays as it is.
fn decode(text: &str) -> Result<Cow<'_, str>, ApiError> {
    if !text.bytes().any(|b| b == b'%' || b == b'+') {
        return Ok(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let digit = |i: usize| {
        bytes
            .get(i)
            .and_then(|b| char::from(*b).to_digit(16))
            .and_then(|d| u8::try_from(d).ok())
    };
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match (bytes[i], digit(i + 1), digit(i + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                i += 3;
            }
            (b'+', ..) => {
                out.push(b' ');
                i += 1;
            }
            (byte, ..) => {
                out.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8(out)
        .map(Cow::Owned)
        .map_err(|_| ApiError::illegal_anything())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(input: &Input<'_>) -> Vec<(String, String)> {
        input
            .pairs
            .iter()
            .map(|pair| (pair.name.to_string(), pair.value.to_string()))
            .collect()
    }

    #[test]
    fn the_signed_text_is_what_was_received_without_the_signature() {
        for (query, body, payload) in [
            ("a=1&b=2&signature=x", "", "a=1&b=2"),
            ("signature=x&a=1&b=2", "", "a=1&b=2"),
            ("a=1&signature=x&b=2", "", "a=1&b=2"),
            ("", "a=1&signature=x", "a=1"),
            ("&a=1&signature=x", "", "&a=1"),
            ("a=1&&b=2&signature=x", "", "a=1&&b=2"),
            ("a=1", "b=2&signature=x", "a=1b=2"),
            ("a=1&signature=x", "b=2", "a=1b=2"),
            (
                "a=%5B%22X%22%5D&b=x+y&signature=Zm9v%3D",
                "",
                "a=%5B%22X%22%5D&b=x+y",
            ),
        ] {
            let input = Input::rest(query, body.as_bytes(), None, TimeUnit::Millis).unwrap();
            assert_eq!(
                String::from_utf8_lossy(&input.payloads[0]),
                payload,
                "{query} {body}"
            );
            assert!(input.signature.is_some());
        }
        let input = Input::rest("signature=Zm9v%3D%2B", b"", None, TimeUnit::Millis).unwrap();
        assert_eq!(input.signature.as_deref(), Some("Zm9v=+"));
    }

    #[test]
    fn the_query_wins_over_the_body_and_a_part_may_not_repeat_itself() {
        let input = Input::rest("a=1&b=2", b"a=9&c=3", None, TimeUnit::Millis).unwrap();
        assert!(!input.duplicated);
        assert_eq!(
            pairs(&input),
            [("a", "1"), ("b", "2"), ("c", "3")].map(|(n, v)| (n.to_owned(), v.to_owned()))
        );
        for (query, body) in [
            ("a=1&a=1", ""),
            ("", "a=1&b=2&a=3"),
            ("a=1&signature=x&signature=y", ""),
        ] {
            assert!(
                Input::rest(query, body.as_bytes(), None, TimeUnit::Millis)
                    .unwrap()
                    .duplicated,
                "{query} {body}"
            );
        }
    }

    #[test]
    fn escapes_are_undone_and_must_be_utf8() {
        let input = Input::rest(
            "s=%5B%22A%22%2C%22B%22%5D&t=x+y%2Bz&u=100%&v=%e5%b8%81",
            b"",
            None,
            TimeUnit::Millis,
        )
        .unwrap();
        let values: Vec<_> = input
            .pairs
            .iter()
            .map(|pair| pair.value.to_string())
            .collect();
        assert_eq!(values, ["[\"A\",\"B\"]", "x y+z", "100%", "币"]);
        assert_eq!(
            Input::rest("a=%ff", b"", None, TimeUnit::Millis)
                .unwrap_err()
                .code,
            -1100
        );
        assert_eq!(
            Input::rest("", b"a=\xff", None, TimeUnit::Millis)
                .unwrap_err()
                .code,
            -1100
        );
    }

    #[test]
    fn a_frame_is_signed_sorted_by_name() {
        let params = serde_json::json!({
            "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01000000", "price": "52000.00",
            "recvWindow": 100, "timestamp": 1_645_423_376_532_i64, "signature": "00", "none": null,
            "apiKey": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
        });
        let input = Input::frame(params.as_object().unwrap(), TimeUnit::Millis).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&input.payloads[0]),
            "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=52000.00&quantity=0.01000000&recvWindow=100\
             &side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT"
        );
        assert_eq!(input.payloads[0], input.payloads[1]);
        assert!(!input.has("apiKey") && !input.has("none") && input.has("price"));

        let params = serde_json::json!({"symbols": ["A", "B"], "note": "a b~"});
        let input = Input::frame(params.as_object().unwrap(), TimeUnit::Millis).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&input.payloads[0]),
            "note=a b~&symbols=[\"A\",\"B\"]"
        );
        assert_eq!(
            String::from_utf8_lossy(&input.payloads[1]),
            "note=a+b~&symbols=%5B%22A%22%2C%22B%22%5D"
        );
    }
}
