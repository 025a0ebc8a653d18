use types::{ClientId, Decimal, DecimalError, Time};

use crate::{ApiError, Input};

/// One parameter that a method reads.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    pub name: &'static str,
    pub required: bool,
    pub kind: Kind,
}

impl Param {
    #[must_use]
    pub const fn required(name: &'static str, kind: Kind) -> Param {
        Param {
            name,
            required: true,
            kind,
        }
    }

    #[must_use]
    pub const fn optional(name: &'static str, kind: Kind) -> Param {
        Param {
            name,
            required: false,
            kind,
        }
    }
}

/// What a parameter's text may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// One instrument's public name. Whether it exists is for the handler to say.
    Symbol,
    /// A JSON array of symbols.
    Symbols,
    /// A JSON array of names, or one bare name.
    Names,
    /// A price or a quantity.
    Decimal,
    /// A whole number within bounds, both included.
    Int {
        min: i64,
        max: i64,
    },
    /// How many rows: at least one; more than `max` means `max`.
    Limit {
        max: i64,
    },
    Flag,
    /// One of several words; what is answered otherwise.
    Choice {
        words: &'static [&'static str],
        error: fn() -> ApiError,
    },
    /// As [`Kind::Choice`], answered with -1130 naming the parameter.
    Word(&'static [&'static str]),
    /// A client's name for its order.
    ClientId,
    /// A moment, in milliseconds or microseconds. See [`Params::time`] and [`Params::end`].
    Time,
    /// An offset from UTC between `-12:00` and `+14:00`: `3`, `-1:00`, `05:45`.
    Zone,
    /// A span of `1m` to `59m`, `1h` to `23h` or `1d` to `7d`; read as minutes.
    Window,
}

