//! JSON to SBE, by the layout tables.

use serde_json::Value;

use crate::decimal::{self, Unfit};
use crate::layout::{Body, Data, Field, Group, Kind, Path, Schema, Words};

/// The exponent that answers are written with unless a value needs a finer one.
const EXPONENT: i8 = -8;
/// An enum's or a set's way to say that this version has no word for it.
const NON_REPRESENTABLE: u8 = 254;
const NULL: u8 = 255;

/// Why there is no message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The version of the schema has no such message; the first that has it.
    Since(u16),
    /// No table has such a message, or the JSON has another shape than the table says.
    Shape(String),
}

/// A message of bytes, and what JSON did not say though the table demands it.
#[derive(Debug)]
pub struct Encoded {
    pub bytes: Vec<u8>,
    /// Written as zero, or as the word that holds for everything that says nothing.
    pub missing: Vec<String>,
}

struct Writer<'a> {
    schema: &'a Schema,
    version: u16,
    exponent: i8,
    out: Vec<u8>,
    missing: Vec<String>,
}

/// What stopped a writer.
enum Stop {
    /// A value that this exponent cannot express: again with another.
    Exponent(i8),
    Refused(Refused),
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Stop {
        Stop::Refused(refused)
    }
}

/// Encodes `json` as a message with its header.
///
/// # Errors
/// [`Refused`].
pub fn encode(
    schema: &Schema,
    version: u16,
    template: u16,
    json: &Value,
) -> Result<Encoded, Refused> {
    let mut exponent = EXPONENT;
    for _ in 0..3 {
        let mut writer = Writer {
            schema,
            version,
            exponent,
            out: Vec::with_capacity(512),
            missing: Vec::new(),
        };
        match writer.message(template, json) {
            Ok(()) => {
                return Ok(Encoded {
                    bytes: writer.out,
                    missing: writer.missing,
                });
            }
            Err(Stop::Exponent(other)) => exponent = other,
            Err(Stop::Refused(refused)) => return Err(refused),
        }
    }
    Err(shape("no exponent expresses all of its decimals"))
}

fn shape(what: impl Into<String>) -> Refused {
    Refused::Shape(what.into())
}

