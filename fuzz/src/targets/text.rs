//! Decoders of text: parameters and numbers.

use kit::{Input, TimeUnit};
use types::Decimal;

use crate::Trial;

fn said(input: Result<Input<'_>, kit::ApiError>) -> String {
    match input {
        Ok(input) => {
            // what was signed is what was sent, without the signature
            assert!(input.pairs.len() <= input.sent && input.payloads.len() == 1);
            let signed = input.signature.is_some();
            let pairs = input.pairs.len().min(9);
            format!("{pairs} pairs, signed {signed}, twice {}", input.duplicated)
        }
        Err(error) => format!("refused {}", error.code),
    }
}

pub fn query() -> Trial {
    Box::new(|bytes| {
        let query = String::from_utf8_lossy(bytes);
        said(Input::rest(&query, b"", None, TimeUnit::Millis))
    })
}

/// Half of the pairs in the query, so that names meet across both.
pub fn form() -> Trial {
    Box::new(|bytes| {
        let half = bytes.len() / 2;
        let query = String::from_utf8_lossy(&bytes[..half]);
        let both = said(Input::rest(&query, &bytes[half..], None, TimeUnit::Millis));
        let alone = said(Input::rest("", bytes, None, TimeUnit::Millis));
        format!("{both}; {alone}")
    })
}

/// What is read is written so that it is read again as the same.
pub fn decimal() -> Trial {
    Box::new(|bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return "not text".to_owned();
        };
        match Decimal::parse(text) {
            Ok(read) => {
                let written = read.to_string();
                assert_eq!(Decimal::parse(&written), Ok(read), "{written}");
                "read".to_owned()
            }
            Err(error) => format!("{error:?}"),
        }
    })
}
