use engine::Engine;
use protocol::{
    Admin, Command, Event, Events, Fund, Instrument, ListInstrument, NewAsset, Reject, Reply,
    Request, Wire, chain,
};
use types::{AccountId, Amount, AssetId, InstrumentId, RequestId, Seq, Time, Wallet};

use crate::registry;

/// A request that was accepted, with its moment.
#[derive(Clone, Debug)]
pub struct Record {
    pub seq: Seq,
    pub time: Time,
    pub request: Request,
}

/// A real engine under watch.
#[derive(Debug)]
pub struct Exchange {
    pub engine: Engine,
    pub time: Time,
    /// What followed from the last command.
    pub events: Events,
    pub chain: u64,
    records: Vec<Record>,
    steps: u64,
    /// How many steps lie between two rebuilds.
    rebuild_every: u64,
}

impl Default for Exchange {
    fn default() -> Self {
        Exchange {
            engine: Engine::new(registry()),
            time: Time(1_700_000_000_000_000),
            events: Vec::new(),
            chain: 0,
            records: Vec::new(),
            steps: 0,
            rebuild_every: 1_000,
        }
    }
}

impl Exchange {
    #[must_use]
    pub fn new() -> Exchange {
        Exchange::default()
    }

    /// Rebuilds from snapshot and records every `steps` steps instead of every 1,000.
    #[must_use]
    pub fn rebuilding_every(mut self, steps: u64) -> Exchange {
        self.rebuild_every = steps;
        self
    }

    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Executes one command, and audits.
    ///
    /// # Errors
    /// The engine's refusal.
    ///
    /// # Panics
    /// When a refusal changed the state, `check` disagrees with `execute`, the audit finds a violation, or a rebuild differs.
    pub fn run(&mut self, actor: AccountId, command: Command) -> Result<Reply, Reject> {
        let request = Request {
            actor,
            id: RequestId(self.steps),
            expires: Time(i64::MAX),
            command,
        };
        self.submit(request)
    }

    /// As [`Exchange::run`], with the whole request given.
    ///
    /// # Errors
    /// The engine's refusal.
    ///
    /// # Panics
    /// As [`Exchange::run`].
    pub fn submit(&mut self, request: Request) -> Result<Reply, Reject> {
        self.steps += 1;
        let seq = Seq(self.records.len() as u64 + 1);
        let before = self.engine.digest();
        let checked = self.engine.check(self.time, &request);
        self.events.clear();
        let result = self
            .engine
            .execute(seq, self.time, &request, &mut self.events);
        if !matches!(request.command, Command::Product(_)) {
            let refused = result.as_ref().map(|_| ()).map_err(|reject| *reject);
            assert_eq!(
                checked, refused,
                "check and execute disagree on {request:?}"
            );
        }
        if let Err(reject) = result {
            assert_eq!(
                self.engine.digest(),
                before,
                "{reject:?} changed the state: {request:?}"
            );
            assert!(self.events.is_empty(), "{reject:?} left events");
        } else {
            self.chain = link(self.chain, seq, self.time, &request, &self.events);
            self.records.push(Record {
                seq,
                time: self.time,
                request: request.clone(),
            });
        }
        if let Err(violation) = self.engine.audit() {
            panic!("step {}: {violation} after {request:?}", self.steps);
        }
        if self.steps.is_multiple_of(self.rebuild_every) {
            self.rebuild();
        }
        result
    }

    /// Goes on from a snapshot of itself, after comparing it with the live state and with a replay of all records.
    ///
    /// # Panics
    /// When anything differs.
    pub fn rebuild(&mut self) {
        let digest = self.engine.digest();
        let bytes = self.snapshot();
        let restored = Engine::restore(registry(), &bytes).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(restored.digest(), digest, "restored state differs");
        let (replayed, chain) = self.replay();
        assert_eq!(replayed.digest(), digest, "replayed state differs");
        assert_eq!(chain, self.chain, "replayed chain differs");
        self.engine = restored;
    }

    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.engine
            .snapshot(&mut |piece| bytes.extend_from_slice(piece));
        bytes
    }

    /// Executes all records again.
    ///
    /// # Panics
    /// When one is refused.
    #[must_use]
    pub fn replay(&self) -> (Engine, u64) {
        let (mut engine, mut events, mut sum) = (Engine::new(registry()), Vec::new(), 0);
        for record in &self.records {
            events.clear();
            engine
                .execute(record.seq, record.time, &record.request, &mut events)
                .unwrap_or_else(|reject| panic!("{reject:?} on replay of {record:?}"));
            sum = link(sum, record.seq, record.time, &record.request, &events);
        }
        (engine, sum)
    }

    /// # Panics
    /// When the venue is refused.
    pub fn asset(&mut self, name: &str, precision: u8) -> AssetId {
        let asset = NewAsset {
            name: name.into(),
            precision,
        };
        match self.run(
            AccountId::TREASURY,
            Command::Admin(Admin::CreateAsset(asset)),
        ) {
            Ok(Reply::AssetCreated(id)) => id,
            other => panic!("creating {name}: {other:?}"),
        }
    }

    /// # Panics
    /// When the venue is refused.
    pub fn account(&mut self) -> AccountId {
        match self.run(AccountId::TREASURY, Command::Admin(Admin::OpenAccount)) {
            Ok(Reply::AccountOpened(id)) => id,
            other => panic!("opening an account: {other:?}"),
        }
    }

    /// # Panics
    /// When the venue is refused.
    pub fn list(&mut self, instrument: Instrument) -> InstrumentId {
        let instrument = Box::new(instrument);
        let listing = Admin::ListInstrument(ListInstrument { instrument });
        match self.run(AccountId::TREASURY, Command::Admin(listing)) {
            Ok(Reply::InstrumentListed(id)) => id,
            other => panic!("listing: {other:?}"),
        }
    }

    /// # Panics
    /// When the venue is refused.
    pub fn fund(&mut self, account: AccountId, asset: AssetId, amount: Amount) {
        let fund = Fund {
            account,
            wallet: Wallet::SPOT,
            asset,
            amount,
        };
        let result = self.run(AccountId::TREASURY, Command::Admin(Admin::Fund(fund)));
        assert_eq!(result, Ok(Reply::Done));
    }
}

fn link(previous: u64, seq: Seq, time: Time, request: &Request, events: &[Event]) -> u64 {
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    request.put(&mut head);
    for event in events {
        event.put(&mut tail);
    }
    chain(previous, seq, time, &head, &tail)
}