impl Writer<'_> {
    fn message(&mut self, template: u16, json: &Value) -> Result<(), Stop> {
        let schema = self.schema;
        let message = schema
            .message(template)
            .ok_or_else(|| shape(format!("there is no message {template}")))?;
        if message.since > self.version {
            return Err(Refused::Since(message.since).into());
        }
        let block = message.body.block_length(self.version);
        for part in [short(block)?, message.id, schema.id, self.version] {
            self.out.extend_from_slice(&part.to_le_bytes());
        }
        self.body(&message.body, json)
    }

    fn body(&mut self, body: &Body, json: &Value) -> Result<(), Stop> {
        let mut next = 0;
        for field in body.fields(self.version) {
            if matches!(field.kind, Kind::Exponent) {
                let exponent = self.exponent_of(&field.name, body, json);
                self.out.extend_from_slice(&exponent.to_le_bytes());
                continue;
            }
            let value = find(&field.path, json, &mut next);
            self.field(field, value)?;
        }
        for group in &body.groups {
            self.group(group, json)?;
        }
        for data in &body.data {
            self.data(data, find(&data.path, json, &mut next))?;
        }
        Ok(())
    }

    /// Nothing but the text `0`, as in a report without a commission, has the exponent 0.
    fn exponent_of(&self, name: &str, body: &Body, json: &Value) -> i8 {
        let mut users = body
            .fields
            .iter()
            .filter(|field| field.exponent.as_deref() == Some(name))
            .peekable();
        let bare = |field: &Field| {
            let value = find(&field.path, json, &mut 0).and_then(Value::as_str);
            value == Some("0")
        };
        if body.groups.is_empty() && users.peek().is_some() && users.all(bare) {
            0
        } else {
            self.exponent
        }
    }

    fn group(&mut self, group: &Group, json: &Value) -> Result<(), Stop> {
        let entries = match find(&group.path, json, &mut 0) {
            Some(Value::Array(entries)) => entries.as_slice(),
            // a status that is told of one list stands in JSON as an object
            Some(one @ Value::Object(_)) => std::slice::from_ref(one),
            _ => &[],
        };
        let block = short(group.body.block_length(self.version))?;
        self.out.extend_from_slice(&block.to_le_bytes());
        let count = u32::try_from(entries.len()).map_err(|_| shape("too many entries"))?;
        if group.count == 2 {
            self.out
                .extend_from_slice(&short(entries.len())?.to_le_bytes());
        } else {
            self.out.extend_from_slice(&count.to_le_bytes());
        }
        entries
            .iter()
            .try_for_each(|entry| self.body(&group.body, entry))
    }

    fn data(&mut self, data: &Data, value: Option<&Value>) -> Result<(), Stop> {
        if !data.is_message {
            let text = match value {
                Some(Value::String(text)) if data.default.as_deref() != Some(text) => text.as_str(),
                Some(Value::String(_) | Value::Null) => "",
                None => {
                    if !data.optional {
                        self.missing.push(data.name.clone());
                    }
                    ""
                }
                Some(_) => return Err(shape(format!("{} is no text", data.name)).into()),
            };
            self.length(data, text.len())?;
            self.out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return Ok(self.length(data, 0)?);
        };
        let template = crate::answer::inner_template(self.schema, value)
            .ok_or_else(|| shape(format!("{} is no message", data.name)))?;
        let before = self.out.len();
        self.length(data, 0)?;
        let start = self.out.len();
        self.message(template, value)?;
        let inner = self.out.split_off(start);
        self.out.truncate(before);
        self.length(data, inner.len())?;
        self.out.extend_from_slice(&inner);
        Ok(())
    }

    fn length(&mut self, data: &Data, length: usize) -> Result<(), Refused> {
        let bytes = u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes();
        if length >> (8 * data.length) != 0 {
            return Err(shape(format!("{} is too long", data.name)));
        }
        self.out
            .extend_from_slice(bytes.get(..data.length).unwrap_or_default());
        Ok(())
    }

    fn field(&mut self, field: &Field, value: Option<&Value>) -> Result<(), Stop> {
        if matches!(field.kind, Kind::Const(_)) {
            return Ok(());
        }
        let value = value.filter(|value| !value.is_null());
        let says_null = match (value, &field.default) {
            (None, _) => true,
            (Some(value), Some(default)) => decimal::same(value, default),
            (Some(_), None) => false,
        };
        if says_null && field.optional {
            self.null(&field.kind);
            return Ok(());
        }
        let Some(value) = value else {
            self.absent(field);
            return Ok(());
        };
        self.value(field, value)
    }

    fn value(&mut self, field: &Field, value: &Value) -> Result<(), Stop> {
        let wrong = || Stop::from(shape(format!("{} cannot be read from {value}", field.name)));
        match &field.kind {
            Kind::Int { bytes, .. } => {
                let number = decimal::integer(value).ok_or_else(wrong)?;
                let whole = number.to_le_bytes();
                self.out
                    .extend_from_slice(whole.get(..*bytes).unwrap_or_default());
            }
            Kind::Time => {
                let number = value.as_i64().ok_or_else(wrong)?;
                self.out.extend_from_slice(&number.to_le_bytes());
            }
            Kind::Float => {
                let number = decimal::float(value).ok_or_else(wrong)?;
                self.out.extend_from_slice(&number.to_le_bytes());
            }
            Kind::Dec64 | Kind::Dec128 => self.decimal(field, value)?,
            Kind::Bool => self.out.push(u8::from(value.as_bool().ok_or_else(wrong)?)),
            Kind::Enum(words) => {
                let word = value.as_str().ok_or_else(wrong)?;
                let number = number_of(words, word, self.version);
                self.out.push(number.unwrap_or(NON_REPRESENTABLE));
            }
            Kind::Set(words) => {
                let members = value.as_array().ok_or_else(wrong)?;
                self.set(words, members);
            }
            Kind::Exponent | Kind::Const(_) => {}
        }
        Ok(())
    }

    fn set(&mut self, words: &Words, members: &[Value]) {
        let top = u8::try_from(words.bytes * 8 - 1).unwrap_or(u8::MAX);
        let bits = members
            .iter()
            .filter_map(Value::as_str)
            .map(|word| number_of(words, word, self.version).unwrap_or(top))
            .fold(0_u64, |bits, bit| bits | 1 << bit);
        self.out
            .extend_from_slice(bits.to_le_bytes().get(..words.bytes).unwrap_or_default());
    }

    fn decimal(&mut self, field: &Field, value: &Value) -> Result<(), Stop> {
        let mantissa = match decimal::mantissa(value, self.exponent) {
            Ok(mantissa) => mantissa,
            Err(Unfit::Finer(exponent)) => return Err(Stop::Exponent(exponent)),
            Err(Unfit::NoNumber) => {
                return Err(shape(format!("{} is no decimal: {value}", field.name)).into());
            }
        };
        if matches!(field.kind, Kind::Dec128) {
            self.out.extend_from_slice(&mantissa.to_le_bytes());
        } else {
            let mantissa = i64::try_from(mantissa)
                .map_err(|_| shape(format!("{} is too large: {value}", field.name)))?;
            self.out.extend_from_slice(&mantissa.to_le_bytes());
        }
        Ok(())
    }

    fn null(&mut self, kind: &Kind) {
        match kind {
            Kind::Int {
                bytes,
                signed: true,
            } => {
                let least = -1_i64 << (8 * bytes - 1).min(63);
                self.out
                    .extend_from_slice(least.to_le_bytes().get(..*bytes).unwrap_or_default());
            }
            Kind::Int { bytes, .. } => self.out.extend(std::iter::repeat_n(NULL, *bytes)),
            Kind::Time | Kind::Dec64 => self.out.extend_from_slice(&i64::MIN.to_le_bytes()),
            Kind::Dec128 => self.out.extend_from_slice(&i128::MIN.to_le_bytes()),
            Kind::Float => self.out.extend_from_slice(&f32::NAN.to_le_bytes()),
            Kind::Exponent | Kind::Bool | Kind::Enum(_) => self.out.push(NULL),
            Kind::Set(words) => self.out.extend(std::iter::repeat_n(0, words.bytes)),
            Kind::Const(_) => {}
        }
    }

    /// A value that JSON leaves out because it is the ordinary one: no quantity, false, an order of the account's own at this exchange.
    fn absent(&mut self, field: &Field) {
        let word = match &field.kind {
            Kind::Enum(words) => match words.name.as_str() {
                "floor" | "orderCapacity" | "matchType" => words.list.first(),
                _ => None,
            },
            Kind::Bool | Kind::Dec64 | Kind::Dec128 => {
                self.out.extend(std::iter::repeat_n(0, field.kind.bytes()));
                return;
            }
            _ => None,
        };
        if let Some((_, number, _)) = word {
            self.out.push(*number);
            return;
        }
        self.missing.push(field.name.clone());
        match &field.kind {
            Kind::Enum(_) => self.out.push(NON_REPRESENTABLE),
            kind => self.out.extend(std::iter::repeat_n(0, kind.bytes())),
        }
    }
}

