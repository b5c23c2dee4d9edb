//! `governor-mcp demo`: the whole loop on a bundled sample, in a temporary folder, on this machine alone.

use std::process::Output;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::{Io, Status};
use sandbox::{Ports, Sandbox};

mod sandbox;

#[derive(Debug, clap::Args)]
pub struct Args {}

/// What a person would write for this agent: it may refund and print receipts. Nothing is said of e-mail.
const AGENT_POLICY: &str = r#"@id("permit-refunds")
permit (principal, action == Action::"write", resource)
when { resource.type == "external_api" && resource.name == "127.0.0.1" };

@id("permit-receipts")
permit (principal, action == Action::"execute", resource)
when { resource.type == "process" };
"#;

const COMPLAINT: &str = "order 1001 arrived broken";
const REACHED: &str = "reached.jsonl";
const AUDIT: &str = "audit.jsonl";

pub fn run(_args: Args, io: &mut Io) -> anyhow::Result<Status> {
    let started = Instant::now();
    let mut demo = Demo {
        sandbox: Sandbox::new()?,
        io,
        step: 0,
    };
    demo.say(&format!(
        "A support agent in {}: it refunds an order over HTTP, writes SQLite, runs a program, sends an e-mail.\n\
         Its payment provider and its mail server are stand-ins on loopback that log what reaches them.",
        demo.sandbox.root().join("agent").display()
    ))?;
    demo.look()?;
    demo.integrate()?;
    let environment = demo.serve()?;
    let request_id = demo.deny(&environment)?;
    demo.diagnose(&request_id)?;
    demo.allow(&environment)?;
    demo.say(&format!(
        "\nDone in {:.1} s. The folder and the processes are gone. On a repo of yours: governor-mcp scan, then \
         governor-mcp integrate.",
        started.elapsed().as_secs_f64()
    ))?;
    Ok(Status::Done)
}

struct Demo<'a, 'b> {
    sandbox: Sandbox,
    io: &'a mut Io<'b>,
    step: u32,
}

impl Demo<'_, '_> {
    fn look(&mut self) -> anyhow::Result<()> {
        self.title("What can it do to the outside world?")?;
        self.show(&["scan", "agent"])?;
        Ok(())
    }

    fn integrate(&mut self) -> anyhow::Result<()> {
        self.title("The diff that puts a policy decision in front of it")?;
        let diff = self.show(&["integrate", "agent", "--mode", "enable"])?;
        ensure!(
            !diff.stdout.is_empty(),
            "there is nothing to integrate: this is a bug in the demo's sample"
        );
        self.title("Applied, together with the Python client that it imports")?;
        self.governor(&["integrate", "agent", "--mode", "enable", "--write"])?;
        let again = self
            .sandbox
            .governor(&["integrate", "agent", "--mode", "enable"])?;
        ensure!(
            again.stdout.is_empty(),
            "a second run still finds something to do: this is a bug"
        );
        self.say("   A second run has nothing left to do.")
    }

    /// Starts the servers; returns the environment that the agent runs with.
    fn serve(&mut self) -> anyhow::Result<Vec<(&'static str, String)>> {
        self.title(
            "A local policy plane: the bundled starting policies, and one file for this agent",
        )?;
        self.sandbox
            .write("agent/policies/5-agent.cedar", AGENT_POLICY.as_bytes())?;
        self.indented(AGENT_POLICY)?;
        let Ports { payments, smtp } = self.sandbox.start_standins(REACHED)?;
        let plane = self.sandbox.start_plane("agent/policies", "plane.jsonl")?;
        self.say(&format!(
            "   $ governor-mcp policy serve --policies agent/policies\n   listening on {plane}"
        ))?;
        let audit = self.sandbox.root().join(AUDIT);
        Ok(vec![
            ("GOVERNOR_ENABLED", "1".to_owned()),
            ("GOVERNOR_ENFORCE_URL", plane),
            ("GOVERNOR_AUDIT_LOG", audit.display().to_string()),
            ("GOVERNOR_ACTOR_ID", "support-agent".to_owned()),
            ("PAYMENTS_URL", format!("http://127.0.0.1:{payments}")),
            ("SMTP_HOST", "localhost".to_owned()),
            ("SMTP_PORT", smtp.to_string()),
        ])
    }

