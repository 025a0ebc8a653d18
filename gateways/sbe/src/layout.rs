//! Layout tables: what a message holds, in which order and width, and where in a JSON answer each value is found.
//!
//! A table is a text, one thing a line, nested by two spaces:
//!
//! ```text
//! enum orderSide BUY=0 SELL=1                     the words of JSON and their numbers; `@5`: since that version of the schema
//! set orderTypes u16 MARKET=0 LIMIT=1             the same as bits
//! message 301 NewOrderResultResponse              number and name
//!   6 price dec64 ^priceExponent                  number, name, kind; decimals name the field that holds their exponent
//!   12 orderType orderType <type                  `<` where it stands in JSON, when not under its own name
//!   17 workingTime time? =-1                      `?` may be null; `=` what JSON says for null
//!   group 100 fills u32                           repeated, counted by that width
//!   data 200 symbol str8                          text, or a message (`msg8`), after a length of so many bits
//! ```

use std::collections::HashMap;
use std::sync::Arc;

/// A family of messages: one schema in all the versions that are spoken.
#[derive(Debug)]
pub struct Schema {
    pub id: u16,
    pub oldest: u16,
    pub newest: u16,
    pub messages: Vec<Message>,
    by_id: HashMap<u16, usize>,
}

#[derive(Debug)]
pub struct Message {
    pub id: u16,
    pub name: String,
    /// The first version of the schema that has it.
    pub since: u16,
    pub body: Body,
}

/// What a message and an entry of a group are made of, in this order.
#[derive(Debug, Default)]
pub struct Body {
    pub fields: Vec<Field>,
    pub groups: Vec<Group>,
    pub data: Vec<Data>,
}

#[derive(Debug)]
pub struct Field {
    pub id: u16,
    pub name: String,
    pub kind: Kind,
    pub optional: bool,
    pub path: Path,
    /// The field that holds the exponent of this decimal.
    pub exponent: Option<String>,
    /// What JSON says where SBE says null.
    pub default: Option<String>,
    pub since: u16,
}

#[derive(Debug)]
pub struct Group {
    pub id: u16,
    pub name: String,
    /// Bytes of its count.
    pub count: usize,
    pub path: Path,
    pub body: Body,
}

#[derive(Debug)]
pub struct Data {
    pub id: u16,
    pub name: String,
    /// Bytes of its length.
    pub length: usize,
    /// A message with its header, and no text.
    pub is_message: bool,
    pub optional: bool,
    pub path: Path,
    pub default: Option<String>,
}

/// Where a value stands in JSON.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Path {
    /// Members, from outside to inside.
    Members(Vec<String>),
    /// The next element of an array.
    Next,
    /// The value itself.
    Itself,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Int {
        bytes: usize,
        signed: bool,
    },
    /// Microseconds.
    Time,
    Exponent,
    Dec64,
    Dec128,
    Float,
    Bool,
    Enum(Arc<Words>),
    Set(Arc<Words>),
    /// Never on the wire.
    Const(String),
}

/// The words of an enum or a set.
#[derive(Debug)]
pub struct Words {
    pub name: String,
    pub bytes: usize,
    /// Word, number, first version.
    pub list: Vec<(String, u8, u16)>,
}

impl Kind {
    /// Bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Kind::Int { bytes, .. } => *bytes,
            Kind::Time | Kind::Dec64 => 8,
            Kind::Dec128 => 16,
            Kind::Float => 4,
            Kind::Exponent | Kind::Bool | Kind::Enum(_) => 1,
            Kind::Set(words) => words.bytes,
            Kind::Const(_) => 0,
        }
    }
}

impl Body {
    /// Bytes of the fields that a version of the schema has.
    #[must_use]
    pub fn block_length(&self, version: u16) -> usize {
        self.fields(version).map(|field| field.kind.bytes()).sum()
    }

    /// The fields that a version of the schema has.
    pub fn fields(&self, version: u16) -> impl Iterator<Item = &Field> {
        self.fields
            .iter()
            .filter(move |field| field.since <= version)
    }
}

impl Schema {
    #[must_use]
    pub fn message(&self, id: u16) -> Option<&Message> {
        self.by_id
            .get(&id)
            .and_then(|index| self.messages.get(*index))
    }

    /// Reads a table.
    ///
    /// # Errors
    /// The line that cannot be read.
    pub fn parse(id: u16, oldest: u16, newest: u16, text: &str) -> Result<Schema, String> {
        let mut words = HashMap::new();
        let mut messages: Vec<Message> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let depth = (line.len() - line.trim_start().len()) / 2;
            let tokens: Vec<&str> = line.split_whitespace().collect();
            let read = match tokens.first() {
                Some(&"enum") => Words::parse(1, tokens.get(1..).unwrap_or_default())
                    .map(|list| drop(words.insert(list.name.clone(), Kind::Enum(Arc::new(list))))),
                Some(&"set") => set(&tokens)
                    .map(|list| drop(words.insert(list.name.clone(), Kind::Set(Arc::new(list))))),
                Some(&"message") => message(&tokens).map(|message| messages.push(message)),
                _ => messages
                    .last_mut()
                    .and_then(|message| innermost(&mut message.body, depth))
                    .and_then(|body| body.add(&tokens, &words)),
            };
            read.ok_or_else(|| format!("this line of a layout table cannot be read: {line}"))?;
        }
        let by_id = messages
            .iter()
            .enumerate()
            .map(|(index, message)| (message.id, index))
            .collect();
        Ok(Schema {
            id,
            oldest,
            newest,
            messages,
            by_id,
        })
    }
}

