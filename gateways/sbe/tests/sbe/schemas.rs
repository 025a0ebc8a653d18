//! Our tables against the published schemas, field by field.

use std::collections::{BTreeMap, HashMap};

use sbe::layout::{Body, Kind, Path, Schema};

use crate::shared;
use crate::xml::{Element, read};

/// Told by the venue to its own partners only; 3:2 has it and 3:3 dropped it, so it is in no table of ours.
const DROPPED: &str = "608";

pub fn published(name: &str) -> Option<Element> {
    let path = shared("contract/schemas")?.join(name);
    Some(read(&std::fs::read_to_string(path).unwrap()))
}

#[test]
fn answers_have_the_published_layout_in_every_version() {
    for version in [2, 3, 4, 5] {
        let Some(xml) = published(&format!("spot_3_{version}.xml")) else {
            return;
        };
        compare(&xml, &sbe::SPOT, version);
    }
}

#[test]
fn streams_have_the_published_layout() {
    if let Some(xml) = published("stream_1_0.xml") {
        compare(&xml, &sbe::STREAM, 0);
    }
}

fn compare(xml: &Element, schema: &Schema, version: u16) {
    assert_eq!(xml.get("id"), Some(schema.id.to_string().as_str()));
    assert_eq!(xml.get("version"), Some(version.to_string().as_str()));
    assert_eq!(xml.get("byteOrder"), Some("littleEndian"));
    let types = Types::of(xml);
    let theirs: BTreeMap<u16, Vec<String>> = xml
        .named("message")
        .filter(|message| message.get("id") != Some(DROPPED))
        .map(|message| (number(message, "id"), types.message(message)))
        .collect();
    let ours: BTreeMap<u16, Vec<String>> = schema
        .messages
        .iter()
        .filter(|message| message.since <= version)
        .map(|message| {
            let mut lines = vec![format!("message {}", message.name)];
            describe(&message.body, version, "", &mut lines);
            (message.id, lines)
        })
        .collect();
    assert!(theirs.len() >= 4);
    for (id, lines) in &theirs {
        assert_eq!(
            ours.get(id),
            Some(lines),
            "message {id} of version {version}"
        );
    }
    assert!(
        ours.keys().eq(theirs.keys()),
        "{:?} {:?}",
        ours.keys(),
        theirs.keys()
    );
}

fn number(element: &Element, name: &str) -> u16 {
    element.get(name).unwrap().parse().unwrap()
}

/// One line for everything that has a place on the wire or in JSON.
fn describe(body: &Body, version: u16, indent: &str, lines: &mut Vec<String>) {
    let mut at = 0;
    for field in body.fields(version) {
        let null = if field.optional { "?" } else { "" };
        lines.push(format!(
            "{indent}{} {} at {at} {}{null} exponent {} in {} null {}",
            field.id,
            field.name,
            kind(&field.kind, version),
            field.exponent.as_deref().unwrap_or("-"),
            path(&field.path),
            field.default.as_deref().unwrap_or("-"),
        ));
        at += field.kind.bytes();
    }
    lines.push(format!("{indent}block {}", body.block_length(version)));
    for group in &body.groups {
        lines.push(format!(
            "{indent}group {} {} count {} in {}",
            group.id,
            group.name,
            group.count,
            path(&group.path)
        ));
        describe(&group.body, version, &format!("{indent}  "), lines);
    }
    for data in &body.data {
        lines.push(format!(
            "{indent}data {} {} length {} message {} optional {} in {} null {}",
            data.id,
            data.name,
            data.length,
            data.is_message,
            data.optional,
            path(&data.path),
            data.default.as_deref().unwrap_or("-"),
        ));
    }
}

fn path(path: &Path) -> String {
    match path {
        Path::Itself => "..".to_owned(),
        Path::Next => "[]".to_owned(),
        Path::Members(names) => names.join("."),
    }
}

fn kind(kind: &Kind, version: u16) -> String {
    match kind {
        Kind::Int {
            bytes,
            signed: true,
        } => format!("int{}", bytes * 8),
        Kind::Int { bytes, .. } => format!("uint{}", bytes * 8),
        Kind::Time => "utcTimestampUs".to_owned(),
        Kind::Exponent => "exponent8".to_owned(),
        Kind::Dec64 => "mantissa64".to_owned(),
        Kind::Dec128 => "mantissa128".to_owned(),
        Kind::Float => "float".to_owned(),
        Kind::Bool => "boolEnum".to_owned(),
        Kind::Const(text) => format!("const {text}"),
        Kind::Enum(words) | Kind::Set(words) => {
            let known = words.list.iter().filter(|(_, _, since)| *since <= version);
            let list: Vec<String> = known
                .filter(|(word, _, _)| word != "NON_REPRESENTABLE")
                .map(|(word, number, _)| format!("{word}={number}"))
                .collect();
            format!("{}:{} {}", words.name, words.bytes, list.join(" "))
        }
    }
}

/// The types that a published schema defines.
pub struct Types<'a> {
    pub simple: HashMap<&'a str, &'a Element>,
    pub words: HashMap<&'a str, &'a Element>,
    pub composites: HashMap<&'a str, &'a Element>,
}

