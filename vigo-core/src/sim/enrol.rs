//! Enrolment: one transaction that uses a token and adds an envoy.

use super::link::Link;
use super::server::{Question, Row, Server, Taken, What, Write, refused};
use crate::server::{Admission, AdmittedBy, Claim, NotAdmitted, admit, claim};
use crate::time::Timestamp;
use crate::wire::message::Enrolled;
use crate::wire::{Envelope, Reply};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

/// Where all machines are.
const FROM: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl Server {
    /// Decides about a request to enrol, and queues what it comes to.
    pub(super) fn enrol(&mut self, question: Question, link: &Link, envelope: &Envelope, now: Timestamp) -> Taken {
        let refuse = |why: &NotAdmitted| Taken::Reply(refusal(why));
        let claim = match claim(envelope, &link.exporter) {
            Ok(claim) => claim,
            Err(why) => return refuse(&why),
        };
        let now = now.max(self.disk.newest);
        let token = claim.token.as_ref().and_then(|text| self.disk.tokens.get(text.id()).filter(|t| t.text == *text));
        let Some(fleet) = self.fleet() else { return Taken::Queued };
        let (own, holder) = (fleet.get(claim.id), fleet.named(&claim.hostname));
        match admit(&claim, token.map(|token| &token.record), &self.trusted, FROM, own, holder, now) {
            Ok(admission) => self.queue(Write { question, what: What::Enrol(Box::new(claim), admission) }),
            Err(why) => refuse(&why),
        }
    }

    /// Enrols, as part of a commit: everything that refuses comes before the first change.
    pub(super) fn enrolled(&mut self, claim: &Claim, admission: &Admission, now: Timestamp) -> Vec<u8> {
        match self.disk.envoys.get(&claim.id) {
            _ if self.beside.revoked.contains(&claim.id) => return refusal(&NotAdmitted::Revoked(claim.id)),
            Some(_) => {}
            None => {
                let holder = self.disk.envoys.iter().find(|(_, row)| !row.revoked && row.hostname == claim.hostname);
                if let Some((holder, _)) = holder {
                    return refusal(&NotAdmitted::NameTaken { hostname: claim.hostname.clone(), holder: *holder });
                }
                let id = match &admission.by {
                    AdmittedBy::Token { id } => id,
                    AdmittedBy::Trusted { .. } => {
                        self.beside.enrolled_anew += 1;
                        return self.enrolled_by_pattern(claim, now);
                    }
                    AdmittedBy::Itself => return refusal(&NotAdmitted::BadToken),
                };
                let Some(token) = self.disk.tokens.get_mut(id) else { return refusal(&NotAdmitted::BadToken) };
                let Some(left) = token.record.uses_left.checked_sub(1) else {
                    return refusal(&NotAdmitted::TokenUsed { id: id.clone() });
                };
                token.record.uses_left = left;
                token.uses += 1;
                *self.beside.uses.entry(id.clone()).or_default() += 1;
                self.disk.envoys.insert(claim.id, Row::new(claim.key, claim.hostname.clone()));
                self.audit();
            }
        }
        self.answer_enrolled(claim, now)
    }

    fn enrolled_by_pattern(&mut self, claim: &Claim, now: Timestamp) -> Vec<u8> {
        self.disk.envoys.insert(claim.id, Row::new(claim.key, claim.hostname.clone()));
        self.audit();
        self.answer_enrolled(claim, now)
    }

    fn answer_enrolled(&mut self, claim: &Claim, now: Timestamp) -> Vec<u8> {
        self.remember(claim, now);
        self.waiting.forget(claim.id);
        let enrolled = Enrolled {
            envoy_id: claim.id.0.to_vec(),
            hostname: claim.hostname.clone(),
            certificate: self.certify(claim.id, &claim.hostname, now),
            keyset: self.keyset.encode(),
            servers: Vec::new(),
        };
        Reply::Done(enrolled).encode()
    }
}

fn refusal(why: &NotAdmitted) -> Vec<u8> {
    let said = why.refused();
    refused::<Enrolled>(&said.code, &said.message)
}