    /// Runs the agent under policies that do not permit its e-mail; returns the id of the denied request.
    fn deny(&mut self, environment: &[(&'static str, String)]) -> anyhow::Result<String> {
        self.title("The agent runs: the refund is allowed, the e-mail is not")?;
        self.run_agent(environment)?;
        let (refunds, mails) = self.reached()?;
        ensure!(
            refunds == 1 && mails == 0,
            "the stand-ins saw {refunds} refunds and {mails} mails, not 1 and 0"
        );
        self.say("   The refund happened. The mail server has seen nothing: the call was stopped before it was made.")?;
        let denied = self
            .sandbox
            .lines(AUDIT)
            .into_iter()
            .find(|line| line["decision"] == "DENY");
        let denied = denied.context("the audit log holds no denial")?;
        Ok(text(&denied["request_id"]).to_owned())
    }

    fn diagnose(&mut self, request_id: &str) -> anyhow::Result<()> {
        self.title("Why?")?;
        let question = [
            "diagnose",
            "--request-id",
            request_id,
            "--audit",
            AUDIT,
            "--repo",
            "agent",
        ];
        self.show(&question)?;
        let asked = [&question[..], &["--format", "json"]].concat();
        let answer = self.sandbox.governor(&asked)?;
        let diagnosis: Value =
            serde_json::from_slice(&answer.stdout).context("the diagnosis is no JSON")?;
        self.title("The fix, as the diagnosis has it")?;
        let diff = diagnosis["fixes"]
            .as_array()
            .and_then(|fixes| {
                fixes
                    .iter()
                    .find(|fix| fix["kind"] == "policy" && fix["diff"].is_string())
            })
            .map(|fix| text(&fix["diff"]))
            .context("the diagnosis names no policy that would permit the call")?;
        let path = diff
            .lines()
            .find_map(|line| line.strip_prefix("+++ b/"))
            .context("the diagnosis's diff names no file")?;
        let policy = added_lines(diff);
        self.indented(&policy)?;
        self.sandbox
            .write(&format!("agent/{path}"), policy.as_bytes())?;
        self.say(&format!(
            "   Written to agent/{path}; the plane reads the folder again by itself."
        ))
    }

    fn allow(&mut self, environment: &[(&'static str, String)]) -> anyhow::Result<()> {
        self.title("The agent runs again, under the policies as they are now")?;
        self.run_agent(environment)?;
        let (refunds, mails) = self.reached()?;
        ensure!(
            refunds == 2 && mails == 1,
            "the stand-ins saw {refunds} refunds and {mails} mails, not 2 and 1"
        );
        self.say("   This time the mail arrived.")
    }

    fn run_agent(&mut self, environment: &[(&'static str, String)]) -> anyhow::Result<()> {
        self.say(&format!("   $ python3 agent.py \"{COMPLAINT}\""))?;
        let output = self.sandbox.agent(&["agent.py", COMPLAINT], environment)?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            self.say(&format!("   {}", tool_line(line)))?;
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(!errors.contains("Traceback"), "the agent failed:\n{errors}");
        Ok(())
    }

    /// Shows what reached the stand-ins; returns how many refunds and mails.
    fn reached(&mut self) -> anyhow::Result<(usize, usize)> {
        self.say("   Reached the stand-ins so far:")?;
        let lines = self.sandbox.lines(REACHED);
        for line in &lines {
            let what = match text(&line["kind"]) {
                "http" => format!(
                    "{} {} {}",
                    text(&line["method"]),
                    text(&line["path"]),
                    text(&line["body"])
                ),
                _ => format!("mail to {}", line["recipients"]),
            };
            self.say(&format!("     {what}"))?;
        }
        let mails = lines.iter().filter(|line| line["kind"] == "smtp").count();
        Ok((lines.len() - mails, mails))
    }

    /// Runs a command of this program and shows it with its result.
    fn show(&mut self, arguments: &[&str]) -> anyhow::Result<Output> {
        let output = self.governor(arguments)?;
        self.indented(&String::from_utf8_lossy(&output.stdout))?;
        Ok(output)
    }

    fn governor(&mut self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.say(&format!("   $ governor-mcp {}", arguments.join(" ")))?;
        let output = self.sandbox.governor(arguments)?;
        let asked_badly = output.status.code() == Some(2);
        ensure!(
            !asked_badly,
            "{}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(output)
    }

    fn title(&mut self, text: &str) -> anyhow::Result<()> {
        self.step += 1;
        self.say(&format!("\n{}. {text}", self.step))
    }

    fn indented(&mut self, text: &str) -> anyhow::Result<()> {
        for line in text.lines() {
            self.say(format!("   {line}").trim_end())?;
        }
        Ok(())
    }

    fn say(&mut self, text: &str) -> anyhow::Result<()> {
        writeln!(self.io.out, "{text}")?;
        Ok(self.io.out.flush()?)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What a unified diff adds.
fn added_lines(diff: &str) -> String {
    diff.lines()
        .filter(|line| !line.starts_with("+++"))
        .filter_map(|line| line.strip_prefix('+'))
        .fold(String::new(), |text, line| text + line + "\n")
}

/// A tool's result as the agent printed it; of a denial the message alone.
fn tool_line(line: &str) -> String {
    let denial = line.split_once(": ").and_then(|(tool, result)| {
        let result: Value = serde_json::from_str(result).ok()?;
        Some(format!(
            "{tool}: {}: {}",
            result["error"]["type"].as_str()?,
            result["error"]["message"].as_str()?
        ))
    });
    denial.unwrap_or_else(|| line.to_owned())
}