/// What a parameter's text turned out to be.
#[derive(Clone, PartialEq, Debug)]
enum Value {
    Text(Box<str>),
    List(Vec<Box<str>>),
    Decimal(Decimal),
    Int(i64),
    Flag(bool),
    Word(&'static str),
    ClientId(ClientId),
    /// Its first and its last microsecond.
    Time(Time, Time),
}

/// The parameters of one call, read and within bounds.
#[derive(Clone, Debug, Default)]
pub struct Params {
    values: Vec<(&'static str, Value)>,
}

/// Below this a number is milliseconds, from it on microseconds: the year 5138 in the one, March 1973 in the other.
const FIRST_MICROS: i64 = 100_000_000_000_000;
const SYMBOL_RANGE: &str = "^[\\w\\-._&&[^a-z]]{1,50}$";
const SYMBOLS_RANGE: &str =
    "^\\[(\"[\\w\\-._&&[^a-z]]{1,50}\"(,\"[\\w\\-._&&[^a-z]]{1,50}\"){0,}){0,1}\\]$";
const INT_RANGE: &str = "^[0-9]{1,20}$";
const FLAG_RANGE: &str = "^(true|false)$";
const NAMES_RANGE: &str = "^[A-Z0-9_]{1,50}$";

/// Reads the moment that a text names.
///
/// # Errors
/// -1100 for anything but digits, -1108 beyond 63 bits.
pub(crate) fn read_time(name: &str, text: &str) -> Result<Time, ApiError> {
    Ok(moment(read_digits(name, text)?).0)
}

/// The first microsecond that a number names, and how many microseconds it names.
fn moment(value: i64) -> (Time, i64) {
    if value < FIRST_MICROS {
        (Time::from_millis(value), 1000)
    } else {
        (Time(value), 1)
    }
}

fn read_digits(name: &str, text: &str) -> Result<i64, ApiError> {
    if !is_digits(text) {
        return Err(ApiError::illegal(name, INT_RANGE));
    }
    text.parse().map_err(|_| ApiError::overflow(name))
}

fn is_digits(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// 1 to 50 letters, digits and `-._&`, none of them lower case; letters of every script.
fn is_symbol(text: &str) -> bool {
    let legal =
        |c: char| (c.is_alphanumeric() && !c.is_lowercase()) || matches!(c, '-' | '.' | '_' | '&');
    (1..=50).contains(&text.chars().count()) && text.chars().all(legal)
}

fn read_list(text: &str) -> Option<Vec<Box<str>>> {
    serde_json::from_str(text).ok()
}

fn is_word(text: &str) -> bool {
    (1..=50).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Minutes east of UTC.
fn read_zone(text: &str) -> Option<i64> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    let part = |text: &str, max: i64| {
        let number: i64 = Some(text)
            .filter(|t| t.len() <= 2 && is_digits(t))?
            .parse()
            .ok()?;
        (number <= max).then_some(number)
    };
    let offset = sign * (part(hours, 14)? * 60 + part(minutes, 59)?);
    (-12 * 60..=14 * 60).contains(&offset).then_some(offset)
}

fn read_window(text: &str) -> Option<i64> {
    let split = text
        .len()
        .checked_sub(1)
        .filter(|at| text.is_char_boundary(*at))?;
    let (number, unit) = text.split_at(split);
    let (most, minutes) = match unit {
        "m" => (59, 1),
        "h" => (23, 60),
        "d" => (7, 24 * 60),
        _ => return None,
    };
    let number: i64 = Some(number)
        .filter(|n| is_digits(n) && !n.starts_with('0'))?
        .parse()
        .ok()?;
    (number <= most).then_some(number * minutes)
}

impl Kind {
    /// The characters of a text, before anything is known of the caller.
    fn check_characters(self, name: &str, text: &str) -> Result<(), ApiError> {
        let legal = match self {
            Kind::Symbol => is_symbol(text),
            Kind::Symbols => {
                read_list(text).is_some_and(|list| list.iter().all(|symbol| is_symbol(symbol)))
            }
            Kind::Names => {
                is_word(text)
                    || read_list(text).is_some_and(|list| list.iter().all(|word| is_word(word)))
            }
            Kind::Decimal => Decimal::parse(text) != Err(DecimalError::Illegal),
            Kind::Int { .. } | Kind::Limit { .. } | Kind::Time => is_digits(text),
            Kind::Flag => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
            Kind::ClientId => ClientId::new(text).is_ok(),
            Kind::Choice { .. } | Kind::Word(_) | Kind::Zone | Kind::Window => true,
        };
        if legal {
            Ok(())
        } else {
            Err(ApiError::illegal(name, self.range()))
        }
    }

    const fn range(self) -> &'static str {
        match self {
            Kind::Symbol => SYMBOL_RANGE,
            Kind::Symbols => SYMBOLS_RANGE,
            Kind::Names => NAMES_RANGE,
            Kind::Decimal => Decimal::PATTERN,
            Kind::Flag => FLAG_RANGE,
            Kind::ClientId => ClientId::PATTERN,
            _ => INT_RANGE,
        }
    }

    fn read(self, name: &'static str, text: &str) -> Result<Value, ApiError> {
        let illegal = || ApiError::illegal(name, self.range());
        Ok(match self {
            Kind::Symbol => Value::Text(text.into()),
            Kind::Symbols => Value::List(read_list(text).ok_or_else(illegal)?),
            Kind::Names => Value::List(read_list(text).unwrap_or_else(|| vec![text.into()])),
            Kind::Decimal => Value::Decimal(Decimal::parse(text).map_err(|e| match e {
                DecimalError::Illegal => illegal(),
                DecimalError::TooPrecise => ApiError::too_precise(name),
                DecimalError::TooLarge => ApiError::overflow(name),
            })?),
            Kind::Int { min, max } => Value::Int(bounded(name, text, min, max)?),
            Kind::Limit { max } => Value::Int(bounded(name, text, 1, i64::MAX)?.min(max)),
            Kind::Flag => Value::Flag(text.eq_ignore_ascii_case("true")),
            Kind::Choice { words, error } => Value::Word(choose(words, text).ok_or_else(error)?),
            Kind::Word(words) => {
                Value::Word(choose(words, text).ok_or_else(|| ApiError::invalid(name))?)
            }
            Kind::ClientId => Value::ClientId(ClientId::new(text).map_err(|_| illegal())?),
            Kind::Time => {
                let value = read_digits(name, text)?;
                let (first, length) = moment(value);
                Value::Time(first, first.plus_micros(length - 1))
            }
            Kind::Window => Value::Int(read_window(text).ok_or_else(|| ApiError::invalid(name))?),
            Kind::Zone => Value::Int(read_zone(text).ok_or_else(|| ApiError::invalid(name))?),
        })
    }

    /// In which pass a bad value of this kind is refused: words, then ranges and precision.
    const fn is_word(self) -> bool {
        matches!(
            self,
            Kind::Choice { .. } | Kind::Word(_) | Kind::Zone | Kind::Window
        )
    }
}

fn bounded(name: &str, text: &str, min: i64, max: i64) -> Result<i64, ApiError> {
    let value = read_digits(name, text)?;
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(ApiError::invalid(name))
    }
}

fn choose(words: &'static [&'static str], text: &str) -> Option<&'static str> {
    words.iter().copied().find(|word| *word == text)
}

