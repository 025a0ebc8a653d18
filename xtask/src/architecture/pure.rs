//! The words of a deterministic crate: none of them may ask the machine for time, threads, files, environment, chance, or round a number.
//!
//! Clippy refuses most of this where types and methods are named in `clippy.toml`; this check reads the text itself, so that nothing hides behind
//! an `allow`, a macro or a name that the list there lacks. Tests are left out, and comments.

use super::deny::is_deterministic;
use anyhow::{Context, Result};
use std::path::Path;

/// Words, and why they may not stand there.
const WORDS: [(&str, &str); 27] = [
    (
        "std::time",
        "the sequencer stamps time: take it as a parameter",
    ),
    (
        "Instant::",
        "the sequencer stamps time: take it as a parameter",
    ),
    (
        "SystemTime",
        "the sequencer stamps time: take it as a parameter",
    ),
    ("std::thread", "the engine is one thread"),
    (
        "thread_local!",
        "the engine is one thread, and its state is in one value",
    ),
    ("std::sync", "the engine is one thread"),
    ("core::sync", "the engine is one thread"),
    ("Atomic", "the engine is one thread"),
    (
        "static mut",
        "state is in one value, which a snapshot holds whole",
    ),
    ("std::fs", "the journal writes: return bytes"),
    ("std::io", "the core reads and writes nothing"),
    ("std::net", "gateways talk to the world"),
    ("std::os", "any machine gives the same"),
    ("std::env", "configuration reaches the core as commands"),
    ("std::process", "the node ends the program, the core panics"),
    ("f32", "money and prices are integers"),
    ("f64", "money and prices are integers"),
    ("rand::", "chance reaches the core as commands"),
    ("getrandom", "chance reaches the core as commands"),
    ("RandomState", "its order is random"),
    (
        "DefaultHasher",
        "its results may change with the compiler: name a hash",
    ),
    ("std::collections::HashMap", "its order is random"),
    ("std::collections::HashSet", "its order is random"),
    ("type_name", "its words may change with the compiler"),
    ("as *const", "addresses differ from run to run"),
    ("cfg(target", "any machine gives the same"),
    ("async fn", "the engine is one thread that never waits"),
];

/// Lines of deterministic crates with such a word.
pub fn impure(root: &Path, files: &[String]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| is_shipped_source(file)) {
        let text = std::fs::read_to_string(root.join(file))
            .with_context(|| format!("cannot read {file}"))?;
        for (line, word, why) in words_in(&text) {
            findings.push(format!("{file}:{line}: `{word}`: {why}"));
        }
    }
    Ok(findings)
}

/// Source of a deterministic crate that is more than a test.
fn is_shipped_source(file: &str) -> bool {
    let Some((folder, source)) = file.split_once("/src/") else {
        return false;
    };
    let name = source.rsplit('/').next().unwrap_or(source);
    let test = name == "tests.rs" || name.ends_with("_tests.rs") || name.ends_with("_golden.rs");
    is_deterministic(folder) && name.ends_with(".rs") && !test
}

/// Line numbers, words and reasons. What stands behind the first `#[cfg(test)]` with a body is a test.
fn words_in(text: &str) -> Vec<(usize, &'static str, &'static str)> {
    let lines: Vec<&str> = text.lines().collect();
    let is_body = |at: usize| {
        let next = lines.get(at + 1).copied().unwrap_or_default();
        lines[at].trim() == "#[cfg(test)]" && next.trim_end().ends_with('{')
    };
    let end = (0..lines.len()).find(|at| is_body(*at));
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate().take(end.unwrap_or(lines.len())) {
        let code = line.split("//").next().unwrap_or_default();
        for (word, why) in WORDS {
            if has_word(code, word) {
                found.push((at + 1, word, why));
            }
        }
    }
    found
}

/// Is the word there, and not a part of a longer one?
fn has_word(code: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let open_end = word == "Atomic" || word.ends_with(':') || word.ends_with('!');
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !part(before) && (open_end || !part(after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_found_in_code_alone() {
        for (word, _) in WORDS {
            let line = format!("let x = {word} y;\n");
            assert!(!words_in(&line).is_empty(), "{word}");
            assert!(words_in(&format!("// {word} y\n")).is_empty(), "{word}");
        }
        for fine in [
            "let buff64 = 1;",
            "self.operand::<u8>()",
            "fn f640() {}",
            "MyInstant::now()",
        ] {
            assert!(words_in(fine).is_empty(), "{fine}");
        }
    }

    #[test]
    fn tests_may_do_what_they_like() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    use std::time::Instant;\n}\n";
        assert!(words_in(text).is_empty());
        let text = "#[cfg(test)]\nmod tests;\nuse std::time::Instant;\n";
        assert_eq!(words_in(text).len(), 1);
        assert!(is_shipped_source("core/engine/src/place.rs"));
        for other in [
            "core/orders/src/tests.rs",
            "views/src/lib.rs",
            "core/engine/tests/engine/main.rs",
        ] {
            assert!(!is_shipped_source(other), "{other}");
        }
    }
}
