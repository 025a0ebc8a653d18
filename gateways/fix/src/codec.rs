//! Tag=value: bytes to fields and back.
//!
//! A message is `8=FIX.4.4|9=<length>|35=<type>|…|10=<sum>|` with SOH (1) where a bar stands here. `BodyLength` counts the bytes after its own
//! field up to `CheckSum`; `CheckSum` is the sum of all bytes before it, modulo 256, in three digits.

use types::Time;

pub const SOH: u8 = 1;
const BEGIN: &[u8] = b"8=FIX.4.4\x019=";
/// `10=nnn` and its SOH.
const TRAILER: usize = 7;
/// A longer body is refused before it is read.
pub const MAX_BODY: usize = 64 * 1024;

/// Why bytes are no message. All but a wrong sum lose the place where the next message begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Garbled {
    #[error("`BeginString (8)` is not the first tag in a message.")]
    BeginString,
    #[error("`BodyLength (9)` does not contain the correct byte count.")]
    BodyLength,
    #[error("`MsgType (35)` is not the third tag in a message.")]
    MsgType,
    #[error("`CheckSum(10)` contains an incorrect value.")]
    CheckSum,
    #[error("Only printable ASCII characters and SOH (Start of Header) are allowed.")]
    Characters,
    #[error("Tag=value pairs are malformed.")]
    Fields,
    #[error("Invalid encodingType.")]
    EncodingType,
    #[error("Invalid SBE message header.")]
    FrameLength,
    #[error("Invalid SBE message header.")]
    SbeHead,
    #[error("Invalid SBE schema ID or version specified.")]
    SbeSchema,
    #[error("Invalid/missing field(s) in SBE message.")]
    SbeFields,
}

impl Garbled {
    /// Whether the next message can be found all the same.
    #[must_use]
    pub const fn keeps_place(self) -> bool {
        !matches!(
            self,
            Garbled::BeginString
                | Garbled::BodyLength
                | Garbled::EncodingType
                | Garbled::FrameLength
        )
    }

    /// The API's code for it.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Garbled::FrameLength | Garbled::SbeHead => -1152,
            Garbled::SbeSchema => -1153,
            Garbled::SbeFields => -1221,
            _ => -1177,
        }
    }
}

/// A message whose frame is sound; what its fields say is not checked yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// In the order in which they came, without `BeginString`, `BodyLength` and `CheckSum`.
    fields: Vec<(u32, Box<str>)>,
}

impl Message {
    #[must_use]
    pub fn kind(&self) -> &str {
        self.get(crate::tags::MSG_TYPE).unwrap_or_default()
    }

    /// The first value of a tag.
    #[must_use]
    pub fn get(&self, tag: u32) -> Option<&str> {
        self.fields
            .iter()
            .find(|(other, _)| *other == tag)
            .map(|(_, value)| &**value)
    }

    /// An entry of a repeating group, read as if it were a message.
    #[must_use]
    pub fn of(fields: &[(u32, Box<str>)]) -> Message {
        Message {
            fields: fields.to_vec(),
        }
    }

    #[must_use]
    pub fn fields(&self) -> &[(u32, Box<str>)] {
        &self.fields
    }
}

/// Takes the first message off `buffer`: how many bytes it takes and what it is; `None` when more bytes are needed.
///
/// # Errors
/// [`Garbled`], with the number of bytes to skip.
pub fn take(buffer: &[u8]) -> Option<(usize, Result<Message, Garbled>)> {
    let shared = buffer.len().min(BEGIN.len());
    if buffer[..shared] != BEGIN[..shared] {
        return Some((buffer.len(), Err(Garbled::BeginString)));
    }
    let rest = buffer.get(BEGIN.len()..)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let lost = Some((buffer.len(), Err(Garbled::BodyLength)));
    if digits > 8 || (digits == 0 && !rest.is_empty()) {
        return lost;
    }
    if *rest.get(digits)? != SOH {
        return lost;
    }
    let length = rest[..digits]
        .iter()
        .fold(0_usize, |n, digit| n * 10 + usize::from(digit - b'0'));
    if length > MAX_BODY {
        return lost;
    }
    let start = BEGIN.len() + digits + 1;
    let end = start + length;
    let whole = end + TRAILER;
    let Some(message) = buffer.get(..whole) else {
        // What is there of the trailer must already look like one.
        let trailer = buffer.get(end..).unwrap_or_default();
        let looks = trailer.iter().zip(b"10=").all(|(a, b)| a == b);
        return if looks { None } else { lost };
    };
    let trailer = &message[end..];
    if !trailer.starts_with(b"10=")
        || trailer[TRAILER - 1] != SOH
        || length == 0
        || message[end - 1] != SOH
    {
        return lost;
    }
    if trailer[3..6] != sum(&message[..end]) {
        return Some((whole, Err(Garbled::CheckSum)));
    }
    Some((whole, read(&message[start..end])))
}

