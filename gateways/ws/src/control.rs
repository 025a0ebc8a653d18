//! The control frames of market streams: SUBSCRIBE and its kin.
//!
//! They are read by serde, whose words for what is wrong are the API's own.

use bytes::Bytes;
use kit::{Json, TimeUnit};
use serde::Deserialize;
use serde_json::Value;

use crate::topic::Topic;

/// The most streams that one connection may listen to.
pub const MAX_STREAMS: usize = 1024;

/// What one connection has asked for.
#[derive(Debug)]
pub struct Session {
    streams: Vec<Topic>,
    combined: bool,
    /// What a name means to this connection.
    parse: fn(&str) -> Option<Topic>,
}

/// What follows from a control frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effect {
    pub add: Vec<Topic>,
    pub remove: Vec<Box<str>>,
    pub combined: Option<bool>,
    pub reply: Bytes,
}

#[derive(Deserialize)]
struct Frame {
    method: Method,
    #[serde(default)]
    params: Option<Vec<Value>>,
    #[serde(default, deserialize_with = "present")]
    id: Option<Value>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Method {
    Subscribe,
    Unsubscribe,
    ListSubscriptions,
    SetProperty,
    GetProperty,
}

/// `null` is an id; no id is none.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

struct Refusal {
    code: u8,
    msg: String,
}

fn invalid(msg: &str) -> Refusal {
    Refusal {
        code: 2,
        msg: format!("Invalid request: {msg}"),
    }
}

impl Session {
    /// A connection that listens to `streams` from the start.
    #[must_use]
    pub fn new(streams: Vec<Topic>, combined: bool) -> Session {
        Session {
            streams,
            combined,
            parse: Topic::parse,
        }
    }

    /// The same for streams in SBE.
    #[must_use]
    pub fn binary(streams: Vec<Topic>) -> Session {
        Session {
            streams,
            combined: false,
            parse: Topic::parse_binary,
        }
    }

    /// Reads a control frame and says what follows from it. A frame that cannot be followed changes nothing.
    pub fn follow(&mut self, text: &str) -> Effect {
        let mut effect = Effect {
            add: Vec::new(),
            remove: Vec::new(),
            combined: None,
            reply: Bytes::new(),
        };
        let frame: Frame = match serde_json::from_str(text) {
            Ok(frame) => frame,
            Err(error) => {
                let refusal = if error.is_data() {
                    invalid(&error.to_string())
                } else {
                    Refusal {
                        code: 3,
                        msg: format!("Invalid JSON: {error}"),
                    }
                };
                effect.reply = error_frame(&refusal, None);
                return effect;
            }
        };
        let id = match frame.id {
            Some(id) if is_id(&id) => id,
            _ => {
                let refusal = invalid("request ID must be an unsigned integer");
                effect.reply = error_frame(&refusal, None);
                return effect;
            }
        };
        let params = frame.params.unwrap_or_default();
        let result = match frame.method {
            Method::Subscribe => self.subscribe(&params, &mut effect),
            Method::Unsubscribe => self.unsubscribe(&params, &mut effect),
            Method::ListSubscriptions => self.list(&params),
            Method::SetProperty => self.set_property(&params, &mut effect),
            Method::GetProperty => self.get_property(&params),
        };
        effect.reply = match result {
            Ok(result) => result_frame(&result, &id),
            Err(refusal) => error_frame(&refusal, Some(&id)),
        };
        effect
    }

    fn subscribe(&mut self, params: &[Value], effect: &mut Effect) -> Result<Value, Refusal> {
        let mut add: Vec<Topic> = Vec::with_capacity(params.len());
        for param in params {
            let name = param.as_str();
            let topic = name
                .and_then(self.parse)
                .ok_or_else(|| invalid("invalid stream"))?;
            let known = |other: &Topic| other.name == topic.name;
            if !self.streams.iter().any(known) && !add.iter().any(known) {
                add.push(topic);
            }
        }
        if self.streams.len() + add.len() > MAX_STREAMS {
            return Err(Refusal {
                code: 4,
                msg: "Too many subscriptions".into(),
            });
        }
        self.streams.extend(add.iter().cloned());
        effect.add = add;
        Ok(Value::Null)
    }

