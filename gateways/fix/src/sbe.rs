//! The same messages in Simple Binary Encoding (schema 1:1): a frame of six bytes, a head of twenty, then fields at fixed places.
//!
//! Sessions speak of tags and values whichever way they came. [`take`] reads bytes into a [`Message`], and [`put`] writes the fields of one as
//! bytes, both by the layout table, which names each field by its tag. The table is compared with the published schema by a test.
//!
//! ```text
//! message 98 8 ExecutionReport       template, `MsgType`, name
//!   25054 exponent                   tag and kind; exponents are made from the values that name them
//!   38 dec? ^25055                   `?` may be null; `^` the exponent; `@1` since that version
//!   group 136 1/2                    repeated; bytes of its entry's length and of its count
//!   11 str8?                         text after a length of so many bits
//! ```
//!
//! # Units and rounding
//! Decimals have as many places as the text that is sent in tag=value, and fewer when 64 bits would not hold them: the last digits are cut off
//! then. Times are microseconds; the window of a logon too.
//!
//! # What is different from tag=value
//! Only a logon names sender, target and window; later requests have those of the logon. Market data have a message for each kind of entry.

use std::sync::LazyLock;

use types::Time;

use crate::codec::{Body, Garbled, Header, MAX_BODY, Message, Utc, read_time};
use crate::session::Invalid;
use crate::sessions::Outgoing;
use crate::tags::*;

/// Which way a door's bytes are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Coding {
    /// tag=value both ways.
    Text,
    /// Requests in tag=value, answers in SBE.
    Mixed,
    /// SBE both ways.
    Binary,
}

impl Coding {
    #[must_use]
    pub fn answers_in_sbe(self) -> bool {
        self != Coding::Text
    }
}

/// The number of the schema, and its versions that are spoken: the newest, and one that is deprecated.
pub const SCHEMA: u16 = 1;
pub const NEWEST: u16 = 1;
const FRAME: usize = 6;
const HEAD: usize = 20;
const ENCODING: u16 = 0xEB50;
/// Execution reports, whole and small.
const REPORT: u16 = 98;
const SMALL_REPORT: u16 = 198;
const LOGON: u16 = 20_008;
const LOGON_ACK: u16 = 20_009;
const SNAPSHOT: u16 = 204;
const TRADES: u16 = 205;
const TOUCH: u16 = 206;
const DIFF: u16 = 207;
/// Groups of one side of the book, which tag=value does not know.
const BIDS: u32 = 25_047;
const ASKS: u32 = 25_048;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Unsigned(usize),
    Signed(usize),
    Char,
    Bool,
    Time,
    /// Microseconds here, milliseconds with three decimals in tag=value.
    Window,
    Exponent,
    /// A mantissa; the tag of its exponent.
    Dec(u32),
}

impl Kind {
    const fn bytes(self) -> usize {
        match self {
            Kind::Unsigned(bytes) | Kind::Signed(bytes) => bytes,
            Kind::Char | Kind::Bool | Kind::Exponent => 1,
            Kind::Window => 4,
            Kind::Time | Kind::Dec(_) => 8,
        }
    }
}

#[derive(Debug)]
struct Field {
    tag: u32,
    kind: Kind,
    optional: bool,
}

#[derive(Debug, Default)]
struct Group {
    tag: u32,
    /// Bytes of its entry's length and of its count.
    widths: (usize, usize),
    body: Layout,
}

#[derive(Debug, Default)]
struct Layout {
    fields: Vec<Field>,
    groups: Vec<Group>,
    /// Tag, bytes of the length.
    texts: Vec<(u32, usize)>,
}

#[derive(Debug)]
struct Template {
    id: u16,
    kind: &'static str,
    layout: Layout,
}

static TABLE: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let text = include_str!("fixsbe.layout");
    parse(text).unwrap_or_else(|line| panic!("this line of the table cannot be read: {line}"))
});