fn read(body: &[u8]) -> Result<Message, Garbled> {
    if body
        .iter()
        .any(|byte| *byte != SOH && !(b' '..=b'~').contains(byte))
    {
        return Err(Garbled::Characters);
    }
    let text = std::str::from_utf8(body).map_err(|_| Garbled::Characters)?;
    let text = text.strip_suffix('\u{1}').ok_or(Garbled::Fields)?;
    let mut fields = Vec::with_capacity(24);
    for field in text.split('\u{1}') {
        let (tag, value) = field.split_once('=').ok_or(Garbled::Fields)?;
        let legal = !tag.is_empty() && tag.len() <= 9 && tag.bytes().all(|b| b.is_ascii_digit());
        let tag = legal
            .then(|| tag.parse().ok())
            .flatten()
            .ok_or(Garbled::Fields)?;
        fields.push((tag, value.into()));
    }
    match fields.first() {
        Some((crate::tags::MSG_TYPE, _)) => Ok(Message { fields }),
        _ => Err(Garbled::MsgType),
    }
}

fn sum(bytes: &[u8]) -> [u8; 3] {
    let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    [b'0' + sum / 100, b'0' + sum / 10 % 10, b'0' + sum % 10]
}

/// The fields of a message's body, to be sent under any session's header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Body {
    pub kind: &'static str,
    pub bytes: Vec<u8>,
}

impl Body {
    #[must_use]
    pub fn new(kind: &'static str) -> Body {
        Body {
            kind,
            bytes: Vec::with_capacity(256),
        }
    }

    /// Adds a field.
    pub fn put(&mut self, tag: u32, value: impl std::fmt::Display) -> &mut Body {
        use std::io::Write as _;
        // Writing to memory cannot fail.
        let _ = write!(self.bytes, "{tag}={value}");
        self.bytes.push(SOH);
        self
    }

    /// Adds a field when there is a value.
    pub fn maybe(&mut self, tag: u32, value: Option<impl std::fmt::Display>) -> &mut Body {
        if let Some(value) = value {
            self.put(tag, value);
        }
        self
    }

    /// Adds a sentence, with what this format cannot carry replaced.
    pub fn text(&mut self, tag: u32, text: &str) -> &mut Body {
        let legal = |c: char| if (' '..='~').contains(&c) { c } else { '?' };
        self.put(tag, text.chars().map(legal).collect::<String>())
    }

    /// Adds a moment.
    pub fn time(&mut self, tag: u32, time: Time) -> &mut Body {
        self.put(tag, Utc(time))
    }
}

/// What stands above every message of one side of a session.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    pub sender: &'a str,
    pub target: &'a str,
    pub seq: u64,
    pub sent: Time,
}

/// Appends a whole message.
pub fn put(out: &mut Vec<u8>, header: &Header<'_>, kind: &str, body: &[u8]) {
    use std::io::Write as _;
    let mut head = Vec::with_capacity(96);
    let _ = write!(
        head,
        "35={kind}\u{1}34={}\u{1}49={}\u{1}52={}\u{1}56={}\u{1}",
        header.seq,
        header.sender,
        Utc(header.sent),
        header.target
    );
    let start = out.len();
    out.extend_from_slice(BEGIN);
    let _ = write!(out, "{}\u{1}", head.len() + body.len());
    out.extend_from_slice(&head);
    out.extend_from_slice(body);
    let sum = sum(&out[start..]);
    out.extend_from_slice(b"10=");
    out.extend_from_slice(&sum);
    out.push(SOH);
}

const DAY_US: i64 = 86_400_000_000;

/// A moment as `UTCTIMESTAMP` in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Utc(pub Time);

impl std::fmt::Display for Utc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (days, us) = (self.0.0.div_euclid(DAY_US), self.0.0.rem_euclid(DAY_US));
        let (year, month, day) = date_of(days);
        let seconds = us / 1_000_000;
        write!(
            f,
            "{year:04}{month:02}{day:02}-{:02}:{:02}:{:02}.{:06}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            us % 1_000_000
        )
    }
}

/// Year, month and day of a day since 1970-01-01, in the Gregorian calendar. Years begin in March, so that the leap day is their last.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Reads `YYYYMMDD-HH:MM:SS`, with milliseconds or microseconds or without.
#[must_use]
pub fn read_time(text: &str) -> Option<Time> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(12, 14)?, number(15, 17)?);
    let at = |place: usize| text.as_bytes().get(place).copied();
    if at(8) != Some(b'-') || at(11) != Some(b':') || at(14) != Some(b':') {
        return None;
    }
    let micros = match text.len() {
        17 => 0,
        21 if at(17) == Some(b'.') => number(18, 21)? * 1000,
        24 if at(17) == Some(b'.') => number(18, 24)?,
        _ => return None,
    };
    let days = days_of(year, month, day);
    if !(1..=12).contains(&month) || date_of(days) != (year, month, day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(Time(
        days * DAY_US + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros,
    ))
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
