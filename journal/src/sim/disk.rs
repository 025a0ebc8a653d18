//! What the simulated disk holds, and what of it is safe.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};

use super::choices::split_mix;
use super::{Call, Choices, Effect};

const SECTOR: usize = 512;
type Sector = [u8; SECTOR];

#[derive(Clone, Debug)]
pub(super) struct Disk {
    files: BTreeMap<u64, FileState>,
    /// As the running system sees it.
    pub names: BTreeMap<String, u64>,
    /// As a restart would find it if nothing pending happened.
    safe_names: BTreeMap<String, u64>,
    pending: Vec<(String, NameChange)>,
    next_inode: u64,
    pub calls: u64,
    pub cut_at: Option<u64>,
    injected: Vec<(Call, u64, Effect)>,
    pub lying: bool,
    pub capacity: Option<u64>,
    pub locked_by: Option<String>,
    seed: u64,
}

#[derive(Clone, Debug)]
enum NameChange {
    Put(String, u64),
    Remove(String),
    Rename(String, String, u64),
}

#[derive(Clone, Debug, Default)]
struct FileState {
    live: Vec<u8>,
    safe: Vec<u8>,
    /// What sectors were written since they were last made safe: each version in turn.
    written: BTreeMap<usize, Vec<Sector>>,
    resized: bool,
}

impl Disk {
    pub fn new(seed: u64) -> Disk {
        Disk {
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            safe_names: BTreeMap::new(),
            pending: Vec::new(),
            next_inode: 1,
            calls: 0,
            cut_at: None,
            injected: Vec::new(),
            lying: false,
            capacity: None,
            locked_by: None,
            seed,
        }
    }

    pub fn inject(&mut self, call: Call, nth: u64, effect: Effect) {
        self.injected.push((call, nth.max(1), effect));
    }

    pub fn is_off(&self) -> bool {
        self.cut_at.is_some_and(|at| self.calls >= at)
    }

    /// Counts a call; says whether power is there and what was injected.
    fn enter(&mut self, call: Call) -> (bool, Option<Effect>) {
        if !matches!(call, Call::Read | Call::Open | Call::List) {
            self.calls += 1;
        }
        let mut effect = None;
        for (kind, left, what) in &mut self.injected {
            if *kind == call {
                *left -= 1;
                if *left == 0 {
                    effect = Some(*what);
                }
            }
        }
        self.injected.retain(|(_, left, _)| *left > 0);
        (!self.is_off(), effect)
    }

    /// For calls that cannot be short or go astray.
    fn enter_plain(&mut self, call: Call) -> io::Result<bool> {
        match self.enter(call) {
            (false, _) => Err(no_power()),
            (true, Some(Effect::Fail(kind))) => Err(kind.into()),
            (true, Some(Effect::Lie)) => Ok(false),
            (true, _) => Ok(true),
        }
    }

    fn file(&mut self, inode: u64) -> io::Result<&mut FileState> {
        self.files
            .get_mut(&inode)
            .ok_or_else(|| ErrorKind::NotFound.into())
    }

    pub fn list(&mut self, dir: &str) -> io::Result<Vec<String>> {
        self.enter_plain(Call::List)?;
        let names = self.names.keys().filter(|p| folder(p) == dir);
        Ok(names
            .map(|p| p.rsplit('/').next().unwrap_or(p).to_string())
            .collect())
    }

    pub fn create(&mut self, path: &str) -> io::Result<u64> {
        self.enter_plain(Call::Create)?;
        if self.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = self.next_inode;
        self.next_inode += 1;
        self.files.insert(inode, FileState::default());
        self.names.insert(path.into(), inode);
        self.pending
            .push((folder(path).into(), NameChange::Put(path.into(), inode)));
        Ok(inode)
    }

    pub fn open(&mut self, path: &str) -> io::Result<u64> {
        self.enter_plain(Call::Open)?;
        self.names
            .get(path)
            .copied()
            .ok_or_else(|| ErrorKind::NotFound.into())
    }