fn parse(text: &'static str) -> Result<Vec<Template>, &'static str> {
    let mut templates: Vec<Template> = Vec::new();
    for line in text.lines() {
        let depth = (line.len() - line.trim_start().len()) / 2;
        let tokens: Vec<&str> = line.split_whitespace().collect();
        let read = match tokens.as_slice() {
            ["message", id, kind, _] => id.parse().ok().map(|id| {
                templates.push(Template {
                    id,
                    kind,
                    layout: Layout::default(),
                });
            }),
            tokens => templates
                .last_mut()
                .and_then(|template| innermost(&mut template.layout, depth))
                .and_then(|layout| layout.add(tokens)),
        };
        read.ok_or(line)?;
    }
    Ok(templates)
}

fn innermost(layout: &mut Layout, depth: usize) -> Option<&mut Layout> {
    match depth {
        0 => None,
        1 => Some(layout),
        _ => innermost(&mut layout.groups.last_mut()?.body, depth - 1),
    }
}

impl Layout {
    fn add(&mut self, tokens: &[&str]) -> Option<()> {
        if let ["group", tag, widths] = tokens {
            let (block, count) = widths.split_once('/')?;
            self.groups.push(Group {
                tag: tag.parse().ok()?,
                widths: (block.parse().ok()?, count.parse().ok()?),
                body: Layout::default(),
            });
            return Some(());
        }
        let [tag, word, marks @ ..] = tokens else {
            return None;
        };
        let tag = tag.parse().ok()?;
        let (word, optional) = match word.strip_suffix('?') {
            Some(word) => (word, true),
            None => (*word, false),
        };
        if let Some(bits) = word.strip_prefix("str") {
            self.texts.push((tag, bits.parse::<usize>().ok()? / 8));
            return Some(());
        }
        let exponent = marks.iter().find_map(|mark| mark.strip_prefix('^'));
        let width = || word.get(1..).and_then(|bits| bits.parse::<usize>().ok());
        let kind = match (word, exponent) {
            ("char", _) => Kind::Char,
            ("bool", _) => Kind::Bool,
            ("time", _) => Kind::Time,
            ("window", _) => Kind::Window,
            ("exponent", _) => Kind::Exponent,
            ("dec", Some(exponent)) => Kind::Dec(exponent.parse().ok()?),
            _ if word.starts_with('u') => Kind::Unsigned(width()? / 8),
            _ if word.starts_with('i') => Kind::Signed(width()? / 8),
            _ => return None,
        };
        self.fields.push(Field {
            tag,
            kind,
            optional,
        });
        Some(())
    }

    fn block(&self) -> usize {
        self.fields.iter().map(|field| field.kind.bytes()).sum()
    }

    /// Whether a tag is part of an entry with this layout.
    fn has(&self, tag: u32) -> bool {
        self.fields.iter().any(|field| field.tag == tag)
            || self.texts.iter().any(|(text, _)| *text == tag)
            || self
                .groups
                .iter()
                .any(|group| group.tag == tag || group.body.has(tag))
    }

    /// Whether a tag's value is a decimal of this exponent.
    fn scales(&self, tag: u32, exponent: u32) -> bool {
        let mut fields = self.fields.iter();
        fields.any(|field| field.tag == tag && field.kind == Kind::Dec(exponent))
            || self
                .groups
                .iter()
                .any(|group| group.body.scales(tag, exponent))
    }
}

type Fields<'a> = [(u32, &'a str)];

fn find<'a>(fields: &Fields<'a>, tag: u32) -> Option<&'a str> {
    fields
        .iter()
        .find(|(other, _)| *other == tag)
        .map(|(_, value)| *value)
}

// --- writing ---

