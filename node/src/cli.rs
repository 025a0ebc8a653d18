//! What can be typed, and the configuration file that can say the same.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Deserialize;

/// A whole crypto exchange in one program and one data folder, compatible with Binance's API.
#[derive(Parser, Debug)]
#[command(name = "highwater", version, about)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Do,
}

#[derive(Subcommand, Debug)]
pub enum Do {
    /// Run the exchange. Prints one line of JSON on standard output when it is ready; logs go to standard error.
    Run(Box<RunArgs>),
    /// Check every checksum, re-execute every record and compare every digest. Changes nothing.
    Verify(DataArgs),
    /// Re-execute the journal up to a record and print the state there.
    Replay {
        #[command(flatten)]
        data: DataArgs,
        /// The last record to execute (default: all).
        #[arg(long)]
        until: Option<u64>,
    },
    /// Work on the views: what can be rebuilt from the journal.
    Views {
        #[command(subcommand)]
        command: ViewsCommand,
    },
}

#[derive(Subcommand, Debug)]
pub enum ViewsCommand {
    /// Drop the history database and build it again from the event log and the journal.
    Rebuild(DataArgs),
}

#[derive(Args, Debug)]
pub struct DataArgs {
    /// The data folder.
    #[arg(long)]
    pub data: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// An answer means: on the disk (fdatasync).
    Disk,
    /// An answer means: handed to the operating system. A power cut may lose it, the end of this process does not.
    Os,
    /// For experiments: nothing is promised.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limits {
    /// 1,000,000 for every limit.
    Wide,
    /// The limits of the public API.
    Binance,
}

/// Every setting may stand in the configuration file under the same name (`listen = "127.0.0.1:8080"`, `demo = true`); what is typed wins.
#[derive(Args, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RunArgs {
    /// A TOML file with these settings.
    #[arg(long)]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// The data folder; made if it is not there.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Where clients connect; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Where metrics are read (Prometheus text) [default: 127.0.0.1:0]
    #[arg(long)]
    pub metrics_listen: Option<SocketAddr>,
    /// FIX 4.4 over TLS: order entry at this address, drop copy and market data at the next two ports, the same in SBE at the next six (port 0 takes free ones).
    #[arg(long)]
    pub fix: Option<SocketAddr>,
    /// A living market, demo traders by one click, and the sandbox gateway.
    #[arg(long)]
    pub demo: bool,
    /// The sandbox gateway: accounts, funds and symbols by request. For tests; whoever reaches the port owns the venue.
    #[arg(long)]
    pub sandbox: bool,
    /// What an answer means [default: disk]
    #[arg(long)]
    pub durability: Option<Durability>,
    /// Rate limits [default: wide with --sandbox, else binance]
    #[arg(long)]
    pub limits: Option<Limits>,
    /// Replay recorded frames from this folder instead of the built-in market.
    #[arg(long)]
    pub market: Option<PathBuf>,
    /// How fast recorded frames are replayed: a number, or `max` [default: 1]
    #[arg(long)]
    pub speed: Option<String>,
    /// Seed of everything random in the market.
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many bytes of journal to keep beyond what two snapshots cover, or `all` [default: 4 GiB with --demo, else all]
    #[arg(long)]
    pub retain: Option<String>,
    /// Take a snapshot when this many records would have to be replayed.
    #[arg(long)]
    pub snapshot_records: Option<u64>,
    /// History database: an SQLite or PostgreSQL URL [default: SQLite in the data folder]
    #[arg(long)]
    pub history: Option<String>,
}

impl RunArgs {
    /// What was typed, completed from the configuration file.
    pub fn with_file(self) -> Result<RunArgs> {
        let Some(path) = self.config.clone() else {
            return Ok(self);
        };
        let file = read_file(&path)?;
        Ok(RunArgs {
            config: None,
            data: self.data.or(file.data),
            listen: self.listen.or(file.listen),
            metrics_listen: self.metrics_listen.or(file.metrics_listen),
            fix: self.fix.or(file.fix),
            demo: self.demo || file.demo,
            sandbox: self.sandbox || file.sandbox,
            durability: self.durability.or(file.durability),
            limits: self.limits.or(file.limits),
            market: self.market.or(file.market),
            speed: self.speed.or(file.speed),
            seed: self.seed.or(file.seed),
            retain: self.retain.or(file.retain),
            snapshot_records: self.snapshot_records.or(file.snapshot_records),
            history: self.history.or(file.history),
        })
    }

    pub fn limits(&self) -> Limits {
        self.limits.unwrap_or(if self.sandbox && !self.demo {
            Limits::Wide
        } else {
            Limits::Binance
        })
    }

    /// Bytes of journal to keep; `None` keeps all.
    pub fn retain_bytes(&self) -> Result<Option<u64>> {
        match self.retain.as_deref() {
            Some("all") => Ok(None),
            Some(text) => parse_bytes(text).map(Some),
            None => Ok(self.demo.then_some(4 << 30)),
        }
    }
}

fn read_file(path: &Path) -> Result<RunArgs> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("read the configuration file {}", path.display()))?;
    toml::from_str(&text)
        .with_context(|| format!("understand the configuration file {}", path.display()))
}

fn parse_bytes(text: &str) -> Result<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KIB" => 1 << 10,
        "M" | "MIB" => 1 << 20,
        "G" | "GIB" => 1 << 30,
        "T" | "TIB" => 1 << 40,
        other => bail!(
            "--retain: unknown unit '{other}' in '{text}'; write bytes, or a number with KiB, MiB, GiB or TiB, or 'all'"
        ),
    };
    let number: u64 = digits
        .parse()
        .with_context(|| format!("--retain: '{text}' is not a number of bytes, nor 'all'"))?;
    number
        .checked_mul(unit)
        .with_context(|| format!("--retain: '{text}' is more than fits in 64 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_with_units() {
        assert_eq!(parse_bytes("4GiB").unwrap(), 4 << 30);
        assert_eq!(parse_bytes("17").unwrap(), 17);
        assert!(parse_bytes("4 parsecs").is_err());
        assert!(parse_bytes("99999999999TiB").is_err());
    }

    #[test]
    fn what_is_typed_wins_over_the_file() {
        let dir = std::env::temp_dir().join(format!("highwater-cli-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("highwater.toml");
        std::fs::write(
            &path,
            "listen = \"127.0.0.1:1\"\nseed = 7\ndemo = true\nlimits = \"wide\"\n",
        )
        .unwrap();
        let cli = Cli::parse_from([
            "highwater",
            "run",
            "--seed",
            "9",
            "--config",
            path.to_str().unwrap(),
        ]);
        let Do::Run(args) = cli.command else {
            panic!("run")
        };
        let args = args.with_file().unwrap();
        assert_eq!(
            (args.seed, args.demo, args.limits()),
            (Some(9), true, Limits::Wide)
        );
        assert_eq!(args.listen.unwrap().port(), 1);
        std::fs::write(&path, "lisen = 1\n").unwrap();
        assert!(read_file(&path).is_err(), "a misspelt setting is refused");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