    pub fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        if self.enter_plain(Call::Rename)? {
            let inode = self.names.remove(from).ok_or(ErrorKind::NotFound)?;
            self.names.insert(to.into(), inode);
            self.pending.push((
                folder(to).into(),
                NameChange::Rename(from.into(), to.into(), inode),
            ));
        }
        Ok(())
    }

    pub fn remove(&mut self, path: &str) -> io::Result<()> {
        if !self.names.contains_key(path) {
            return Err(ErrorKind::NotFound.into());
        }
        if self.enter_plain(Call::Remove)? {
            self.names.remove(path);
            self.pending
                .push((folder(path).into(), NameChange::Remove(path.into())));
        }
        Ok(())
    }

    pub fn sync_dir(&mut self, dir: &str) -> io::Result<()> {
        let sync = self.enter_plain(Call::SyncDir)?;
        if sync {
            for (_, change) in self.pending.extract_if(.., |(d, _)| d == dir) {
                apply(&mut self.safe_names, &change);
            }
        }
        Ok(())
    }

    pub fn read(&mut self, inode: u64, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut limit = buf.len();
        match self.enter(Call::Read) {
            (false, _) => return Err(no_power()),
            (true, Some(Effect::Fail(kind))) => return Err(kind.into()),
            (true, Some(Effect::Short(n))) => limit = limit.min(n),
            (true, _) => {}
        }
        let live = &self.file(inode)?.live;
        let start = live
            .len()
            .min(usize::try_from(offset).unwrap_or(usize::MAX));
        let n = limit.min(live.len() - start);
        buf[..n].copy_from_slice(&live[start..start + n]);
        Ok(n)
    }

    pub fn write(&mut self, inode: u64, buf: &[u8], offset: u64) -> io::Result<usize> {
        let (power, effect) = self.enter(Call::Write);
        let mut offset = usize::try_from(offset).map_err(|_| ErrorKind::InvalidInput)?;
        let mut n = buf.len();
        match effect {
            Some(Effect::Fail(kind)) => return Err(kind.into()),
            Some(Effect::Short(most)) => n = n.min(most),
            Some(Effect::Lie) => return Ok(n),
            Some(Effect::Astray(by)) => offset += usize::try_from(by).unwrap_or(0),
            None => {}
        }
        if let Some(capacity) = self.capacity {
            let used: usize = self
                .names
                .values()
                .filter_map(|i| self.files.get(i))
                .map(|f| f.live.len())
                .sum();
            let room = usize::try_from(capacity)
                .unwrap_or(usize::MAX)
                .saturating_sub(used)
                + self.file(inode)?.live.len();
            n = n.min(room.saturating_sub(offset));
            if n == 0 && !buf.is_empty() {
                return Err(ErrorKind::StorageFull.into());
            }
        }
        // after a crash of a call that was already off, nothing more is written
        if power || self.cut_at == Some(self.calls) {
            self.file(inode)?.write(&buf[..n], offset);
        }
        if power { Ok(n) } else { Err(no_power()) }
    }

    pub fn sync(&mut self, inode: u64) -> io::Result<()> {
        match self.enter(Call::Sync) {
            (false, _) => return Err(no_power()),
            (true, Some(Effect::Fail(kind))) => {
                // the pages count as clean from now on, and were never written
                self.file(inode)?.written.clear();
                return Err(kind.into());
            }
            (true, Some(Effect::Lie)) => return Ok(()),
            (true, _) => {}
        }
        if !self.lying {
            self.file(inode)?.sync();
        }
        Ok(())
    }

    pub fn len(&mut self, inode: u64) -> io::Result<u64> {
        Ok(self.file(inode)?.live.len() as u64)
    }

    pub fn set_len(&mut self, inode: u64, len: u64) -> io::Result<()> {
        if self.enter_plain(Call::SetLen)? {
            let len = usize::try_from(len).map_err(|_| ErrorKind::InvalidInput)?;
            self.file(inode)?.set_len(len);
        }
        Ok(())
    }

    pub fn contents(&self, path: &str) -> Option<Vec<u8>> {
        Some(self.files.get(self.names.get(path)?)?.live.clone())
    }

    pub fn corrupt(&mut self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let file = self
            .names
            .get(path)
            .and_then(|i| self.files.get_mut(i))
            .expect("there is such a file");
        change(&mut file.live);
        file.safe.clone_from(&file.live);
        file.written.clear();
    }

    pub fn entropy(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for half in bytes.chunks_mut(8) {
            half.copy_from_slice(&split_mix(&mut self.seed).to_le_bytes());
        }
        bytes
    }

    pub fn after_kill(&self) -> Disk {
        let mut disk = self.clone();
        disk.power_on();
        disk
    }

    pub fn after_power_loss(&self, choices: &mut Choices) -> Disk {
        let mut disk = self.clone();
        disk.power_on();
        let mut names = self.safe_names.clone();
        for (_, change) in &self.pending {
            if choices.pick(2) == 0 {
                apply(&mut names, change);
            }
        }
        let reached: BTreeSet<u64> = names.values().copied().collect();
        disk.files = self
            .files
            .iter()
            .filter(|(inode, _)| reached.contains(inode))
            .map(|(inode, file)| (*inode, self.survivor(*inode, file, choices)))
            .collect();
        disk.names.clone_from(&names);
        disk.safe_names = names;
        disk.pending.clear();
        disk
    }

    fn power_on(&mut self) {
        self.cut_at = None;
        self.calls = 0;
        self.injected.clear();
        self.lying = false;
        self.locked_by = None;
    }

    /// What is left of one file.
    fn survivor(&self, inode: u64, file: &FileState, choices: &mut Choices) -> FileState {
        let mut safe = file.safe.clone();
        if file.resized && file.live.len() != file.safe.len() {
            let len = if choices.pick(2) == 0 {
                file.live.len()
            } else {
                file.safe.len()
            };
            self.resize(inode, &mut safe, len, choices);
        }
        for (index, versions) in &file.written {
            let start = index * SECTOR;
            let end = (start + SECTOR).min(safe.len());
            if start >= end
                || versions
                    .iter()
                    .all(|v| v[..end - start] == safe[start..end])
            {
                continue;
            }
            let count = versions.len() as u64;
            let pick = choices.pick(count + 2);
            if pick < count {
                let version = versions[versions.len() - 1 - usize::try_from(pick).unwrap_or(0)];
                safe[start..end].copy_from_slice(&version[..end - start]);
            } else if pick == count {
                let cut = if choices.is_exhaustive() {
                    200
                } else {
                    usize::try_from(choices.pick(510)).unwrap_or(0) + 1
                };
                let cut = cut.min(end - start);
                safe[start..start + cut].copy_from_slice(&versions[versions.len() - 1][..cut]);
            }
        }
        FileState {
            live: safe.clone(),
            safe,
            written: BTreeMap::new(),
            resized: false,
        }
    }

    /// New blocks hold zeros, or what some other file once wrote there.
    fn resize(&self, inode: u64, bytes: &mut Vec<u8>, len: usize, choices: &mut Choices) {
        let old = bytes.len();
        bytes.resize(len, 0);
        if len > old && !choices.is_exhaustive() && choices.pick(4) == 0 {
            let other = self
                .files
                .iter()
                .find(|(i, f)| **i != inode && f.safe.len() > old);
            if let Some((_, other)) = other {
                let end = len.min(other.safe.len());
                bytes[old..end].copy_from_slice(&other.safe[old..end]);
            }
        }
    }
}

