//! A decoder that knows nothing of our tables: the published schema tells it everything. Values stand under the names of the schema,
//! decimals as texts, null where the schema says so.

use serde_json::{Map, Value, json};

use crate::schemas::Types;
use crate::xml::Element;

pub struct Decoder<'a> {
    xml: &'a Element,
    types: Types<'a>,
}

struct Cursor<'b>(&'b [u8]);

impl<'b> Cursor<'b> {
    fn take(&mut self, length: usize) -> &'b [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn number(&mut self, length: usize) -> u64 {
        let mut whole = [0; 8];
        whole[..length].copy_from_slice(self.take(length));
        u64::from_le_bytes(whole)
    }

    fn size(&mut self, length: usize) -> usize {
        usize::try_from(self.number(length)).unwrap()
    }
}

impl<'a> Decoder<'a> {
    pub fn new(xml: &'a Element) -> Decoder<'a> {
        Decoder {
            xml,
            types: Types::of(xml),
        }
    }

    /// The message's name and what it holds.
    pub fn decode(&self, bytes: &[u8]) -> (String, Value) {
        let mut cursor = Cursor(bytes);
        let (block, template) = (cursor.size(2), cursor.size(2).to_string());
        let (schema, version) = (cursor.size(2).to_string(), cursor.size(2).to_string());
        assert_eq!(self.xml.get("id"), Some(schema.as_str()));
        assert_eq!(self.xml.get("version"), Some(version.as_str()));
        let mut messages = self.xml.named("message");
        let message = messages
            .find(|message| message.get("id") == Some(&template))
            .unwrap();
        let value = self.body(message, &mut cursor, block, &Map::new());
        assert!(cursor.0.is_empty(), "{} bytes too many", cursor.0.len());
        (message.get("name").unwrap().to_owned(), value)
    }

    fn body(
        &self,
        body: &'a Element,
        cursor: &mut Cursor<'_>,
        block: usize,
        outer: &Map<String, Value>,
    ) -> Value {
        let mut members = Map::new();
        let mut known = outer.clone();
        let mut fields = Cursor(cursor.take(block));
        for field in body.named("field") {
            let bytes = fields.take(self.types.bytes(field));
            let value = self.field(field, bytes, &known);
            known.insert(field.get("name").unwrap().to_owned(), value.clone());
            members.insert(field.get("name").unwrap().to_owned(), value);
        }
        assert!(fields.0.is_empty(), "the block is longer than its fields");
        for group in body.named("group") {
            let dimension = group.get("dimensionType").unwrap_or("groupSizeEncoding");
            let block = cursor.size(self.types.part(dimension, "blockLength"));
            let count = cursor.size(self.types.part(dimension, "numInGroup"));
            let entries = (0..count)
                .map(|_| self.body(group, cursor, block, &known))
                .collect();
            members.insert(group.get("name").unwrap().to_owned(), entries);
        }
        for data in body.named("data") {
            let kind = data.get("type").unwrap();
            let length = cursor.size(self.types.part(kind, "length"));
            let bytes = cursor.take(length);
            let value = if !kind.to_lowercase().contains("messagedata") {
                Value::from(std::str::from_utf8(bytes).unwrap())
            } else if bytes.is_empty() {
                Value::Null
            } else {
                let (name, value) = self.decode(bytes);
                json!({"message": name, "value": value})
            };
            members.insert(data.get("name").unwrap().to_owned(), value);
        }
        Value::Object(members)
    }

    fn field(&self, field: &'a Element, bytes: &[u8], earlier: &Map<String, Value>) -> Value {
        let name = field.get("type").unwrap();
        let optional = field.get("presence") == Some("optional");
        if let Some(constant) = field.get("valueRef") {
            return constant.into();
        }
        if let Some(words) = self.types.words.get(name) {
            let number = Cursor(bytes).number(bytes.len());
            if words.name == "set" {
                let set = words.children.iter();
                return set
                    .filter(|bit| number >> bit.text.parse::<u32>().unwrap() & 1 == 1)
                    .map(Types::word)
                    .collect();
            }
            if optional && number == 255 {
                return Value::Null;
            }
            let mut values = words.children.iter();
            let value = values.find(|value| value.text == number.to_string());
            return Types::word(value.unwrap_or_else(|| panic!("{name} has no {number}"))).into();
        }
        let mut wide = [if bytes.last().unwrap() & 0x80 == 0 {
            0
        } else {
            0xff
        }; 16];
        wide[..bytes.len()].copy_from_slice(bytes);
        let signed = i128::from_le_bytes(wide);
        let least = i128::MIN >> (128 - 8 * bytes.len());
        match self.types.primitive(name) {
            "float" => {
                let float = f32::from_le_bytes(bytes.try_into().unwrap());
                assert!(optional || !float.is_nan());
                json!(float)
            }
            "int8" | "int16" | "int32" | "int64" if optional && signed == least => Value::Null,
            "int8" | "int16" | "int32" | "int64" => match field.get("mbx:exponent") {
                Some(exponent) => scaled(signed, &earlier[exponent]).into(),
                None => json!(i64::try_from(signed).unwrap()),
            },
            "uint8" if name == "mantissa128" => {
                scaled(signed, &earlier[field.get("mbx:exponent").unwrap()]).into()
            }
            _ if optional && bytes.iter().all(|byte| *byte == 0xff) => Value::Null,
            _ => json!(Cursor(bytes).number(bytes.len())),
        }
    }
}

fn scaled(mantissa: i128, exponent: &Value) -> String {
    let places = usize::try_from(-exponent.as_i64().unwrap()).unwrap();
    let unit = 10_i128.pow(u32::try_from(places).unwrap());
    let sign = if mantissa < 0 { "-" } else { "" };
    let (whole, rest) = ((mantissa / unit).abs(), (mantissa % unit).abs());
    format!("{sign}{whole}.{rest:0>places$}")
}
