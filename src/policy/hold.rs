//! Decisions that wait for a person. A hold belongs to one question: the approval lets that question pass, for a while.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

/// How long an approval lets the question pass.
const APPROVAL_LASTS: SignedDuration = SignedDuration::from_mins(15);
/// Holds that are kept; the oldest that are decided go first.
const KEPT: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Pending,
    Approved,
    Rejected,
}

#[derive(Clone, Debug, Serialize)]
pub struct Hold {
    pub hold_id: String,
    pub request_id: String,
    pub state: State,
    pub reason: String,
    pub policy_ids: Vec<String>,
    pub intent: Value,
    /// ISO 8601.
    pub created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<String>,
    #[serde(skip)]
    decided: Option<Timestamp>,
    #[serde(skip)]
    tenant: String,
    #[serde(skip)]
    question: String,
}

#[derive(Default)]
pub struct Holds {
    /// In the order in which they were made.
    holds: Vec<Hold>,
    /// Tenant and digest of the question, to the index of its latest hold.
    by_question: HashMap<(String, String), usize>,
}

impl Holds {
    /// The hold of a question: the one that there is, or a new one.
    pub fn of(&mut self, new: Hold) -> &Hold {
        let key = (new.tenant.clone(), new.question.clone());
        let known = self
            .by_question
            .get(&key)
            .copied()
            .filter(|index| self.holds[*index].is_current());
        let index = known.unwrap_or_else(|| {
            if self.holds.len() >= KEPT {
                self.forget_decided();
            }
            self.holds.push(new);
            self.by_question.insert(key, self.holds.len() - 1);
            self.holds.len() - 1
        });
        &self.holds[index]
    }

    pub fn list(&self, tenant: &str) -> Vec<Hold> {
        self.holds
            .iter()
            .filter(|hold| hold.tenant == tenant)
            .cloned()
            .collect()
    }

    /// Decides a pending hold. None when the tenant has no such hold; a hold that was decided stays as it is.
    pub fn decide(&mut self, tenant: &str, hold_id: &str, state: State) -> Option<(Hold, bool)> {
        let hold = self
            .holds
            .iter_mut()
            .find(|hold| hold.tenant == tenant && hold.hold_id == hold_id)?;
        let was_pending = hold.state == State::Pending;
        if was_pending {
            hold.state = state;
            hold.decided = Some(Timestamp::now());
            hold.decided_at = Some(Timestamp::now().to_string());
        }
        Some((hold.clone(), was_pending))
    }

    fn forget_decided(&mut self) {
        let decided = |hold: &Hold| hold.state != State::Pending;
        let surplus = self.holds.len() / 2;
        let mut forgotten = 0;
        self.holds.retain(|hold| {
            let forget = decided(hold) && forgotten < surplus;
            forgotten += usize::from(forget);
            !forget
        });
        // Nobody looks at ten thousand pending holds: drop the oldest half.
        if forgotten == 0 {
            self.holds.drain(..surplus);
        }
        self.by_question = self
            .holds
            .iter()
            .enumerate()
            .map(|(index, hold)| ((hold.tenant.clone(), hold.question.clone()), index))
            .collect();
    }
}

impl Hold {
    pub fn new(
        hold_id: String,
        request_id: &str,
        tenant: &str,
        question: String,
        intent: Value,
        reason: &str,
        policy_ids: Vec<String>,
    ) -> Hold {
        Hold {
            hold_id,
            request_id: request_id.to_owned(),
            state: State::Pending,
            reason: reason.to_owned(),
            policy_ids,
            intent,
            created_at: Timestamp::now().to_string(),
            decided_at: None,
            decided: None,
            tenant: tenant.to_owned(),
            question,
        }
    }

    fn is_current(&self) -> bool {
        match (self.state, self.decided) {
            (State::Approved, Some(decided)) => {
                Timestamp::now().duration_since(decided) < APPROVAL_LASTS
            }
            _ => true,
        }
    }
}