/// Appends a whole message. `small`: execution reports in their small form.
pub fn put(out: &mut Vec<u8>, header: &Header<'_>, message: &Outgoing, small: bool) {
    let text = std::str::from_utf8(&message.body).unwrap_or_default();
    let fields: Vec<(u32, &str)> = text
        .split_terminator('\u{1}')
        .filter_map(|field| field.split_once('='))
        .filter_map(|(tag, value)| Some((tag.parse().ok()?, value)))
        .collect();
    let sizes = sizes(&fields);
    let (template, fields) = arranged(message.kind, fields, &sizes, small);
    let Some(template) = TABLE.iter().find(|one| one.id == template) else {
        tracing::error!(kind = message.kind, "a message has no place in SBE");
        return;
    };
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&ENCODING.to_le_bytes());
    let block = u16::try_from(template.layout.block()).unwrap_or(u16::MAX);
    for part in [block, template.id, SCHEMA, NEWEST] {
        out.extend_from_slice(&part.to_le_bytes());
    }
    let seq = u32::try_from(header.seq).unwrap_or(u32::MAX);
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&header.sent.0.to_le_bytes());
    write(out, &template.layout, &fields);
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// How many bids and asks a message of market data holds, as texts.
fn sizes(fields: &Fields<'_>) -> [String; 2] {
    let of = |side: &str| {
        let entries = fields.iter().filter(|(tag, _)| *tag == MD_ENTRY_TYPE);
        entries.filter(|(_, value)| *value == side).count()
    };
    [of("0").to_string(), of("1").to_string()]
}