impl FileState {
    fn write(&mut self, buf: &[u8], offset: usize) {
        let end = offset + buf.len();
        if end > self.live.len() {
            self.live.resize(end, 0);
            self.resized = true;
        }
        self.live[offset..end].copy_from_slice(buf);
        if buf.is_empty() {
            return;
        }
        for index in offset / SECTOR..=(end - 1) / SECTOR {
            let now = self.sector(&self.live, index);
            let before = self
                .written
                .get(&index)
                .and_then(|v| v.last().copied())
                .unwrap_or_else(|| self.sector(&self.safe, index));
            let is_new = index * SECTOR >= self.safe.len();
            if now != before || (is_new && !self.written.contains_key(&index)) {
                self.written.entry(index).or_default().push(now);
            }
        }
    }

    fn sector(&self, bytes: &[u8], index: usize) -> Sector {
        let mut sector = [0; SECTOR];
        let start = bytes.len().min(index * SECTOR);
        let end = bytes.len().min(start + SECTOR);
        sector[..end - start].copy_from_slice(&bytes[start..end]);
        sector
    }

    fn set_len(&mut self, len: usize) {
        self.live.resize(len, 0);
        self.resized = true;
        self.written.retain(|index, _| index * SECTOR < len);
    }

    /// Only what counts as dirty is written: what a failed sync forgot stays forgotten.
    fn sync(&mut self) {
        self.safe.resize(self.live.len(), 0);
        for (index, versions) in std::mem::take(&mut self.written) {
            let start = index * SECTOR;
            let end = (start + SECTOR).min(self.safe.len());
            if let Some(last) = versions.last().filter(|_| start < end) {
                self.safe[start..end].copy_from_slice(&last[..end - start]);
            }
        }
        self.resized = false;
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

fn apply(names: &mut BTreeMap<String, u64>, change: &NameChange) {
    match change {
        NameChange::Put(path, inode) => {
            names.insert(path.clone(), *inode);
        }
        NameChange::Remove(path) => {
            names.remove(path);
        }
        NameChange::Rename(from, to, inode) => {
            if names.get(from) == Some(inode) {
                names.remove(from);
            }
            names.insert(to.clone(), *inode);
        }
    }
}

fn no_power() -> io::Error {
    io::Error::other("the simulated disk has no power")
}