/// Refuses what is malformed whoever sent it: a name twice (-1101), nothing behind a name (-1105), illegal characters (-1100).
pub(crate) fn check_form(specs: &[Param], input: &Input<'_>) -> Result<(), ApiError> {
    if input.duplicated {
        return Err(ApiError::duplicate());
    }
    if let Some(pair) = input.pairs.iter().find(|pair| pair.value.is_empty()) {
        return Err(ApiError::empty(&pair.name));
    }
    for spec in specs {
        if let Some(text) = input.get(spec.name) {
            spec.kind.check_characters(spec.name, text)?;
        }
    }
    Ok(())
}

/// Refuses names that the method does not know (-1104) and mandatory ones that are missing (-1102).
pub(crate) fn check_names(
    specs: &[Param],
    implicit: &[&str],
    input: &Input<'_>,
) -> Result<(), ApiError> {
    let known = |name: &str| implicit.contains(&name) || specs.iter().any(|spec| spec.name == name);
    let unread = input.pairs.iter().filter(|pair| !known(&pair.name)).count();
    if unread > 0 {
        return Err(ApiError::unread(
            input.sent.saturating_sub(unread),
            input.sent,
        ));
    }
    match specs
        .iter()
        .find(|spec| spec.required && !input.has(spec.name))
    {
        Some(spec) => Err(ApiError::mandatory(spec.name)),
        None => Ok(()),
    }
}

impl Params {
    /// Reads every value: words first (-1115 …), then ranges (-1108, -1130), then precision (-1111).
    pub(crate) fn read(specs: &'static [Param], input: &Input<'_>) -> Result<Params, ApiError> {
        let mut values = Vec::with_capacity(input.pairs.len());
        let mut too_precise = None;
        for words in [true, false] {
            for spec in specs.iter().filter(|spec| spec.kind.is_word() == words) {
                let Some(text) = input.get(spec.name) else {
                    continue;
                };
                match spec.kind.read(spec.name, text) {
                    Ok(value) => values.push((spec.name, value)),
                    Err(error) if error.code == -1111 => {
                        too_precise.get_or_insert(error);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        match too_precise {
            Some(error) => Err(error),
            None => Ok(Params { values }),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.values
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A [`Kind::Symbol`].
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// [`Kind::Symbols`] or [`Kind::Names`].
    #[must_use]
    pub fn list(&self, name: &str) -> Option<&[Box<str>]> {
        match self.get(name) {
            Some(Value::List(list)) => Some(list),
            _ => None,
        }
    }

    #[must_use]
    pub fn decimal(&self, name: &str) -> Option<Decimal> {
        match self.get(name) {
            Some(Value::Decimal(value)) => Some(*value),
            _ => None,
        }
    }

    /// [`Kind::Int`], [`Kind::Limit`], and [`Kind::Zone`] and [`Kind::Window`] in minutes.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Int(value)) => Some(*value),
            _ => None,
        }
    }

    /// A [`Kind::Int`] or [`Kind::Limit`] that cannot be negative.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u64> {
        self.int(name).and_then(|value| u64::try_from(value).ok())
    }

    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Value::Flag(value)) => Some(*value),
            _ => None,
        }
    }

