//! SBE to JSON, by the layout tables: what [`crate::encode`] undoes.

use serde_json::{Map, Value, json};

use crate::decimal;
use crate::layout::{Body, Field, Kind, Path, Schema, Words};

/// A message that was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Decoded {
    pub template: u16,
    pub version: u16,
    pub json: Value,
}

struct Reader<'a> {
    schema: &'a Schema,
    version: u16,
    rest: &'a [u8],
}

/// Reads one message with its header. A message inside it is read likewise, into `{"template", "version", "json"}`.
///
/// # Errors
/// In words: bytes that end too early, another schema, an unknown template.
pub fn decode(schema: &Schema, bytes: &[u8]) -> Result<Decoded, String> {
    let mut reader = Reader {
        schema,
        version: 0,
        rest: bytes,
    };
    let decoded = reader.message()?;
    if reader.rest.is_empty() {
        Ok(decoded)
    } else {
        Err(format!(
            "{} bytes stand behind the message",
            reader.rest.len()
        ))
    }
}

impl Reader<'_> {
    fn take(&mut self, length: usize) -> Result<&[u8], String> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| format!("{length} bytes were expected, {} are left", self.rest.len()))?;
        self.rest = rest;
        Ok(taken)
    }

    fn unsigned(&mut self, bytes: usize) -> Result<u64, String> {
        let taken = self.take(bytes)?;
        let sum = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Ok(taken.iter().rev().fold(0, sum))
    }

    fn length(&mut self, bytes: usize) -> Result<usize, String> {
        let length = self.unsigned(bytes)?;
        usize::try_from(length).map_err(|error| error.to_string())
    }

    fn short(&mut self) -> Result<u16, String> {
        let number = self.unsigned(2)?;
        u16::try_from(number).map_err(|error| error.to_string())
    }

    fn message(&mut self) -> Result<Decoded, String> {
        let (block, template) = (self.length(2)?, self.short()?);
        let (schema, version) = (self.short()?, self.short()?);
        if schema != self.schema.id {
            return Err(format!("schema {schema} was not expected"));
        }
        self.version = version;
        let tables = self.schema;
        let message = tables
            .message(template)
            .ok_or_else(|| format!("there is no message {template}"))?;
        let json = self.body(&message.body, block, &[])?;
        Ok(Decoded {
            template,
            version,
            json,
        })
    }

    /// `outer`: the exponents of what this body stands in.
    fn body(&mut self, body: &Body, block: usize, outer: &[(&str, i8)]) -> Result<Value, String> {
        let (mut members, mut elements, mut itself) = (Map::new(), Vec::new(), None);
        let block = self.take(block)?.to_vec();
        let mut at = 0;
        let mut exponents = outer.to_vec();
        for field in body.fields(self.version) {
            let bytes = block
                .get(at..at + field.kind.bytes())
                .ok_or_else(|| format!("the block ends before {}", field.name))?;
            at += bytes.len();
            if let (Kind::Exponent, Some(byte)) = (&field.kind, bytes.first()) {
                exponents.push((&field.name, byte.cast_signed()));
                continue;
            }
            let exponent = exponents
                .iter()
                .find(|(name, _)| field.exponent.as_deref() == Some(name))
                .map_or(-8, |(_, exponent)| *exponent);
            if let Some(value) = value(field, bytes, exponent) {
                put(&field.path, value, &mut members, &mut elements, &mut itself);
            }
        }
        for group in &body.groups {
            let block = self.length(2)?;
            let count = self.length(group.count)?;
            let entries = (0..count)
                .map(|_| self.body(&group.body, block, &exponents))
                .collect::<Result<Vec<_>, _>>()?;
            let entries = Value::Array(entries);
            put(
                &group.path,
                entries,
                &mut members,
                &mut elements,
                &mut itself,
            );
        }
        for data in &body.data {
            let length = self.length(data.length)?;
            let bytes = self.take(length)?.to_vec();
            let value = if data.is_message && !bytes.is_empty() {
                let inner = decode(self.schema, &bytes)?;
                json!({"template": inner.template, "version": inner.version, "json": inner.json})
            } else if data.is_message || (bytes.is_empty() && data.optional) {
                match &data.default {
                    Some(default) => Value::from(default.as_str()),
                    None => continue,
                }
            } else {
                Value::from(String::from_utf8(bytes).map_err(|error| error.to_string())?)
            };
            put(&data.path, value, &mut members, &mut elements, &mut itself);
        }
        Ok(match itself {
            Some(value) => value,
            None if elements.is_empty() => Value::Object(members),
            None => Value::Array(elements),
        })
    }
}

fn put(
    path: &Path,
    value: Value,
    members: &mut Map<String, Value>,
    elements: &mut Vec<Value>,
    itself: &mut Option<Value>,
) {
    match path {
        Path::Itself => *itself = Some(value),
        Path::Next => elements.push(value),
        Path::Members(names) => {
            let Some((last, outer)) = names.split_last() else {
                return;
            };
            let mut inner = members;
            for name in outer {
                let next = inner
                    .entry(name.as_str())
                    .or_insert_with(|| Value::Object(Map::new()));
                match next {
                    Value::Object(next) => inner = next,
                    _ => return,
                }
            }
            inner.insert(last.clone(), value);
        }
    }
}

/// `None` for null that JSON leaves out.
fn value(field: &Field, bytes: &[u8], exponent: i8) -> Option<Value> {
    let raw = bytes
        .iter()
        .rev()
        .fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
    let bits = u32::try_from(bytes.len() * 8).unwrap_or(128);
    let signed = raw.cast_signed() << (128 - bits.max(1)) >> (128 - bits.max(1));
    let is_least = bits > 0 && raw == 1 << (bits - 1);
    let is_full = bits > 0 && raw == u128::MAX >> (128 - bits);
    let is_null = field.optional
        && match &field.kind {
            Kind::Int { signed: true, .. } | Kind::Time | Kind::Dec64 | Kind::Dec128 => is_least,
            Kind::Int { .. } | Kind::Bool | Kind::Enum(_) => is_full,
            Kind::Float => float(bytes).is_nan(),
            Kind::Exponent | Kind::Set(_) | Kind::Const(_) => false,
        };
    if is_null {
        let default = field.default.as_deref()?;
        return match &field.kind {
            Kind::Dec64 | Kind::Dec128 => Some(decimal::text(0, exponent).into()),
            _ => serde_json::from_str(default).ok(),
        };
    }
    Some(match &field.kind {
        Kind::Int { signed: true, .. } | Kind::Time => i64::try_from(signed).ok()?.into(),
        Kind::Int { .. } => u64::try_from(raw).ok()?.into(),
        Kind::Dec64 | Kind::Dec128 => decimal::text(signed, exponent).into(),
        Kind::Float => float(bytes).to_string().into(),
        Kind::Bool => (raw == 1).into(),
        Kind::Enum(words) => word(words, raw).into(),
        Kind::Set(words) => (0..bits)
            .filter(|bit| raw >> bit & 1 == 1)
            .map(|bit| word(words, u128::from(bit)))
            .collect(),
        Kind::Const(text) => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
        Kind::Exponent => return None,
    })
}

fn float(bytes: &[u8]) -> f32 {
    bytes.try_into().map_or(f32::NAN, f32::from_le_bytes)
}

fn word(words: &Words, number: u128) -> &str {
    words
        .list
        .iter()
        .find(|(_, known, _)| u128::from(*known) == number)
        .map_or("NON_REPRESENTABLE", |(word, _, _)| word)
}
