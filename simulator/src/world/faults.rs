//! What goes wrong, and when.

use std::io::ErrorKind;

use journal::sim::{Call, Effect};
use testkit::random::Random;

use super::World;

/// Which faults a seed knows, and how often each half of the sequencer gets its turn.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Ask, execute, keep, idle, snapshot, tick.
    pub weights: [u64; 6],
    pub crashes: bool,
    errors: bool,
    full: bool,
    /// Lies are rare: after one the story soon ends.
    lies: bool,
    /// The network loses and doubles answers.
    pub network: bool,
    /// The disk has done something that no honest disk does: what it keeps is never to be trusted again.
    pub lied: bool,
    /// Steps between two faults, about.
    every: u64,
    /// The disk is full until then.
    full_for: u64,
}

impl Plan {
    pub fn new(random: &mut Random) -> Plan {
        let busy = random.pick(&[1, 3, 12]);
        Plan {
            weights: [busy, 6, 4, 1, 1, 2],
            crashes: !random.one_in(8),
            errors: random.one_in(2),
            full: random.one_in(3),
            lies: random.one_in(5),
            network: random.one_in(2),
            lied: false,
            every: random.pick(&[60, 300, 1_500]),
            full_for: 0,
        }
    }

    /// No more faults.
    pub fn calm(&mut self) {
        (self.crashes, self.errors, self.full) = (false, false, false);
        (self.lies, self.network) = (false, false);
    }
}

impl World {
    /// Now and then something goes wrong.
    pub(super) fn misbehave(&mut self) {
        if self.plan.full_for > 0 {
            self.plan.full_for -= 1;
            if self.plan.full_for == 0 {
                self.disk.set_capacity(None);
            }
        }
        if self.steps.is_none() || !self.random.one_in(self.plan.every) {
            return;
        }
        match self.random.below(8) {
            0 if self.plan.crashes => self.crash(),
            1 | 2 if self.plan.crashes => {
                let at = self.disk.calls() + 1 + self.random.below(20);
                self.disk.cut_power_at(at);
            }
            3 if self.plan.crashes => self.cut_snapshot(),
            4 | 5 if self.plan.errors => self.fail_once(),
            6 if self.plan.full && self.plan.full_for == 0 => self.fill_up(),
            7 if self.plan.lies => self.lie(),
            _ => {}
        }
    }

    fn cut_snapshot(&mut self) {
        let Some(steps) = &mut self.steps else { return };
        if !steps.snapshot_due() {
            return;
        }
        let at = self.disk.calls() + 1 + self.random.below(6);
        self.disk.cut_power_at(at);
        let _ = steps.snapshot();
        if self.disk.is_off() {
            self.auditor.markers.hit("power lost during a snapshot");
            self.crash();
        }
    }

    fn fail_once(&mut self) {
        let kinds = [ErrorKind::Other, ErrorKind::StorageFull];
        let kind = self.random.pick(&kinds);
        let nth = 1 + self.random.below(6);
        let calls = [Call::Create, Call::Rename, Call::SyncDir, Call::SetLen];
        let (call, effect, name) = match self.random.below(4) {
            0 => (Call::Write, Effect::Fail(kind), "a write failed"),
            1 => (Call::Sync, Effect::Fail(ErrorKind::Other), "a sync failed"),
            2 => {
                let most = 1 + self.random.below(900) as usize;
                (Call::Write, Effect::Short(most), "a short write")
            }
            _ => {
                let call = self.random.pick(&calls);
                (call, Effect::Fail(kind), "a write failed")
            }
        };
        self.disk.inject(call, nth, effect);
        self.auditor.markers.hit(name);
    }

    fn fill_up(&mut self) {
        let paths = self.disk.paths();
        let sizes = paths.iter().filter_map(|p| self.disk.contents(p));
        let used: usize = sizes.map(|bytes| bytes.len()).sum();
        self.disk.set_capacity(Some(used as u64));
        self.plan.full_for = 50 + self.random.below(2_000);
        self.auditor.markers.hit("the disk was full");
    }

    fn lie(&mut self) {
        self.plan.lied = true;
        match self.random.below(5) {
            0 => self.disk.lie_about_syncs(true),
            1 => self.disk.inject(Call::Sync, 1, Effect::Lie),
            2 => self.disk.inject(Call::Write, 1, Effect::Lie),
            3 => {
                let by = 512 * (1 + self.random.below(8));
                self.disk.inject(Call::Write, 1, Effect::Astray(by));
            }
            _ => self.flip(),
        }
    }

    /// One bit of one file of the journal or of the snapshots is another one; then the process is gone.
    fn flip(&mut self) {
        let mut paths = self.disk.paths();
        paths.retain(|path| path.starts_with("journal/") || path.starts_with("snapshots/"));
        if paths.is_empty() {
            return;
        }
        let path = &paths[self.random.below(paths.len() as u64) as usize];
        let (place, bit) = (self.random.word(), self.random.below(8));
        self.disk.corrupt(path, |bytes| {
            if !bytes.is_empty() {
                let at = (place % bytes.len() as u64) as usize;
                bytes[at] ^= 1 << bit;
            }
        });
        self.crash();
    }
}