fn message(tokens: &[&str]) -> Option<Message> {
    let [_, id, name, rest @ ..] = tokens else {
        return None;
    };
    let marks = Marks::read(name, rest)?;
    Some(Message {
        id: id.parse().ok()?,
        name: (*name).to_owned(),
        since: marks.since,
        body: Body::default(),
    })
}

fn set(tokens: &[&str]) -> Option<Words> {
    let [_, name, width, rest @ ..] = tokens else {
        return None;
    };
    let mut named = vec![*name];
    named.extend_from_slice(rest);
    Words::parse(bits(width.strip_prefix('u')?)?, &named)
}

/// Bytes from a number of bits.
fn bits(text: &str) -> Option<usize> {
    match text {
        "8" => Some(1),
        "16" => Some(2),
        "32" => Some(4),
        "64" => Some(8),
        _ => None,
    }
}

/// The body that a line of this depth belongs to.
fn innermost(body: &mut Body, depth: usize) -> Option<&mut Body> {
    match depth {
        0 => None,
        1 => Some(body),
        _ => innermost(&mut body.groups.last_mut()?.body, depth - 1),
    }
}

impl Words {
    fn parse(bytes: usize, tokens: &[&str]) -> Option<Words> {
        let (name, rest) = tokens.split_first()?;
        let list = rest
            .iter()
            .map(|token| {
                let (word, number) = token.split_once('=')?;
                let (number, since) = number.split_once('@').unwrap_or((number, "0"));
                Some((word.to_owned(), number.parse().ok()?, since.parse().ok()?))
            })
            .collect::<Option<_>>()?;
        Some(Words {
            name: (*name).to_owned(),
            bytes,
            list,
        })
    }
}

/// What stands behind the kind of a line.
struct Marks {
    path: Path,
    exponent: Option<String>,
    default: Option<String>,
    since: u16,
}

impl Marks {
    fn read(name: &str, tokens: &[&str]) -> Option<Marks> {
        let mut marks = Marks {
            path: Path::Members(vec![name.to_owned()]),
            exponent: None,
            default: None,
            since: 0,
        };
        for token in tokens {
            let (sign, value) = token.split_at_checked(1)?;
            match sign {
                "<" => {
                    marks.path = match value {
                        ".." => Path::Itself,
                        "[]" => Path::Next,
                        _ => Path::Members(value.split('.').map(str::to_owned).collect()),
                    }
                }
                "^" => marks.exponent = Some(value.to_owned()),
                "=" => marks.default = Some(value.to_owned()),
                "@" => marks.since = value.parse().ok()?,
                _ => return None,
            }
        }
        Some(marks)
    }
}

impl Body {
    fn add(&mut self, tokens: &[&str], words: &HashMap<String, Kind>) -> Option<()> {
        match tokens {
            ["group", id, name, width, rest @ ..] => {
                let marks = Marks::read(name, rest)?;
                self.groups.push(Group {
                    id: id.parse().ok()?,
                    name: (*name).to_owned(),
                    count: bits(width.strip_prefix('u')?)?,
                    path: marks.path,
                    body: Body::default(),
                });
            }
            ["data", id, name, kind, rest @ ..] => {
                let marks = Marks::read(name, rest)?;
                let width = kind.trim_end_matches('?');
                self.data.push(Data {
                    id: id.parse().ok()?,
                    name: (*name).to_owned(),
                    length: bits(width.get(3..)?)?,
                    is_message: width.starts_with("msg"),
                    optional: kind.ends_with('?'),
                    path: marks.path,
                    default: marks.default,
                });
            }
            [id, name, "const", value, ..] => {
                self.field(id, name, Kind::Const((*value).to_owned()), false, &[])?;
            }
            [id, name, kind, rest @ ..] => {
                let plain = kind.trim_end_matches('?');
                let kind_of = kind_of(plain).or_else(|| words.get(plain).cloned())?;
                self.field(id, name, kind_of, kind.ends_with('?'), rest)?;
            }
            _ => return None,
        }
        Some(())
    }

    fn field(
        &mut self,
        id: &str,
        name: &str,
        kind: Kind,
        optional: bool,
        rest: &[&str],
    ) -> Option<()> {
        let marks = Marks::read(name, rest)?;
        self.fields.push(Field {
            id: id.parse().ok()?,
            name: name.to_owned(),
            kind,
            optional,
            path: marks.path,
            exponent: marks.exponent,
            default: marks.default,
            since: marks.since,
        });
        Some(())
    }
}

fn kind_of(text: &str) -> Option<Kind> {
    Some(match text {
        "time" => Kind::Time,
        "exponent" => Kind::Exponent,
        "dec64" => Kind::Dec64,
        "dec128" => Kind::Dec128,
        "f32" => Kind::Float,
        "bool" => Kind::Bool,
        _ => {
            let (sign, width) = text.split_at_checked(1)?;
            let signed = match sign {
                "i" => true,
                "u" => false,
                _ => return None,
            };
            Kind::Int {
                bytes: bits(width)?,
                signed,
            }
        }
    })
}
