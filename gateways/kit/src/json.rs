use std::fmt::{Display, Write as _};

use types::{Amount, Decimal, Time, format_atoms};

/// In which unit an answer gives its times.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimeUnit {
    #[default]
    Millis,
    Micros,
}

impl TimeUnit {
    /// Reads the value of `X-MBX-TIME-UNIT` or `timeUnit`.
    ///
    /// # Errors
    /// -1194.
    pub fn parse(text: &str) -> Result<TimeUnit, crate::ApiError> {
        match text {
            _ if text.eq_ignore_ascii_case("MICROSECOND") => Ok(TimeUnit::Micros),
            _ if text.eq_ignore_ascii_case("MILLISECOND") => Ok(TimeUnit::Millis),
            _ => Err(crate::ApiError::bad_time_unit()),
        }
    }

    #[must_use]
    pub const fn of(self, time: Time) -> i64 {
        match self {
            TimeUnit::Millis => time.as_millis(),
            TimeUnit::Micros => time.0,
        }
    }
}

/// Writes JSON straight into bytes: members in the order in which they are written, decimals as strings, times in the caller's unit.
///
/// Inside an object, use the methods that take a name; inside an array, those that begin with `item`, or [`Json::begin`] for an object.
#[derive(Clone, Debug)]
pub struct Json {
    out: Vec<u8>,
    unit: TimeUnit,
}

impl Json {
    #[must_use]
    pub fn new(unit: TimeUnit) -> Json {
        Json {
            out: Vec::with_capacity(512),
            unit,
        }
    }

    /// Appends to bytes that exist already.
    #[must_use]
    pub fn onto(out: Vec<u8>, unit: TimeUnit) -> Json {
        Json { out, unit }
    }

    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    #[must_use]
    pub fn unit(&self) -> TimeUnit {
        self.unit
    }

    /// Opens an object, as the next value.
    pub fn begin(&mut self) -> &mut Self {
        self.comma();
        self.out.push(b'{');
        self
    }

    pub fn end(&mut self) -> &mut Self {
        self.out.push(b'}');
        self
    }

    pub fn begin_array(&mut self) -> &mut Self {
        self.comma();
        self.out.push(b'[');
        self
    }

    pub fn end_array(&mut self) -> &mut Self {
        self.out.push(b']');
        self
    }

    /// `"name":`, to be followed by one value.
    pub fn key(&mut self, name: &str) -> &mut Self {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self
    }

    pub fn str(&mut self, name: &str, value: &str) -> &mut Self {
        self.key(name).item(value)
    }

    /// An integer.
    pub fn num(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.key(name).item_num(value)
    }

    pub fn flag(&mut self, name: &str, value: bool) -> &mut Self {
        self.key(name).item_num(value)
    }

    pub fn null(&mut self, name: &str) -> &mut Self {
        self.key(name).item_num("null")
    }

    pub fn dec(&mut self, name: &str, value: Decimal) -> &mut Self {
        self.key(name).item_dec(value)
    }

    /// An amount of an asset with so many decimals.
    pub fn amount(&mut self, name: &str, value: Amount, precision: u8) -> &mut Self {
        self.key(name).item_amount(value, precision)
    }

    pub fn time(&mut self, name: &str, value: Time) -> &mut Self {
        let value = self.unit.of(value);
        self.num(name, value)
    }

    /// JSON that was written elsewhere.
    pub fn raw(&mut self, name: &str, json: &[u8]) -> &mut Self {
        self.key(name).item_raw(json)
    }

    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut Json)) -> &mut Self {
        self.key(name).begin();
        fill(self);
        self.end()
    }

    pub fn array(&mut self, name: &str, fill: impl FnOnce(&mut Json)) -> &mut Self {
        self.key(name).begin_array();
        fill(self);
        self.end_array()
    }

    /// An array of strings.
    pub fn strs<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a str>) -> &mut Self {
        self.array(name, |json| {
            for value in values {
                json.item(value);
            }
        })
    }

    pub fn item(&mut self, value: &str) -> &mut Self {
        self.comma();
        self.out.push(b'"');
        for byte in value.bytes() {
            match byte {
                b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', byte]),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                0..0x20 => {
                    let _ = write!(self, "\\u{byte:04x}");
                }
                _ => self.out.push(byte),
            }
        }
        self.out.push(b'"');
        self
    }

    /// A number, `true`, `false` or `null`.
    pub fn item_num(&mut self, value: impl Display) -> &mut Self {
        self.comma();
        let _ = write!(self, "{value}");
        self
    }

    pub fn item_dec(&mut self, value: Decimal) -> &mut Self {
        self.item_text(format_atoms(i128::from(value.0), 8).as_str())
    }

    pub fn item_amount(&mut self, value: Amount, precision: u8) -> &mut Self {
        self.item_text(format_atoms(value.0, precision).as_str())
    }

    pub fn item_time(&mut self, value: Time) -> &mut Self {
        let value = self.unit.of(value);
        self.item_num(value)
    }

    pub fn item_raw(&mut self, json: &[u8]) -> &mut Self {
        self.comma();
        self.out.extend_from_slice(json);
        self
    }

    /// A string that needs no escapes.
    fn item_text(&mut self, value: &str) -> &mut Self {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(b'"');
        self
    }

    fn comma(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(b',');
        }
    }
}

impl std::fmt::Write for Json {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_members_in_order_and_times_in_the_unit() {
        for (unit, expected) in [
            (TimeUnit::Millis, "1499827319559"),
            (TimeUnit::Micros, "1499827319559123"),
        ] {
            let mut json = Json::new(unit);
            json.begin()
                .str("s", "a\"b\\c\n\u{1}é{")
                .num("n", -1)
                .dec("p", Decimal(150_000_000))
                .time("T", Time(1_499_827_319_559_123));
            json.array("f", |json| {
                json.item_dec(Decimal(1)).item("x");
                json.begin().flag("ok", true).null("none").end();
            });
            json.amount("a", Amount(5), 2).strs("e", []).end();
            let text = String::from_utf8(json.finish()).unwrap();
            assert_eq!(
                text,
                format!(
                    r#"{{"s":"a\"b\\c\n\u0001é{{","n":-1,"p":"1.50000000","T":{expected},"f":["0.00000001","x",{{"ok":true,"none":null}}],"a":"0.05","e":[]}}"#
                )
            );
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
        }
    }
}
