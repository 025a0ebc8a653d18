//! Documents are run: every command that README shows is a test.
//!
//! A fenced block whose info string has the word `run` (```` ```sh run ````) is executed against an exchange that
//! `cargo x run` itself has started; the address 127.0.0.1:8080 in it is replaced by that exchange's. A line
//! with `# → word` demands that the block's output contains the word. Every `cargo x word` in any document
//! must name a command that exists.

use crate::tally::Score;
use crate::{house, server, tools};
use anyhow::{Context, Result, bail};
use std::process::{Child, Command, Stdio};

/// One block of a document that is to be run.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    line: usize,
    language: String,
    code: String,
    wanted: Vec<String>,
}

/// Runs the blocks of README.md.
pub fn check() -> Result<Score> {
    let text = std::fs::read_to_string(house::root().join("README.md"))
        .context("cannot read README.md")?;
    let blocks = blocks(&text);
    if blocks.is_empty() {
        bail!("README.md has no block marked `run`");
    }
    let python = tools::python()?;
    let data = house::empty_scratch("readme")?;
    let mut exchange = Started::new(&data.join("data"))?;
    let address = exchange.address()?;
    let mut score = Score::of(true);
    for block in &blocks {
        let code = block.code.replace("127.0.0.1:8080", &address);
        let mut command = if block.language == "python" {
            let file = data.join(format!("line-{}.py", block.line));
            std::fs::write(&file, code)?;
            let mut command = Command::new(&python);
            command.arg(file);
            command
        } else {
            let mut command = Command::new("bash");
            command.args(["-euo", "pipefail", "-c", &code]);
            command
        };
        let out = house::output(command.current_dir(&data))?;
        let printed = String::from_utf8_lossy(&out.stdout).into_owned();
        let lacking = block.wanted.iter().find(|w| !printed.contains(w.as_str()));
        let ok = out.status.success() && lacking.is_none();
        if !ok {
            println!(
                "  README.md:{}: {} {}",
                block.line,
                out.status,
                lacking.map_or(String::new(), |w| format!("and \"{w}\" was not printed"))
            );
            println!("{printed}{}", String::from_utf8_lossy(&out.stderr));
        }
        score.add(Score::of(ok));
    }
    Ok(score)
}

/// An exchange that `cargo x run` started.
struct Started(Child);

impl Started {
    fn new(data: &std::path::Path) -> Result<Started> {
        let own = std::env::current_exe().context("cannot find myself")?;
        let child = Command::new(own)
            .args(["run", "--json", "--data"])
            .arg(data)
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start `cargo x run`")?;
        Ok(Started(child))
    }

    fn address(&mut self) -> Result<String> {
        let ready = server::ready_line(&mut self.0)?;
        let rest = ready["rest"]
            .as_str()
            .context("the ready line names no rest")?;
        Ok(rest.trim_start_matches("http://").to_string())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-TERM", &self.0.id().to_string()])
            .status();
        let _ = self.0.wait();
    }
}

/// The blocks marked `run`.
fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (at, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) if info.split_whitespace().any(|w| w == "run") => {
                let language = info.split_whitespace().next().unwrap_or("sh").to_string();
                open = Some(Block {
                    line: at + 1,
                    language,
                    code: String::new(),
                    wanted: Vec::new(),
                });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => {
                block.code.push_str(line);
                block.code.push('\n');
                block
                    .wanted
                    .extend(line.split_once("# → ").map(|(_, w)| w.trim().to_string()));
            }
            _ => {}
        }
    }
    found
}

/// `cargo x word` in a document, where word is no command.
#[cfg(test)]
fn unknown_commands(text: &str, known: &[String]) -> Vec<String> {
    text.split("cargo x ")
        .skip(1)
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '-')
                .collect::<String>()
        })
        .filter(|word| !word.is_empty() && !known.contains(word))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn blocks_are_found_with_what_they_must_print() {
        let text = "a\n```sh\nno\n```\n```sh run\ncurl x  # → serverTime\n```\n```python run\nprint(1)\n```\n";
        let found = blocks(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].wanted, ["serverTime"]);
        assert_eq!((found[0].line, found[1].language.as_str()), (5, "python"));
    }

    #[test]
    fn documents_name_only_commands_that_exist() {
        let mut known: Vec<String> = crate::Cli::command()
            .get_subcommands()
            .map(|c| c.get_name().to_string())
            .collect();
        known.push("help".into());
        assert_eq!(
            unknown_commands("`cargo x run`, `cargo x fly`", &known),
            ["fly"]
        );
        for file in house::files()
            .expect("files")
            .iter()
            .filter(|f| f.ends_with(".md"))
        {
            let text = std::fs::read_to_string(house::root().join(file)).expect("read");
            assert!(
                unknown_commands(&text, &known).is_empty(),
                "{file}: {:?}",
                unknown_commands(&text, &known)
            );
        }
    }
}
