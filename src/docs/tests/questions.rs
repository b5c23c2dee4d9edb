//! Questions as developers and agents type them, each with the page that answers.

use super::*;

const QUESTIONS: &[(&str, &str)] = &[
    ("how do I get started", "guides/quickstart"),
    ("getting started tutorial", "guides/quickstart"),
    ("integrate a fastapi app", "guides/fastapi"),
    ("uvicorn workers enable", "guides/fastapi"),
    (
        "return 403 instead of 500 when a call is denied",
        "guides/fastapi",
    ),
    ("flask blueprint governor", "guides/flask"),
    (
        "where to put enable with create_app factory",
        "guides/flask",
    ),
    ("django manage.py wsgi.py enable", "guides/django"),
    ("are migrations governed", "guides/django"),
    ("celery worker prefork", "guides/celery"),
    ("retry celery task on PolicyDenied", "guides/celery"),
    ("agent tool loop denial as tool result", "guides/agent-loop"),
    ("langgraph ToolNode wrapper", "reference/integrations"),
    (
        "give the denial back to the LLM instead of raising",
        "guides/agent-loop",
    ),
    ("jupyter notebook first cell", "guides/notebooks"),
    ("govern my own FastMCP server", "guides/mcp-server"),
    ("aws lambda cold start", "guides/aws-lambda"),
    ("serverless SAM template handler", "guides/aws-lambda"),
    ("typer click console script", "guides/cli-tools"),
    ("test with pytest marker", "guides/pytest"),
    ("unit tests without a policy plane", "guides/pytest"),
    ("sitecustomize no code changes", "guides/zero-code"),
    ("install .pth file in venv", "guides/zero-code"),
    ("roll out observe mode to production", "guides/rollout"),
    ("dry run without blocking anything", "guides/rollout"),
    ("would_block", "guides/rollout"),
    ("fail the build in github actions", "guides/ci"),
    ("does the gate know a baseline", "guides/ci"),
    ("check with an audit log in CI", "guides/ci"),
    ("upload SARIF to code scanning", "guides/ci"),
    ("how to write a cedar policy", "guides/policies"),
    (
        "allow writes to stripe for the billing bot",
        "guides/policies",
    ),
    ("@hold annotation", "guides/policies"),
    ("run policy server locally", "guides/local-plane"),
    ("policy serve --listen port", "guides/local-plane"),
    ("why was my call denied", "guides/diagnose"),
    ("diagnose a traceback", "guides/diagnose"),
    ("vendored or package client", "guides/client"),
    (
        "ModuleNotFoundError: No module named 'governor'",
        "guides/client",
    ),
    ("build a wheel of the client", "guides/client"),
    ("add my company's internal SDK", "guides/custom-libraries"),
    ("[[effect]] in governor.toml", "guides/custom-libraries"),
    (
        "custom framework decorator entrypoint",
        "guides/custom-libraries",
    ),
    ("claude code mcp config", "guides/coding-agents"),
    ("cursor mcp.json", "guides/coding-agents"),
    (
        "add a library to the catalog as a contributor",
        "guides/contributing",
    ),
    ("what is an intent", "concepts/intents"),
    ("intent_from actor data pii", "concepts/intents"),
    (
        "does a scope follow threads and executors",
        "concepts/scopes",
    ),
    ("nested with governor.intent", "concepts/scopes"),
    ("async generator leaks scope", "concepts/scopes"),
    (
        "import requests before enable, is it still patched",
        "concepts/interception",
    ),
    ("PEP 578 audit hook", "concepts/interception"),
    (
        "what happens when the policy plane is down",
        "concepts/fail-closed",
    ),
    ("GOVERNOR_FAIL_MODE", "concepts/fail-closed"),
    ("how long is a decision cached", "concepts/decisions"),
    ("circuit breaker half-open", "concepts/decisions"),
    ("signed decision token ed25519", "concepts/decisions"),
    ("wait for approval HOLD", "concepts/decisions"),
    (
        "difference between certain likely and possible",
        "concepts/coverage",
    ),
    (
        "why is coverage none although enable is called",
        "concepts/coverage",
    ),
    ("process vs boundary", "concepts/entrypoints"),
    ("tests folder excluded from the gate", "concepts/origins"),
    ("vendored and generated code", "concepts/origins"),
    ("is the diff safe to apply", "concepts/evidence"),
    ("undo the patch", "concepts/evidence"),
    ("threat model bypass ctypes", "concepts/limits"),
    ("libraries that cannot be intercepted", "concepts/limits"),
    ("tamper-evident audit log hash chain", "concepts/audit"),
    ("are secrets written to the log", "concepts/audit"),
    ("exit codes", "reference/cli"),
    ("integrate --mode scopes", "reference/cli"),
    ("list of MCP tools", "reference/mcp"),
    ("propose_patch edits old new base_sha256", "reference/mcp"),
    ("scan json schema fields", "reference/scan-json"),
    ("reached_from", "reference/scan-json"),
    ("GOVERNOR_ALLOW_HOSTS", "reference/environment"),
    ("environment variables", "reference/environment"),
    ("GOVERNOR_TIMEOUT_MS default", "reference/environment"),
    ("[[destination]] pattern pii", "reference/governor-toml"),
    ("map a host to a resource name", "reference/governor-toml"),
    ("governor.enable arguments", "reference/python-api"),
    ("governed decorator on_deny return", "reference/python-api"),
    ("aenforce", "reference/python-api"),
    ("scope_mismatch", "reference/denials"),
    ("policy_forbids", "reference/denials"),
    ("plane_unreachable connection refused", "reference/denials"),
    ("token_replayed", "reference/denials"),
    ("canonicalization_suspect", "reference/denials"),
    ("unmapped_destination", "reference/denials"),
    ("backstop_blocked", "reference/denials"),
    ("late_enable finding", "reference/findings"),
    ("swallowed_denial except Exception", "reference/findings"),
    ("missing_worker_hook", "reference/findings"),
    ("POST /api/v2/enforce body", "reference/http"),
    ("install a boundary over http", "reference/http"),
    ("canonicalization_trace format", "reference/http"),
    ("fields of an audit line", "reference/audit-log"),
    ("stale_content", "reference/errors"),
    ("to_dict next_steps", "reference/errors"),
    (
        "boto3 s3 put_object intercepted",
        "reference/libraries/boto3",
    ),
    ("redirects in httpx", "reference/libraries/httpx"),
    (
        "subprocess shell os.system",
        "reference/libraries/subprocess",
    ),
    (
        "sqlite3 cursor execute factory",
        "reference/libraries/sqlite3",
    ),
    (
        "which libraries does the client intercept",
        "reference/libraries",
    ),
    (
        "is everything set up correctly, health check",
        "reference/doctor",
    ),
    ("client_missing", "reference/doctor"),
    ("psycopg2 connect captured", "reference/libraries/psycopg2"),
    ("redis pipeline one decision", "reference/libraries/redis"),
    ("celery apply_async delay", "reference/libraries/celery"),
    (
        "govern file writes open pathlib",
        "reference/libraries/files",
    ),
    ("GOVERNOR_BACKSTOP enforce", "reference/environment"),
    ("governor.http.fetch", "reference/python-api"),
    ("mcp resources governor://client", "reference/mcp"),
    (
        "set the actor from the request user",
        "reference/integrations",
    ),
    ("ASGI middleware identify", "reference/integrations"),
    ("rehearse policies before running", "guides/rollout"),
    ("which mode should I use, enable or hybrid", "guides/modes"),
    ("difference between scopes and hybrid mode", "guides/modes"),
    ("opentelemetry spans and metrics", "reference/environment"),
    ("accept existing findings with a baseline", "guides/ci"),
    ("expired waiver", "guides/ci"),
];