fn number_of(words: &Words, word: &str, version: u16) -> Option<u8> {
    words
        .list
        .iter()
        .find(|(known, _, since)| known == word && *since <= version)
        .map(|(_, number, _)| *number)
}

fn short(number: usize) -> Result<u16, Refused> {
    u16::try_from(number).map_err(|_| shape("too many entries"))
}

fn find<'a>(path: &Path, json: &'a Value, next: &mut usize) -> Option<&'a Value> {
    match path {
        Path::Itself => Some(json),
        Path::Next => {
            let value = json.get(*next);
            *next += 1;
            value
        }
        Path::Members(names) => names.iter().try_fold(json, |json, name| json.get(name)),
    }
}

/// Wraps a message in the answer to a call of the WebSocket API.
///
/// # Errors
/// When a part of it has another shape than the table says.
pub fn wrap(
    schema: &Schema,
    version: u16,
    head: &Value,
    message: &[u8],
) -> Result<Vec<u8>, Refused> {
    let mut bytes = encode(schema, version, crate::answer::WRAPPER, head)?.bytes;
    let length = u32::try_from(message.len()).map_err(|_| shape("the answer is too long"))?;
    // the wrapper ends with the message's length, which is zero until here
    bytes.truncate(bytes.len().saturating_sub(4));
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(message);
    Ok(bytes)
}