/// Which template a message has, and its fields in the groups of that template.
fn arranged<'a>(
    kind: &str,
    fields: Vec<(u32, &'a str)>,
    [bids, asks]: &'a [String; 2],
    small: bool,
) -> (u16, Vec<(u32, &'a str)>) {
    let template = match kind {
        "8" if small => SMALL_REPORT,
        "8" => REPORT,
        "A" => LOGON_ACK,
        "W" => SNAPSHOT,
        "X" if find(&fields, MD_ENTRY_TYPE) == Some("2") => TRADES,
        "X" if find(&fields, FIRST_BOOK_UPDATE_ID).is_some() => DIFF,
        "X" => TOUCH,
        _ => TABLE
            .iter()
            .find(|one| one.kind == kind)
            .map_or(0, |t| t.id),
    };
    if template == TRADES {
        // what is said once for all entries stands outside of them
        let once = [SYMBOL, TRANSACT_TIME];
        let outside = once.iter().filter_map(|t| Some((*t, find(&fields, *t)?)));
        let mut all: Vec<_> = outside.collect();
        all.extend(fields.into_iter().filter(|(tag, _)| !once.contains(tag)));
        all.retain(|(tag, _)| !matches!(*tag, MD_UPDATE_ACTION | MD_ENTRY_TYPE));
        return (template, all);
    }
    if !matches!(template, SNAPSHOT | TOUCH | DIFF) {
        return (template, fields);
    }
    let once = [SYMBOL, FIRST_BOOK_UPDATE_ID, LAST_BOOK_UPDATE_ID];
    let outside = once.iter().filter_map(|t| Some((*t, find(&fields, *t)?)));
    let mut all: Vec<_> = outside.collect();
    for (group, side, count) in [(BIDS, "0", bids), (ASKS, "1", asks)] {
        all.push((group, count));
        let mut of_side = false;
        for (tag, value) in &fields {
            match *tag {
                MD_ENTRY_TYPE => of_side = *value == side,
                MD_ENTRY_PX | MD_ENTRY_SIZE if of_side => all.push((*tag, value)),
                _ => {}
            }
        }
    }
    (template, all)
}

fn write(out: &mut Vec<u8>, layout: &Layout, fields: &Fields<'_>) {
    let exponents: Vec<(u32, i8)> = layout
        .fields
        .iter()
        .filter(|field| field.kind == Kind::Exponent)
        .map(|field| (field.tag, exponent(layout, field.tag, fields)))
        .collect();
    write_body(out, layout, fields, &exponents);
}

/// `outer`: the exponents that the message has chosen; an entry may have its own.
fn write_body(out: &mut Vec<u8>, layout: &Layout, fields: &Fields<'_>, outer: &[(u32, i8)]) {
    let scale = |tag: u32| {
        let of = outer.iter().find(|(other, _)| *other == tag);
        of.map_or(-8, |(_, exponent)| *exponent)
    };
    for field in &layout.fields {
        let value = match field.kind {
            Kind::Exponent => Some(scale(field.tag).to_le_bytes().to_vec()),
            Kind::Dec(exponent) => find(fields, field.tag)
                .and_then(|text| mantissa(text, scale(exponent)))
                .map(|mantissa| mantissa.to_le_bytes().to_vec()),
            kind => find(fields, field.tag).and_then(|text| bytes_of(kind, text)),
        };
        out.extend(value.unwrap_or_else(|| null(field)));
    }
    for group in &layout.groups {
        let entries = entries(group, fields);
        let (block, count) = group.widths;
        out.extend_from_slice(low(group.body.block() as u64, block).as_slice());
        out.extend_from_slice(low(entries.len() as u64, count).as_slice());
        for entry in entries {
            let mut own = group.body.fields.iter();
            let own = own.any(|field| field.kind == Kind::Exponent);
            match own {
                true => write(out, &group.body, entry),
                false => write_body(out, &group.body, entry, outer),
            }
        }
    }
    for (tag, width) in &layout.texts {
        let text = find(fields, *tag).unwrap_or_default().as_bytes();
        let most = (1_usize << (8 * width)) - 1;
        let text = text.get(..most).unwrap_or(text);
        out.extend_from_slice(&low(text.len() as u64, *width));
        out.extend_from_slice(text);
    }
}

fn low(number: u64, bytes: usize) -> Vec<u8> {
    number.to_le_bytes().into_iter().take(bytes).collect()
}

/// The entries of a group: each begins with the tag that the first begins with.
fn entries<'a, 'b>(group: &Group, fields: &'b Fields<'a>) -> Vec<&'b Fields<'a>> {
    let Some(place) = fields.iter().position(|(tag, _)| *tag == group.tag) else {
        return Vec::new();
    };
    let rest = fields.get(place + 1..).unwrap_or_default();
    let inside = rest.iter().take_while(|(tag, _)| group.body.has(*tag));
    let count = inside.count();
    let rest = rest.get(..count).unwrap_or_default();
    let Some((first, _)) = rest.first().filter(|_| fields[place].1 != "0") else {
        return Vec::new();
    };
    let mut starts: Vec<usize> = (0..count).filter(|at| rest[*at].0 == *first).collect();
    starts.push(count);
    starts
        .windows(2)
        .filter_map(|pair| rest.get(pair[0]..pair[1]))
        .collect()
}

/// `None` for what has no place in a field of this kind.
fn bytes_of(kind: Kind, text: &str) -> Option<Vec<u8>> {
    Some(match kind {
        Kind::Unsigned(bytes) => low(text.parse().ok()?, bytes),
        Kind::Signed(bytes) => low(text.parse::<i64>().ok()?.cast_unsigned(), bytes),
        Kind::Char => vec![*text.as_bytes().first()?],
        Kind::Bool => vec![u8::from(text == "Y")],
        Kind::Time => read_time(text)?.0.to_le_bytes().to_vec(),
        Kind::Window | Kind::Exponent | Kind::Dec(_) => return None,
    })
}

/// Null; of what must be there, the word for what cannot be said, or false.
fn null(field: &Field) -> Vec<u8> {
    match field.kind {
        Kind::Unsigned(1) if !field.optional => vec![254],
        Kind::Char if !field.optional => vec![b'~'],
        Kind::Bool if !field.optional => vec![0],
        Kind::Unsigned(bytes) => vec![0xff; bytes],
        Kind::Bool => vec![0xff],
        Kind::Window => vec![0xff; 4],
        Kind::Char | Kind::Exponent => vec![0],
        Kind::Signed(bytes) => low(1 << (8 * bytes - 1), bytes),
        Kind::Time | Kind::Dec(_) if field.optional => i64::MIN.to_le_bytes().to_vec(),
        Kind::Time | Kind::Dec(_) => vec![0; 8],
    }
}

/// Sign, digits without the point, places behind it.
fn digits(text: &str) -> Option<(bool, i128, usize)> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut sum = 0_i128;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
        sum = sum.checked_mul(10)?.checked_add(digit)?;
    }
    Some((negative, sum, fraction.len()))
}