/// The share of questions whose page has to be among the first three passages.
const TOP_THREE: f64 = 0.95;

#[test]
fn the_page_that_answers_is_among_the_first_three() {
    let mut missed = Vec::new();
    let mut first = 0;
    for (question, answer) in QUESTIONS {
        let found: Vec<String> = search(question, 3).into_iter().map(|p| p.page).collect();
        first += usize::from(found.first().is_some_and(|page| page == answer));
        if !found.iter().any(|page| page == answer) {
            missed.push(format!("`{question}`: {answer} is not in {found:?}"));
        }
    }
    let asked = QUESTIONS.len();
    let share = |count: usize| 100.0 * count as f64 / asked as f64;
    eprintln!(
        "{asked} questions: first {:.1} %, among the first three {:.1} %",
        share(first),
        share(asked - missed.len())
    );
    eprintln!("{}", missed.join("\n"));
    assert!(
        share(asked - missed.len()) >= 100.0 * TOP_THREE,
        "{} of {asked} missed:\n{}",
        missed.len(),
        missed.join("\n")
    );
}

#[test]
fn the_questions_are_many_and_their_pages_exist() {
    assert!(QUESTIONS.len() >= 60);
    for (question, answer) in QUESTIONS {
        assert!(
            page(answer, None).is_ok(),
            "`{question}`: no page `{answer}`"
        );
    }
}
