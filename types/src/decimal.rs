use core::fmt;

/// A decimal number at 10⁻⁸ in 64 bits: how prices and quantities cross the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal(pub i64);

/// Why a text is not a [`Decimal`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecimalError {
    /// Not `digits[.digits]` with at most twenty digits on either side. Signs and exponents are illegal too.
    Illegal,
    /// More than eight decimals that are not zeros.
    TooPrecise,
    /// Beyond 92,233,720,368.54775807.
    TooLarge,
}

impl Decimal {
    /// Units in one.
    pub const SCALE: i64 = 100_000_000;
    pub const ZERO: Decimal = Decimal(0);
    /// What a legal number looks like, as the API words it in its refusals.
    pub const PATTERN: &'static str = "^([0-9]{1,20})(\\.[0-9]{1,20})?$";

    /// Reads a non-negative decimal by [`Decimal::PATTERN`].
    ///
    /// # Errors
    /// See [`DecimalError`]; illegal characters win over precision, precision over range.
    pub fn parse(text: &str) -> Result<Decimal, DecimalError> {
        let (whole, fraction) = match text.split_once('.') {
            None => (text, None),
            Some((whole, fraction)) => (whole, Some(fraction)),
        };
        let digits = |s: &str| (1..=20).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !fraction.is_none_or(digits) {
            return Err(DecimalError::Illegal);
        }
        let fraction = fraction.unwrap_or("").trim_end_matches('0');
        if fraction.len() > 8 {
            return Err(DecimalError::TooPrecise);
        }
        let read = |s: &str| s.bytes().fold(0_i128, |n, b| n * 10 + i128::from(b - b'0'));
        let scale = 10_i128.pow(8 - u32::try_from(fraction.len()).unwrap_or(8));
        let value = read(whole) * i128::from(Self::SCALE) + read(fraction) * scale;
        i64::try_from(value)
            .map(Decimal)
            .map_err(|_| DecimalError::TooLarge)
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Decimal {
    /// Always eight decimals, as the API writes prices and quantities: `0.00100000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(format_atoms(i128::from(self.0), 8).as_str())
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decimal({self})")
    }
}

/// `atoms` of an asset of the given precision as decimal text with exactly that many decimals.
#[must_use]
pub fn format_atoms(atoms: i128, precision: u8) -> AtomsText {
    let mut text = AtomsText {
        buf: [0; 48],
        start: 48,
    };
    let mut rest = atoms.unsigned_abs();
    let mut digits = 0_u8;
    loop {
        if digits == precision && precision > 0 {
            text.push(b'.');
        }
        text.push(b'0' + u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
        digits += 1;
        if rest == 0 && digits > precision {
            break;
        }
    }
    if atoms < 0 {
        text.push(b'-');
    }
    text
}

/// Decimal text on the stack. See [`format_atoms`].
#[derive(Clone, Copy)]
pub struct AtomsText {
    buf: [u8; 48],
    start: usize,
}

impl AtomsText {
    fn push(&mut self, byte: u8) {
        self.start -= 1;
        self.buf[self.start] = byte;
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.buf[self.start..]).unwrap_or("")
    }
}

impl fmt::Display for AtomsText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AtomsText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_pattern_allows() {
        assert_eq!(Decimal::parse("1"), Ok(Decimal(100_000_000)));
        assert_eq!(Decimal::parse("0.00000001"), Ok(Decimal(1)));
        assert_eq!(
            Decimal::parse("00042.50000000000"),
            Ok(Decimal(4_250_000_000))
        );
        assert_eq!(
            Decimal::parse("92233720368.54775807"),
            Ok(Decimal(i64::MAX))
        );
    }

    #[test]
    fn refuses_the_rest_by_kind() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e-5",
            "1E5",
            " 1",
            "1_0",
            "0x1",
            "١",
            "1.2.3",
            "123456789012345678901",
            "NaN",
        ] {
            assert_eq!(Decimal::parse(text), Err(DecimalError::Illegal), "{text:?}");
        }
        assert_eq!(Decimal::parse("0.000000001"), Err(DecimalError::TooPrecise));
        assert_eq!(
            Decimal::parse("92233720368.54775808"),
            Err(DecimalError::TooLarge)
        );
        assert_eq!(
            Decimal::parse("99999999999999999999"),
            Err(DecimalError::TooLarge)
        );
    }

    #[test]
    fn writes_eight_decimals() {
        assert_eq!(Decimal(1).to_string(), "0.00000001");
        assert_eq!(Decimal(123_456_789_012).to_string(), "1234.56789012");
        assert_eq!(Decimal(-5).to_string(), "-0.00000005");
        assert_eq!(format_atoms(5, 0).as_str(), "5");
        assert_eq!(format_atoms(-1_234, 2).as_str(), "-12.34");
        assert_eq!(
            format_atoms(i128::MIN, 18).as_str(),
            "-170141183460469231731.687303715884105728"
        );
    }

    #[test]
    fn reads_back_what_it_writes() {
        for value in [0, 1, 99_999_999, 100_000_000, i64::MAX] {
            assert_eq!(
                Decimal::parse(&Decimal(value).to_string()),
                Ok(Decimal(value))
            );
        }
    }
}