    /// A [`Kind::Choice`] or [`Kind::Word`].
    #[must_use]
    pub fn word(&self, name: &str) -> Option<&'static str> {
        match self.get(name) {
            Some(Value::Word(word)) => Some(word),
            _ => None,
        }
    }

    #[must_use]
    pub fn client_id(&self, name: &str) -> Option<ClientId> {
        match self.get(name) {
            Some(Value::ClientId(id)) => Some(*id),
            _ => None,
        }
    }

    /// The first microsecond of the moment that was named.
    #[must_use]
    pub fn time(&self, name: &str) -> Option<Time> {
        match self.get(name) {
            Some(Value::Time(time, _)) => Some(*time),
            _ => None,
        }
    }

    /// The last microsecond of the moment that was named: where a span that includes it ends.
    #[must_use]
    pub fn end(&self, name: &str) -> Option<Time> {
        match self.get(name) {
            Some(Value::Time(_, end)) => Some(*end),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TimeUnit;

    const SPECS: &[Param] = &[
        Param::required("symbol", Kind::Symbol),
        Param::optional("symbols", Kind::Symbols),
        Param::optional("names", Kind::Names),
        Param::optional("qty", Kind::Decimal),
        Param::optional("id", Kind::Int { min: 1, max: 9 }),
        Param::optional("limit", Kind::Limit { max: 1000 }),
        Param::optional("flag", Kind::Flag),
        Param::optional(
            "side",
            Kind::Choice {
                words: &["BUY", "SELL"],
                error: ApiError::bad_side,
            },
        ),
        Param::optional("mode", Kind::Word(&["A", "B"])),
        Param::optional("time", Kind::Time),
        Param::optional("zone", Kind::Zone),
        Param::optional("window", Kind::Window),
    ];

    fn read(query: &str) -> Result<Params, ApiError> {
        let query = format!("symbol=BTCUSDT&{query}");
        let input = Input::rest(&query, b"", None, TimeUnit::Millis)?;
        check_form(SPECS, &input)?;
        check_names(SPECS, &[], &input)?;
        Params::read(SPECS, &input)
    }

    fn code(query: &str) -> i32 {
        read(query).map_or_else(|error| error.code, |_| 0)
    }

    #[test]
    fn values_are_read_by_kind() {
        let params = read("symbols=[%22A%22,%22%E5%B8%81%22]&names=SPOT&qty=0.50&id=9&limit=5000&flag=TRUE&side=SELL&mode=B").unwrap();
        assert_eq!(params.text("symbol"), Some("BTCUSDT"));
        assert_eq!(params.list("symbols").unwrap(), &["A".into(), "币".into()]);
        assert_eq!(params.list("names").unwrap(), &["SPOT".into()]);
        assert_eq!(params.decimal("qty"), Some(Decimal(50_000_000)));
        assert_eq!(
            (params.int("id"), params.count("limit")),
            (Some(9), Some(1000))
        );
        assert_eq!(
            (
                params.flag("flag"),
                params.word("side"),
                params.word("mode")
            ),
            (Some(true), Some("SELL"), Some("B"))
        );
        assert!(!params.has("time") && params.decimal("id").is_none());
    }

    #[test]
    fn a_moment_is_milliseconds_or_microseconds() {
        let ms = read("time=1499827319559").unwrap();
        assert_eq!(
            (ms.time("time"), ms.end("time")),
            (
                Some(Time(1_499_827_319_559_000)),
                Some(Time(1_499_827_319_559_999))
            )
        );
        let us = read("time=1499827319559123").unwrap();
        assert_eq!(
            (us.time("time"), us.end("time")),
            (
                Some(Time(1_499_827_319_559_123)),
                Some(Time(1_499_827_319_559_123))
            )
        );
    }

    #[test]
    fn zones_and_windows_have_bounds() {
        for (text, minutes) in [
            ("0", 0),
            ("3", 180),
            ("-1:00", -60),
            ("05:45", 345),
            ("-12:00", -720),
            ("14:00", 840),
            ("%2B8", 480),
        ] {
            assert_eq!(
                read(&format!("zone={text}")).unwrap().int("zone"),
                Some(minutes),
                "{text}"
            );
        }
        for text in ["14:01", "-12:01", "15", "x", "1:60", "1:2:3", "-", ":30"] {
            assert_eq!(code(&format!("zone={text}")), -1130, "{text}");
        }
        for (text, minutes) in [("1m", 1), ("59m", 59), ("23h", 1380), ("7d", 10_080)] {
            assert_eq!(
                read(&format!("window={text}")).unwrap().int("window"),
                Some(minutes),
                "{text}"
            );
        }
        for text in [
            "60m",
            "0m",
            "24h",
            "8d",
            "1w",
            "m",
            "01m",
            "-1m",
            "%E5%B8%81",
        ] {
            assert_eq!(code(&format!("window={text}")), -1130, "{text}");
        }
    }

    #[test]
    fn the_first_wrong_thing_wins() {
        for (query, expected) in [
            ("symbol=BTCUSDT", -1101),
            ("qty=&nonsense=1", -1105),
            ("qty=x&nonsense=1", -1100),
            ("names=spot", -1100),
            ("names=[1]", -1100),
            ("symbols=[%22a%22]", -1100),
            ("flag=1", -1100),
            ("id=-1", -1100),
            ("nonsense=1&side=HOLD", -1104),
            ("side=HOLD&id=99&qty=0.000000001", -1117),
            ("mode=C&qty=0.000000001", -1130),
            ("qty=0.000000001&id=99", -1130),
            ("qty=99999999999999999999&id=5", -1108),
            ("id=99999999999999999999", -1108),
            ("qty=0.000000001", -1111),
            ("limit=0", -1130),
        ] {
            assert_eq!(code(query), expected, "{query}");
        }
        let error = check_names(
            SPECS,
            &[],
            &Input::rest("qty=1", b"", None, TimeUnit::Millis).unwrap(),
        )
        .unwrap_err();
        assert!(error.code == -1102 && error.msg.contains("'symbol'"));
        assert!(
            read("nonsense=1")
                .unwrap_err()
                .msg
                .contains("read '1' parameter(s) but was sent '2'")
        );
    }
}