    fn unsubscribe(&mut self, params: &[Value], effect: &mut Effect) -> Result<Value, Refusal> {
        let mut remove: Vec<Box<str>> = Vec::with_capacity(params.len());
        for param in params {
            let name = param.as_str().ok_or_else(|| invalid("invalid stream"))?;
            if self.streams.iter().any(|topic| &*topic.name == name) {
                remove.push(name.into());
            }
        }
        self.streams.retain(|topic| !remove.contains(&topic.name));
        effect.remove = remove;
        Ok(Value::Null)
    }

    fn list(&self, params: &[Value]) -> Result<Value, Refusal> {
        if !params.is_empty() {
            return Err(invalid("too many parameters"));
        }
        let names = self.streams.iter().map(|topic| Value::from(&*topic.name));
        Ok(names.collect())
    }

    fn set_property(&mut self, params: &[Value], effect: &mut Effect) -> Result<Value, Refusal> {
        let value = match params {
            [name, value] => {
                property(name)?;
                value
            }
            [name] => {
                property(name)?;
                &Value::Null
            }
            [] => return Err(invalid("property name must be a string")),
            _ => return Err(invalid("too many parameters")),
        };
        let combined = value.as_bool().ok_or_else(|| Refusal {
            code: 1,
            msg: "Invalid value type: expected Boolean".into(),
        })?;
        self.combined = combined;
        effect.combined = Some(combined);
        Ok(Value::Null)
    }

