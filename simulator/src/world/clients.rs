//! Clients and the way to them: what is asked, what is answered, what gets lost between.

use std::sync::{Arc, PoisonError};

use protocol::{Command, RejectCode, Request, TimeInForce};
use sequencer::{Answer, Unavailable};
use types::{AccountId, ClientId, RequestId, Time};

use super::{Said, World, drain};

impl World {
    /// Somebody asks for something.
    pub(super) fn ask(&mut self) {
        let request = self.request();
        let Some(steps) = &self.steps else { return };
        let id = request.id;
        self.open.insert(id, request.clone());
        let said = Arc::clone(&self.said);
        steps.client.submit_with(request, move |answer| {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            said.push(Said::Answer(id, answer));
        });
        let said = Arc::clone(&self.said);
        steps.client.state_with(move |state| {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            said.push(Said::State(state));
        });
    }

    fn request(&mut self) -> Request {
        self.last_id += 1;
        let id = RequestId(self.last_id);
        if let Some(request) = self.furnishing.front() {
            // one after the other: ids are given in this order
            let mut request = request.clone();
            request.id = id;
            if self.open.is_empty() {
                return request;
            }
        }
        if let Some(mut request) = self.next.pop_front() {
            self.again.insert(id, request.id);
            request.id = id;
            request.expires = Time(i64::MAX);
            return request;
        }
        let (actor, mut command) = match self.fees && self.random.one_in(12) {
            true => {
                let ruling = self.commands.fees();
                (AccountId::TREASURY, Command::Admin(ruling))
            }
            false => self.commands.command(),
        };
        if let Command::PlaceOrder(place) = &mut command
            && self.random.one_in(4)
        {
            place.client_id = ClientId::new(&format!("own{}", id.0)).unwrap_or(place.client_id);
        }
        let expires = match self.random.below(50) {
            0 => self.now.plus_micros(-1),
            1..6 => self.now.plus_micros(5_000_000),
            _ => Time(i64::MAX),
        };
        Request {
            actor,
            id,
            expires,
            command,
        }
    }

    /// Takes what the relay told and what was answered, in this order: whoever has an answer finds it told.
    pub(super) fn listen(&mut self) -> Result<(), String> {
        for batch in drain(&self.heard) {
            for (record, events) in batch.iter() {
                let stamp = (record.seq, record.time, record.chain);
                self.auditor.record(stamp, &record.request, events)?;
            }
        }
        for said in drain(&self.said) {
            match said {
                Said::Answer(id, answer) => self.answered(id, answer)?,
                Said::State(Ok(state)) => {
                    state.audit?;
                    self.auditor.digest(state.seq, state.digest)?;
                }
                Said::State(Err(_)) => {}
            }
        }
        Ok(())
    }

    fn answered(
        &mut self,
        id: RequestId,
        answer: Result<Answer, Unavailable>,
    ) -> Result<(), String> {
        let Some(request) = self.open.get(&id).cloned() else {
            return Err(format!("{id:?} was answered twice, or was never asked"));
        };
        match answer {
            Err(Unavailable::Lost) => return Ok(()),
            Err(why) => {
                self.auditor.markers.hit(match why {
                    Unavailable::DiskFull => "refused because the disk was full",
                    _ => "the queue was full",
                });
                self.auditor.refused(id)?;
            }
            Ok(answer) => match answer.outcome {
                Ok(accepted) => {
                    self.auditor.accepted(id, accepted.seq())?;
                    let on = self.steps.as_ref().is_some_and(|s| s.brake.is_on());
                    if on && matches!(request.command, Command::CancelOrder(_)) {
                        let markers = &mut self.auditor.markers;
                        markers.hit("a cancel was taken while the disk was full");
                    }
                    if self.furnishing.front().map(|f| &f.command) == Some(&request.command) {
                        self.furnishing.pop_front();
                    }
                }
                Err(reject) => {
                    self.auditor.refused(id)?;
                    match reject.code() {
                        RejectCode::Expired => self.auditor.markers.hit("a request came too late"),
                        RejectCode::DuplicateClientId if self.again.contains_key(&id) => {
                            let name = "sent again after a lost answer, refused as a duplicate";
                            self.auditor.markers.hit(name);
                        }
                        _ => {}
                    }
                }
            },
        }
        self.open.remove(&id);
        self.deliver(id, &request);
        Ok(())
    }

    /// The way to the client: an answer may get lost, and then it is asked again; or come twice, which changes nothing.
    fn deliver(&mut self, id: RequestId, request: &Request) {
        if !self.plan.network || self.again.contains_key(&id) {
            return;
        }
        match self.random.below(30) {
            0..3 if is_named(request) => {
                self.auditor.markers.hit("an answer got lost");
                self.next.push_back(request.clone());
            }
            3 => self.auditor.markers.hit("an answer came twice"),
            _ => {}
        }
    }

    /// After a recovery nothing of before is unknown any more: each request is in the journal, or never will be.
    pub(super) fn resolve(&mut self) -> Result<(), String> {
        for (id, request) in std::mem::take(&mut self.open) {
            if self.auditor.record_of(id).is_some() {
                self.auditor.markers.hit("an unknown request had happened");
                if self.furnishing.front().map(|f| &f.command) == Some(&request.command) {
                    self.furnishing.pop_front();
                }
                continue;
            }
            self.auditor
                .markers
                .hit("an unknown request had not happened");
            // from now on it must never appear
            self.auditor.refused(id)?;
            if is_named(&request) && self.next.len() < 20 {
                self.auditor.markers.hit("sent again after a crash");
                self.next.push_back(request);
            }
        }
        Ok(())
    }
}

/// A resting order with a name of its own: asked twice, it must not rest twice.
fn is_named(request: &Request) -> bool {
    match &request.command {
        Command::PlaceOrder(place) => {
            place.tif == TimeInForce::Gtc && place.client_id.as_str().starts_with("own")
        }
        _ => false,
    }
}