/// The exponent for all values that name it: the places that they are written with, fewer when 64 bits would not hold one of them.
fn exponent(layout: &Layout, tag: u32, fields: &Fields<'_>) -> i8 {
    let values = fields.iter().filter(|(of, _)| layout.scales(*of, tag));
    let values: Vec<&str> = values.map(|(_, text)| *text).collect();
    let places = values
        .iter()
        .filter_map(|text| digits(text))
        .map(|(_, _, p)| p);
    let places = places.max().unwrap_or(8).min(18);
    let mut exponent = i8::try_from(places).map_or(-8, |places| -places);
    while exponent < 18
        && values
            .iter()
            .any(|text| digits(text).is_some() && mantissa(text, exponent).is_none())
    {
        exponent += 1;
    }
    exponent
}

/// How many units of 10^`exponent` a decimal is, cut off; `None` when 64 bits do not hold it.
fn mantissa(text: &str, exponent: i8) -> Option<i64> {
    let (negative, mut sum, places) = digits(text)?;
    let shift = -i64::from(exponent) - i64::try_from(places).ok()?;
    let unit = 10_i128.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?)?;
    sum = match shift >= 0 {
        true => sum.checked_mul(unit)?,
        false => sum / unit,
    };
    i64::try_from(if negative { -sum } else { sum }).ok()
}

// --- reading ---

/// What a session adds to requests: the name and the window of its logon.
pub type Logged<'a> = Option<(&'a str, Option<&'a str>)>;