    fn get_property(&self, params: &[Value]) -> Result<Value, Refusal> {
        match params {
            [name] => property(name)?,
            [] => return Err(invalid("property name must be a string")),
            _ => return Err(invalid("too many parameters")),
        }
        Ok(Value::from(self.combined))
    }
}

fn property(name: &Value) -> Result<(), Refusal> {
    match name.as_str() {
        None => Err(invalid("property name must be a string")),
        Some("combined") => Ok(()),
        Some(_) => Err(Refusal {
            code: 0,
            msg: "Unknown property".into(),
        }),
    }
}

/// A 64-bit signed integer, a text of at most 36 characters, or null.
fn is_id(id: &Value) -> bool {
    match id {
        Value::Null => true,
        Value::Number(number) => number.is_i64(),
        Value::String(text) => text.chars().count() <= 36,
        _ => false,
    }
}

fn result_frame(result: &Value, id: &Value) -> Bytes {
    let mut json = Json::new(TimeUnit::Millis);
    json.begin().raw("result", result.to_string().as_bytes());
    json.raw("id", id.to_string().as_bytes()).end();
    Bytes::from(json.finish())
}

fn error_frame(refusal: &Refusal, id: Option<&Value>) -> Bytes {
    let mut json = Json::new(TimeUnit::Millis);
    json.begin().object("error", |json| {
        json.num("code", refusal.code).str("msg", &refusal.msg);
    });
    if let Some(id) = id {
        json.raw("id", id.to_string().as_bytes());
    }
    json.end();
    Bytes::from(json.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(session: &mut Session, text: &str) -> String {
        String::from_utf8(session.follow(text).reply.to_vec()).unwrap()
    }

    #[test]
    fn subscribes_lists_and_unsubscribes() {
        let mut session = Session::new(vec![Topic::parse("ethusdt@trade").unwrap()], false);
        let effect = session.follow(
            r#"{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","btcusdt@depth","btcusdt@depth","ethusdt@trade"],"id":1}"#,
        );
        let names: Vec<&str> = effect.add.iter().map(|topic| &*topic.name).collect();
        assert_eq!(names, ["btcusdt@aggTrade", "btcusdt@depth"]);
        assert_eq!(effect.reply, r#"{"result":null,"id":1}"#);
        assert_eq!(
            reply(&mut session, r#"{"id":"a","method":"LIST_SUBSCRIPTIONS"}"#),
            r#"{"result":["ethusdt@trade","btcusdt@aggTrade","btcusdt@depth"],"id":"a"}"#
        );
        let effect = session.follow(
            r#"{"method":"UNSUBSCRIBE","params":["btcusdt@depth","never@trade"],"id":null}"#,
        );
        assert_eq!(effect.remove, [Box::from("btcusdt@depth")]);
        assert_eq!(effect.reply, r#"{"result":null,"id":null}"#);
    }

    #[test]
    fn properties() {
        let mut session = Session::new(Vec::new(), true);
        assert_eq!(
            reply(
                &mut session,
                r#"{"method":"GET_PROPERTY","params":["combined"],"id":2}"#
            ),
            r#"{"result":true,"id":2}"#
        );
        let effect =
            session.follow(r#"{"method":"SET_PROPERTY","params":["combined",false],"id":-5}"#);
        assert_eq!(effect.combined, Some(false));
        assert_eq!(effect.reply, r#"{"result":null,"id":-5}"#);
        for (text, error) in [
            (
                r#"{"method":"GET_PROPERTY","params":["colour"],"id":1}"#,
                r#"{"code":0,"msg":"Unknown property"}"#,
            ),
            (
                r#"{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}"#,
                r#"{"code":1,"msg":"Invalid value type: expected Boolean"}"#,
            ),
            (
                r#"{"method":"SET_PROPERTY","params":[1,true],"id":1}"#,
                r#"{"code":2,"msg":"Invalid request: property name must be a string"}"#,
            ),
            (
                r#"{"method":"GET_PROPERTY","params":["combined",true],"id":1}"#,
                r#"{"code":2,"msg":"Invalid request: too many parameters"}"#,
            ),
        ] {
            assert_eq!(
                reply(&mut session, text),
                format!(r#"{{"error":{error},"id":1}}"#)
            );
        }
    }

    #[test]
    fn refusals_are_worded_as_the_api_words_them() {
        let mut session = Session::new(Vec::new(), false);
        for (text, error) in [
            (
                "hello",
                r#"{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}"#,
            ),
            (
                r#"{"method":"LISTEN","params":[],"id":1}"#,
                r#"{"code":2,"msg":"Invalid request: unknown variant `LISTEN`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at line 1 column 18"}"#,
            ),
            (
                r#"{"params":[],"id":1}"#,
                r#"{"code":2,"msg":"Invalid request: missing field `method` at line 1 column 20"}"#,
            ),
            (
                r#"{"method":"SUBSCRIBE","params":["btcusdt@trade"]}"#,
                r#"{"code":2,"msg":"Invalid request: request ID must be an unsigned integer"}"#,
            ),
            (
                r#"{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1.5}"#,
                r#"{"code":2,"msg":"Invalid request: request ID must be an unsigned integer"}"#,
            ),
        ] {
            assert_eq!(reply(&mut session, text), format!(r#"{{"error":{error}}}"#));
        }
        for params in [r#"["not a stream"]"#, "[5]", r#"["btcusdt@trade","x"]"#] {
            let effect = session.follow(&format!(
                r#"{{"method":"SUBSCRIBE","params":{params},"id":7}}"#
            ));
            assert!(effect.add.is_empty());
            assert_eq!(
                effect.reply,
                r#"{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":7}"#
            );
        }
        assert_eq!(
            reply(&mut session, r#"{"method":"LIST_SUBSCRIPTIONS","id":3}"#),
            r#"{"result":[],"id":3}"#
        );
    }

    #[test]
    fn a_connection_listens_to_so_many_streams_and_no_more() {
        let mut session = Session::new(Vec::new(), false);
        let names: Vec<String> = (0..MAX_STREAMS).map(|i| format!("s{i}@trade")).collect();
        let all = serde_json::json!({"method": "SUBSCRIBE", "params": names, "id": 1});
        assert_eq!(session.follow(&all.to_string()).add.len(), MAX_STREAMS);
        let one = r#"{"method":"SUBSCRIBE","params":["one@trade"],"id":2}"#;
        assert_eq!(
            reply(&mut session, one),
            r#"{"error":{"code":4,"msg":"Too many subscriptions"},"id":2}"#
        );
    }
}