impl<'a> Types<'a> {
    pub fn of(xml: &'a Element) -> Types<'a> {
        let types = xml.named("types").next().unwrap();
        let by_name = |names: &[&str]| {
            let named = types.children.iter();
            named
                .filter(|child| names.contains(&child.name.as_str()))
                .map(|child| (child.get("name").unwrap(), child))
                .collect()
        };
        Types {
            simple: by_name(&["type"]),
            words: by_name(&["enum", "set"]),
            composites: by_name(&["composite"]),
        }
    }

    pub fn primitive(&self, name: &'a str) -> &'a str {
        self.simple
            .get(name)
            .map_or(name, |simple| simple.get("primitiveType").unwrap())
    }

    /// Bytes of a field on the wire.
    pub fn bytes(&self, field: &'a Element) -> usize {
        if field.get("presence") == Some("constant") {
            return 0;
        }
        let name = field.get("type").unwrap();
        if let Some(words) = self.words.get(name) {
            return width(words.get("encodingType").unwrap());
        }
        let times = self
            .simple
            .get(name)
            .and_then(|simple| simple.get("length"))
            .map_or(1, |length| length.parse().unwrap());
        width(self.primitive(name)) * times
    }

    /// The word of JSON for a value of an enum.
    pub fn word(value: &Element) -> String {
        value
            .get("mbx:jsonValue")
            .map_or_else(|| value.get("name").unwrap().to_uppercase(), str::to_owned)
    }

    fn message(&self, message: &'a Element) -> Vec<String> {
        let mut lines = vec![format!("message {}", message.get("name").unwrap())];
        self.describe(message, "", &mut lines);
        lines
    }

    fn describe(&self, body: &'a Element, indent: &str, lines: &mut Vec<String>) {
        let mut at = 0;
        for field in body.named("field") {
            let name = field.get("name").unwrap();
            let null = match field.get("presence") {
                Some("optional") => "?",
                _ => "",
            };
            lines.push(format!(
                "{indent}{} {name} at {at} {}{null} exponent {} in {} null {}",
                field.get("id").unwrap(),
                self.kind(field),
                field.get("mbx:exponent").unwrap_or("-"),
                field.get("mbx:jsonPath").unwrap_or(name),
                field.get("mbx:jsonDefaultValue").unwrap_or("-"),
            ));
            at += self.bytes(field);
        }
        lines.push(format!("{indent}block {at}"));
        for group in body.named("group") {
            let name = group.get("name").unwrap();
            let dimension = group.get("dimensionType").unwrap_or("groupSizeEncoding");
            lines.push(format!(
                "{indent}group {} {name} count {} in {}",
                group.get("id").unwrap(),
                self.part(dimension, "numInGroup"),
                group.get("mbx:jsonPath").unwrap_or(name),
            ));
            self.describe(group, &format!("{indent}  "), lines);
        }
        for data in body.named("data") {
            let name = data.get("name").unwrap();
            let kind = data.get("type").unwrap();
            let default = data.get("mbx:jsonDefaultValue").unwrap_or("-");
            // the schema does not say that these are the elements of an array, as they are in JSON
            let path = if name == "response" { ".." } else { name };
            lines.push(format!(
                "{indent}data {} {name} length {} message {} optional {} in {} null {}",
                data.get("id").unwrap(),
                self.part(kind, "length"),
                kind.to_lowercase().contains("messagedata"),
                kind.starts_with("optional"),
                data.get("mbx:jsonPath").unwrap_or(path),
                // an empty text that stands for an empty text says nothing
                if default.is_empty() { "-" } else { default },
            ));
        }
    }

    /// Bytes of a part of a composite.
    pub fn part(&self, composite: &str, part: &str) -> usize {
        let parts = self.composites.get(composite).unwrap();
        let found = parts
            .children
            .iter()
            .find(|one| one.get("name") == Some(part));
        width(found.unwrap().get("primitiveType").unwrap())
    }

    fn kind(&self, field: &'a Element) -> String {
        let name = field.get("type").unwrap();
        if let Some(value) = field.get("valueRef") {
            let (words, value) = value.split_once('.').unwrap();
            if words == "boolEnum" {
                return format!("const {}", value.to_lowercase());
            }
            let mut values = self.words[words].children.iter();
            let value = values.find(|one| one.get("name") == Some(value)).unwrap();
            return format!("const {}", Types::word(value));
        }
        if name == "boolEnum" {
            return name.to_owned();
        }
        if let Some(words) = self.words.get(name) {
            let list: Vec<String> = words
                .children
                .iter()
                .filter(|value| value.get("name") != Some("NonRepresentable"))
                .map(|value| format!("{}={}", Types::word(value), value.text))
                .collect();
            let bytes = width(words.get("encodingType").unwrap());
            return format!("{name}:{bytes} {}", list.join(" "));
        }
        if matches!(
            name,
            "utcTimestampUs" | "exponent8" | "mantissa64" | "mantissa128"
        ) {
            return name.to_owned();
        }
        self.primitive(name).to_owned()
    }
}

fn width(primitive: &str) -> usize {
    match primitive {
        "int8" | "uint8" => 1,
        "int16" | "uint16" => 2,
        "int32" | "uint32" | "float" => 4,
        "int64" | "uint64" => 8,
        _ => panic!("what is {primitive}?"),
    }
}