/// Takes the first message off `buffer`: how many bytes it takes and what it is; `None` when more bytes are needed.
///
/// # Errors
/// [`Garbled`], with the number of bytes to skip.
pub fn take(buffer: &[u8], logged: Logged<'_>) -> Option<(usize, Result<Message, Garbled>)> {
    let mut frame = Cursor(buffer.get(..FRAME)?);
    let (length, encoding) = (frame.number(4)?, frame.number(2)?);
    if encoding != u64::from(ENCODING) {
        return Some((buffer.len(), Err(Garbled::EncodingType)));
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if !(FRAME + HEAD..=MAX_BODY).contains(&length) {
        return Some((buffer.len(), Err(Garbled::FrameLength)));
    }
    let message = buffer.get(FRAME..length)?;
    Some((length, read(message, logged)))
}

fn read(bytes: &[u8], logged: Logged<'_>) -> Result<Message, Garbled> {
    let mut cursor = Cursor(bytes);
    let mut part = |bytes| cursor.number(bytes).ok_or(Garbled::SbeHead);
    let (block, template) = (part(2)?, part(2)?);
    let (schema, version) = (part(2)?, part(2)?);
    let (seq, sent) = (part(4)?, part(8)?);
    if schema != u64::from(SCHEMA) || version > u64::from(NEWEST) {
        return Err(Garbled::SbeSchema);
    }
    let template = TABLE
        .iter()
        .find(|one| u64::from(one.id) == template)
        .ok_or(Garbled::SbeHead)?;
    let mut fields: Vec<(u32, Box<str>)> = vec![
        (MSG_TYPE, template.kind.into()),
        (MSG_SEQ_NUM, seq.to_string().into()),
        (SENDING_TIME, time(sent.cast_signed())?.into()),
    ];
    cursor.body(&template.layout, block, &[], &mut fields)?;
    if template.id == LOGON {
        let proof = fields.iter().find(|(tag, _)| *tag == RAW_DATA);
        let length = proof.map(|(_, text)| text.len().to_string());
        fields.extend(length.map(|length| (RAW_DATA_LENGTH, length.into())));
        fields.push((SBE_SCHEMA_ID, schema.to_string().into()));
        fields.push((SBE_SCHEMA_VERSION, version.to_string().into()));
    } else if let Some((name, window)) = logged {
        fields.push((SENDER_COMP_ID, name.into()));
        fields.push((TARGET_COMP_ID, "SPOT".into()));
        let trades = matches!(template.kind, "D" | "E" | "F" | "XCN" | "XAK" | "q");
        fields.extend(
            window
                .filter(|_| trades)
                .map(|window| (RECV_WINDOW, window.into())),
        );
    }
    Ok(Message::of(&fields))
}

/// A moment in words; none before 1970 and none after the year 9999, which words cannot say.
fn time(us: i64) -> Result<String, Garbled> {
    const END: i64 = 253_402_300_800_000_000;
    match (0..END).contains(&us) {
        true => Ok(Utc(Time(us)).to_string()),
        false => Err(Garbled::SbeFields),
    }
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<u64> {
        let taken = self.take(bytes)?;
        let sum = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(taken.iter().rev().fold(0, sum))
    }

    /// Fields of a block, then groups, then texts. What a later version has put behind the block's known fields is skipped.
    fn body(
        &mut self,
        layout: &Layout,
        block: u64,
        outer: &[(u32, i8)],
        out: &mut Vec<(u32, Box<str>)>,
    ) -> Result<(), Garbled> {
        let block = usize::try_from(block).map_err(|_| Garbled::SbeFields)?;
        let mut block = Cursor(self.take(block).ok_or(Garbled::SbeFields)?);
        let mut exponents = outer.to_vec();
        for field in &layout.fields {
            let bytes = block.take(field.kind.bytes()).ok_or(Garbled::SbeFields)?;
            if let (Kind::Exponent, [byte]) = (field.kind, bytes) {
                exponents.push((field.tag, byte.cast_signed()));
            } else if let Some(text) = value(field, bytes, &exponents)? {
                out.push((field.tag, text.into()));
            }
        }
        for group in &layout.groups {
            self.group(group, &exponents, out)?;
        }
        for (tag, width) in &layout.texts {
            let length = self.number(*width).ok_or(Garbled::SbeFields)?;
            let length = usize::try_from(length).map_err(|_| Garbled::SbeFields)?;
            let text = self.take(length).ok_or(Garbled::SbeFields)?;
            if !text.iter().all(|byte| (b' '..=b'~').contains(byte)) {
                return Err(Garbled::SbeFields);
            }
            let text = std::str::from_utf8(text).map_err(|_| Garbled::SbeFields)?;
            if !text.is_empty() {
                out.push((*tag, text.into()));
            }
        }
        Ok(())
    }

    /// In tag=value an entry begins with the tag that tells it from the one before.
    fn group(
        &mut self,
        group: &Group,
        exponents: &[(u32, i8)],
        out: &mut Vec<(u32, Box<str>)>,
    ) -> Result<(), Garbled> {
        let (block, count) = group.widths;
        let block = self.number(block).ok_or(Garbled::SbeFields)?;
        let count = self.number(count).ok_or(Garbled::SbeFields)?;
        if count > 0 {
            out.push((group.tag, count.to_string().into()));
        }
        let texts = group.body.texts.iter().map(|(tag, _)| *tag);
        let first = texts.chain(group.body.fields.iter().map(|field| field.tag));
        let first = first.into_iter().next();
        for _ in 0..count {
            let mut entry = Vec::new();
            self.body(&group.body, block, exponents, &mut entry)?;
            if let Some(place) = entry.iter().position(|(tag, _)| Some(*tag) == first) {
                let begin = entry.remove(place);
                entry.insert(0, begin);
            }
            if entry.is_empty() {
                return Err(Garbled::SbeFields);
            }
            out.append(&mut entry);
        }
        Ok(())
    }
}

/// A field's value in words; `None` for null.
fn value(field: &Field, bytes: &[u8], exponents: &[(u32, i8)]) -> Result<Option<String>, Garbled> {
    let number = Cursor(bytes).number(bytes.len()).unwrap_or(0);
    let bits = u32::try_from(bytes.len() * 8).unwrap_or(64);
    let signed = number.cast_signed() << (64 - bits) >> (64 - bits);
    let (full, least) = (u64::MAX >> (64 - bits), i64::MIN >> (64 - bits));
    let is_null = match field.kind {
        Kind::Unsigned(_) | Kind::Bool | Kind::Window => number == full,
        Kind::Char => number == 0,
        Kind::Signed(_) | Kind::Time | Kind::Dec(_) => signed == least,
        Kind::Exponent => true,
    };
    if is_null {
        return Ok(None);
    }
    Ok(Some(match field.kind {
        Kind::Unsigned(_) => number.to_string(),
        Kind::Signed(_) => signed.to_string(),
        Kind::Char => match bytes {
            [byte @ b' '..=b'~'] => char::from(*byte).to_string(),
            _ => return Err(Garbled::SbeFields),
        },
        Kind::Bool => match number {
            0 => "N".to_owned(),
            1 => "Y".to_owned(),
            _ => return Err(Garbled::SbeFields),
        },
        Kind::Time => time(signed)?,
        Kind::Window => format!("{}.{:03}", number / 1000, number % 1000),
        Kind::Exponent => String::new(),
        Kind::Dec(tag) => {
            let exponent = exponents.iter().find(|(other, _)| *other == tag);
            let exponent = exponent.map_or(-8, |(_, exponent)| *exponent);
            decimal(signed, exponent).ok_or(Garbled::SbeFields)?
        }
    }))
}

/// `None` for an exponent that no value of ours has.
fn decimal(mantissa: i64, exponent: i8) -> Option<String> {
    if !(-18..=18).contains(&exponent) {
        return None;
    }
    let sign = if mantissa < 0 { "-" } else { "" };
    let places = usize::from(exponent.unsigned_abs());
    let digits = mantissa.unsigned_abs().to_string();
    if exponent >= 0 {
        return Some(format!("{sign}{digits}{}", "0".repeat(places)));
    }
    let digits = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    Some(format!("{sign}{whole}.{fraction}"))
}

/// What the answer to a logon says beside its fields: whether the version that was asked for is a deprecated one.
pub fn put_deprecated(body: &mut Body, coding: Coding, logon: &Message) {
    if coding.answers_in_sbe() {
        let newest = logon.get(SBE_SCHEMA_VERSION) == Some("1");
        body.put(SBE_DEPRECATED, if newest { 'N' } else { 'Y' });
    }
}

/// A logon names the schema of the answers: in its head, or in two tags.
///
/// # Errors
/// -1153 for another schema, or a version that there is not.
pub fn check_schema(logon: &Message, coding: Coding) -> Result<(), Invalid> {
    let known = logon.get(SBE_SCHEMA_ID) == Some("1")
        && matches!(logon.get(SBE_SCHEMA_VERSION), Some("0" | "1"));
    if known || !coding.answers_in_sbe() {
        return Ok(());
    }
    let text = Garbled::SbeSchema.to_string();
    Err(Invalid::new(
        Some(SBE_SCHEMA_ID),
        5,
        Garbled::SbeSchema.code(),
        text,
    ))
}

#[cfg(test)]
#[path = "sbe_tests.rs"]
mod tests;
