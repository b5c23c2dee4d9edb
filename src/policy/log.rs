//! What was decided: the last decisions by request id, and the decision log on disk.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

/// Decisions that `GET /api/v2/decisions/{request_id}` still knows.
const KEPT: usize = 10_000;

#[derive(Default)]
pub struct DecisionLog {
    file: Option<File>,
    /// Tenant and record, by request id.
    recent: HashMap<String, (String, Value)>,
    order: VecDeque<String>,
    problem: Option<String>,
}

impl DecisionLog {
    pub fn open(path: Option<&Path>) -> anyhow::Result<DecisionLog> {
        let file = path
            .map(|path| {
                OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(path)
                    .with_context(|| {
                        format!(
                            "cannot write the decision log `{}`: name a file in a folder that exists",
                            path.display()
                        )
                    })
            })
            .transpose()?;
        Ok(DecisionLog {
            file,
            ..DecisionLog::default()
        })
    }

    pub fn record(&mut self, request_id: &str, tenant: &str, record: Value) {
        if let Some(file) = &mut self.file {
            let line = format!("{record}\n");
            self.problem = file
                .write_all(line.as_bytes())
                .err()
                .map(|error| format!("cannot write the decision log: {error}"));
        }
        if self.order.len() >= KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.recent.remove(&oldest);
        }
        self.order.push_back(request_id.to_owned());
        self.recent
            .insert(request_id.to_owned(), (tenant.to_owned(), record));
    }

    pub fn find(&self, tenant: &str, request_id: &str) -> Option<&Value> {
        self.recent
            .get(request_id)
            .filter(|(owner, _)| owner == tenant)
            .map(|(_, record)| record)
    }

    /// Why the last line did not reach the disk.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }
}
