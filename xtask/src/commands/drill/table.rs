//! Which drills there are.

/// How a drill is run.
#[derive(Debug, Clone, Copy)]
pub enum How {
    /// A program of conformance/drills. `seconds_each`: what it takes as its own budget is `--budget`; `strace` when it needs that.
    Oracle { file: &'static str, strace: bool },
    /// Tests of a crate, more of them the larger the budget: an environment variable says how many.
    Tests {
        package: &'static str,
        filter: &'static [&'static str],
        variable: &'static str,
        /// How many in a second on the reference machine, release build.
        per_second: u64,
    },
}

/// One promise, and how it is proved.
#[derive(Debug, Clone, Copy)]
pub struct Drill {
    pub id: &'static str,
    pub promise: &'static str,
    pub method: &'static str,
    pub demands: &'static str,
    pub how: How,
    /// Seconds of a full run.
    pub budget: u64,
    /// Seconds of the run in `cargo x test`; none: it takes too long, or its tests run with the crates' anyway.
    pub smoke: Option<u64>,
}

pub const DRILLS: &[Drill] = &[
    Drill {
        id: "D01",
        promise: "process death loses nothing acknowledged",
        method: "SIGKILL 20 to 1,500 ms into a load of placing, trading and canceling, now and then once more while it recovers; the folder is verified and compared with the oracle's own log after each kill",
        demands: "acknowledged orders lost 0, doubled 0, changed 0; acknowledged cancels hold; digest after recovery equals the verified one; audit clean",
        how: How::Oracle {
            file: "kill.py",
            strace: false,
        },
        budget: 480,
        smoke: Some(15),
    },
    Drill {
        id: "D02",
        promise: "no acknowledgement leaves before its bytes are on disk",
        method: "strace of the exchange while 10,000 orders are acknowledged; then the same without durability, which the drill must notice",
        demands: "acknowledgements before their fdatasync returned 0; without durability almost all",
        how: How::Oracle {
            file: "acks.py",
            strace: true,
        },
        budget: 180,
        smoke: Some(15),
    },
    Drill {
        id: "D03",
        promise: "power loss loses nothing acknowledged",
        method: "a simulated disk keeps any subset of what was not synced, in any order, torn: every outcome of every cut in every short history, and random long ones",
        demands: "acknowledged lost 0, phantoms 0, refusals to recover 0",
        how: How::Tests {
            package: "journal",
            filter: &["crash"],
            variable: "JOURNAL_CASES",
            per_second: 300,
        },
        budget: 300,
        smoke: None,
    },
    Drill {
        id: "D04",
        promise: "corruption is detected, never served",
        method: "every bit of small journals flipped, and random damage to larger ones: bursts, zeroed sectors, swapped, duplicated and stale frames, truncations",
        demands: "detected or harmless 100 %; a wrong record served 0; damage in the middle is never taken for a torn tail",
        how: How::Tests {
            package: "journal",
            filter: &["damage", "forged"],
            variable: "JOURNAL_CASES",
            per_second: 300,
        },
        budget: 300,
        smoke: None,
    },
    Drill {
        id: "D05",
        promise: "disk errors stop it, and cost nothing acknowledged",
        method: "strace makes one call of each kind fail with EIO, ENOSPC or EINTR, in the shipped program, at the first and at random places; then it is started on a healthy disk",
        demands: "acknowledged before durable 0, a failed fsync tried again 0, acknowledged orders lost or doubled 0, audit clean after the fault",
        how: How::Oracle {
            file: "errors.py",
            strace: true,
        },
        budget: 540,
        smoke: Some(8),
    },
    Drill {
        id: "D06",
        promise: "a slow disk neither corrupts nor collapses",
        method: "a third of all fdatasync calls take 20 ms to 5 s",
        demands: "acknowledged early 0; refusals only -1007 or -1008; no answer later than the delays before it; the folder verifies",
        how: How::Oracle {
            file: "slow.py",
            strace: true,
        },
        budget: 120,
        smoke: Some(1),
    },
    Drill {
        id: "D13",
        promise: "no seed breaks a promise",
        method: "queue, engine, journal and relay in one seeded process, step by step, on a simulated disk that is cut off, tears, fails, is full and lies; an auditor rebuilds books and balances from what is told; 2,000 commands a seed, the engine's own audit after each",
        demands: "violations 0; after the faults everything is answered or resolved; every rare situation of the table met",
        how: How::Tests {
            package: "simulator",
            filter: &["seeds_keep"],
            variable: "SIM_SEEDS",
            per_second: 20,
        },
        budget: 300,
        smoke: None,
    },
    Drill {
        id: "D14",
        promise: "the engine does what a naive one does",
        method: "a naive exchange of sorted lists, written from the contract alone, is driven beside the engine by random commands and by all short sequences",
        demands: "differences in events, refusals and balances 0",
        how: How::Tests {
            package: "testkit",
            filter: &["twins"],
            variable: "TWIN_SEEDS",
            per_second: 20,
        },
        budget: 480,
        smoke: None,
    },
    Drill {
        id: "D16",
        promise: "what clients see goes only forward",
        method: "sixteen clients place, cancel and ask about each other's orders over REST and the WebSocket API while the exchange is killed every second or two; each order is a register, and what was read later in real time must not be older",
        demands: "histories that no order can have 0; names twice 0; bought equals sold; audit clean",
        how: How::Oracle {
            file: "registers.py",
            strace: false,
        },
        budget: 300,
        smoke: Some(4),
    },
    Drill {
        id: "D21",
        promise: "who means harm gets no further than his own connection",
        method: "half heads for ever, huge heads and bodies, endless chunks, packed bodies, the preface of HTTP/2, frames that lie about their length, messages without end, pings, compressed frames, hostile JSON; an ordinary client trades beside each. (Empty fragments of a message without end are read as long as they come: they cost no memory.)",
        demands: "refused or cut off 100 %; the ordinary client is always answered; at most 200 MiB more memory",
        how: How::Oracle {
            file: "floods.py",
            strace: false,
        },
        budget: 300,
        smoke: None,
    },
    Drill {
        id: "D22",
        promise: "limits cannot be passed by",
        method: "forged addresses in six headers, several keys, other spellings of a path, HEAD and OPTIONS, REST and WebSocket API together, two keys of one account; then asking on until banned, and every way again",
        demands: "weight granted in a minute and orders in ten seconds at most 1.02 times the limit; no way in for the banned",
        how: How::Oracle {
            file: "limits.py",
            strace: false,
        },
        budget: 60,
        smoke: Some(1),
    },
    Drill {
        id: "D23",
        promise: "the operator can stop trading",
        method: "thousands of open orders over fifty symbols under load; symbols are set to CANCEL_ONLY, then to HALT, one member's orders are canceled, and trading is resumed",
        demands: "after the answer to each: accepted orders 0, fills 0, open orders of the member 0; prices and sizes beyond the collars accepted 0; audit clean",
        how: How::Oracle {
            file: "halts.py",
            strace: false,
        },
        budget: 60,
        smoke: Some(2),
    },
    Drill {
        id: "D25",
        promise: "nobody does what he has no right to",
        method: "fourteen kinds of endpoint, each asked in some twenty ways without the right to: keys, signatures, timestamps, addresses, the boundary between query and body, somebody else's orders",
        demands: "effects 0 (the digest of the state after each attempt), exact codes 100 %",
        how: How::Oracle {
            file: "keys.py",
            strace: false,
        },
        budget: 60,
        smoke: Some(1),
    },
    Drill {
        id: "D28",
        promise: "market data can be had again",
        method: "a proxy drops, doubles and swaps a twentieth of the frames of the depth and trade streams and cuts connections; clients follow the documented recipe. (Resending over FIX is tested by the gateway.)",
        demands: "local books equal to REST at every pause 100 %; every trade once",
        how: How::Oracle {
            file: "gaps.py",
            strace: false,
        },
        budget: 120,
        smoke: Some(2),
    },
    Drill {
        id: "D29",
        promise: "a lost answer is no second order",
        method: "a proxy drops a fifth of requests and answers; careful clients ask what became of their order, hasty ones send it again under the same name",
        demands: "placed or executed twice 0; every unknown is resolved by a query; repetitions of open orders are refused as duplicates",
        how: How::Oracle {
            file: "lost.py",
            strace: false,
        },
        budget: 120,
        smoke: Some(3),
    },
];

/// Promised in the plan, and not drilled yet: each with what there is of it.
pub const MISSING: &[(&str, &str)] = &[
    ("D00", "planted bugs behind features: not begun"),
    (
        "D07",
        "one journal, many builds: `highwater verify` re-executes; other builds were not compared",
    ),
    ("D08", "upgrade and rollback: not begun"),
    (
        "D09",
        "recovery at the worst moment: `cargo x bench recovery` measures the rate; the worst case was not built",
    ),
    (
        "D10",
        "poison command: the sequencer halts one market after a panic (its tests); no drill of the shipped program",
    ),
    ("D15", "mutation testing: not begun"),
    ("D17", "ten thousand WebSockets: not begun"),
    ("D18", "overload: not begun"),
    ("D20", "twice the record: not begun"),
    ("D24", "fuzzing: see `cargo x fuzz`, if this build has it"),
    (
        "D26",
        "comparison in constant time: by library; not measured",
    ),
    ("D27", "clocks: tests with a manual clock; no drill"),
];
