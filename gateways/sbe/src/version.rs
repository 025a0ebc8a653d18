//! Which form a client asks for.

/// The schema of answers.
pub const SCHEMA: u16 = 3;
/// The version that answers are written in.
pub const NEWEST: u16 = 5;
/// Versions between this one and the newest are deprecated; older ones are retired.
pub const OLDEST: u16 = 2;

/// What a client asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    Json,
    Sbe { deprecated: bool },
}

/// What a client asked for, when it cannot be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// No `<id>:<version>`.
    Malformed,
    /// A schema that does not exist, or is retired.
    Unsupported,
}

/// From the values of `Accept` and `X-MBX-SBE`.
///
/// Who takes JSON as well is answered in JSON when the schema cannot be had.
///
/// # Errors
/// [`Asked`]; the refusal is sent as SBE.
pub fn from_headers(accept: Option<&str>, schema: Option<&str>) -> Result<Format, Asked> {
    let accepts = |wanted: &str| {
        accept.unwrap_or_default().split(',').any(|one| {
            let name = one.split(';').next().unwrap_or_default().trim();
            name.eq_ignore_ascii_case(wanted)
        })
    };
    if !accepts("application/sbe") {
        return Ok(Format::Json);
    }
    let asked = schema
        .and_then(|text| text.trim().split_once(':'))
        .ok_or(Asked::Malformed)
        .and_then(|(id, version)| from_pair(id, version));
    match asked {
        Err(_) if accepts("application/json") => Ok(Format::Json),
        other => other,
    }
}

/// From the number of a schema and its version.
///
/// # Errors
/// [`Asked`].
pub fn from_pair(id: &str, version: &str) -> Result<Format, Asked> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u16>().unwrap_or(u16::MAX))
    };
    let (Some(id), Some(version)) = (number(id), number(version)) else {
        return Err(Asked::Malformed);
    };
    if id == SCHEMA && (OLDEST..=NEWEST).contains(&version) {
        Ok(Format::Sbe {
            deprecated: version < NEWEST,
        })
    } else {
        Err(Asked::Unsupported)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_clients_ask_for() {
        let sbe = Some("application/sbe");
        let both = Some("application/sbe, application/json;q=0.5");
        let newest = Ok(Format::Sbe { deprecated: false });
        let older = Ok(Format::Sbe { deprecated: true });
        for (accept, schema, expected) in [
            (None, None, Ok(Format::Json)),
            (Some("*/*"), Some("3:5"), Ok(Format::Json)),
            (sbe, Some("3:5"), newest),
            (both, Some("3:5"), newest),
            (sbe, Some("3:4"), older),
            (sbe, Some("3:2"), older),
            (sbe, Some("3:1"), Err(Asked::Unsupported)),
            (sbe, Some("3:6"), Err(Asked::Unsupported)),
            (sbe, Some("2:0"), Err(Asked::Unsupported)),
            (sbe, Some("99999:0"), Err(Asked::Unsupported)),
            (sbe, Some("3"), Err(Asked::Malformed)),
            (sbe, Some("3:x"), Err(Asked::Malformed)),
            (sbe, Some("3:+5"), Err(Asked::Malformed)),
            (sbe, Some(":"), Err(Asked::Malformed)),
            (sbe, None, Err(Asked::Malformed)),
            (both, None, Ok(Format::Json)),
            (both, Some("3:1"), Ok(Format::Json)),
        ] {
            assert_eq!(
                from_headers(accept, schema),
                expected,
                "{accept:?} {schema:?}"
            );
        }
    }
}
