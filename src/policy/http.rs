//! The plane over HTTP: the management plane's interface, with errors as FastAPI shapes them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::boundary::Boundary;
use super::intent::{FieldError, Intent};
use super::{DEFAULT_TENANT, Plane, canonicalize, new_id};

/// Bodies above this are refused.
const BODY_LIMIT: usize = 1024 * 1024;
/// How long a body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// How long requests under way may take once the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// Who may ask. Without keys everyone who reaches the address may.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Tenant and key.
    tenants: Vec<(String, String)>,
    /// When set, installing policies and deciding holds need it.
    admin: Option<String>,
}

impl Keys {
    /// Reads `TENANT=KEY`, or a plain key for the default tenant.
    pub fn add(&mut self, given: &str) -> anyhow::Result<()> {
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        // A key in base64 may end with `=`: that is no tenant.
        let (tenant, key) = match given.split_once('=') {
            Some((tenant, key)) if is_name(tenant) && !key.trim_matches('=').is_empty() => {
                (tenant, key)
            }
            _ => (DEFAULT_TENANT, given),
        };
        anyhow::ensure!(
            !key.trim().is_empty(),
            "a key must not be empty: give `--key KEY` or `--key TENANT=KEY`"
        );
        self.tenants.push((tenant.to_owned(), key.to_owned()));
        Ok(())
    }

    pub fn set_admin(&mut self, key: String) {
        self.admin = Some(key);
    }

    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }

    /// The tenant that the request's key belongs to.
    fn tenant(&self, headers: &HeaderMap) -> Result<String, Problem> {
        if self.tenants.is_empty() {
            return Ok(DEFAULT_TENANT.to_owned());
        }
        let given = bearer(headers)?;
        let mut found = None;
        for (tenant, key) in &self.tenants {
            if same(key, given) {
                found = Some(tenant);
            }
        }
        found
            .or_else(|| {
                let admin = self.admin.as_deref().filter(|admin| same(admin, given));
                admin.and(self.tenants.first().map(|(tenant, _)| tenant))
            })
            .cloned()
            .ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "Invalid API key"))
    }

    /// The tenant, if the key may change policies and decide holds.
    fn administrator(&self, headers: &HeaderMap) -> Result<String, Problem> {
        let tenant = self.tenant(headers)?;
        match &self.admin {
            None => Ok(tenant),
            Some(admin) if bearer(headers).is_ok_and(|given| same(admin, given)) => Ok(tenant),
            Some(_) => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "This needs the administrator's key",
            )),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
        })
        .ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "Not authenticated"))
}

/// Compares in a time that does not tell how much of the key was right.
fn same(left: &str, right: &str) -> bool {
    left.len() == right.len()
        && left
            .bytes()
            .zip(right.bytes())
            .fold(0, |difference, (a, b)| difference | (a ^ b))
            == 0
}

struct Problem {
    status: StatusCode,
    detail: Value,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<Value>) -> Problem {
        Problem {
            status,
            detail: detail.into(),
        }
    }

    fn fields(errors: &[FieldError]) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, json!(errors))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = answer(self.status, &json!({"detail": self.detail}));
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                header::HeaderValue::from_static("Bearer"),
            );
        }
        response
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (status, content_type, body.to_string()).into_response()
}

type Answer = Result<Response, Problem>;

#[derive(Clone)]
struct App {
    plane: Arc<Plane>,
    keys: Arc<Keys>,
}

/// Serves until `stop` resolves, then lets the requests under way finish.
pub async fn serve(
    listener: TcpListener,
    plane: Arc<Plane>,
    keys: Keys,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, router(plane, keys)).with_graceful_shutdown(async move {
        stop.await;
        let _ = stopping.send(());
    });
    let deadline = async {
        if stopped.await.is_ok() {
            tokio::time::sleep(STOP_WITHIN).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        result = server.into_future() => Ok(result?),
        () = deadline => Ok(()),
    }
}

/// The address that was bound, as scripts wait for it.
pub fn base_url(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn router(plane: Arc<Plane>, keys: Keys) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/api/v2/enforce", post(enforce))
        .route("/api/v2/canonicalize", post(canonicalized))
        .route("/api/v2/policies/install", post(install))
        .route("/api/v2/policies", get(policies))
        .route("/api/v2/decisions/{request_id}", get(decision))
        .route("/api/v2/holds", get(holds))
        .route("/api/v2/holds/{hold_id}/{verdict}", post(decide_hold))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "Not Found") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .with_state(App {
            plane,
            keys: Arc::new(keys),
        })
}

async fn health(State(app): State<App>) -> Response {
    answer(StatusCode::OK, &app.plane.health())
}

async fn enforce(State(app): State<App>, request: Request) -> Answer {
    let tenant = app.keys.tenant(request.headers())?;
    let intent = read_intent(request.into_body()).await?;
    let decision = blocking("Enforcement failed", move || {
        app.plane.decide_for(&tenant, &intent)
    })
    .await?;
    Ok(answer(StatusCode::OK, &decision.to_json()))
}

async fn canonicalized(State(app): State<App>, request: Request) -> Answer {
    app.keys.tenant(request.headers())?;
    let intent = read_intent(request.into_body()).await?;
    let (canonical, trace) =
        blocking("Canonicalization failed", move || canonicalize(&intent)).await?;
    Ok(answer(
        StatusCode::OK,
        &json!({"canonical_intent": canonical, "canonicalization_trace": trace}),
    ))
}

async fn install(State(app): State<App>, request: Request) -> Answer {
    let tenant = app.keys.administrator(request.headers())?;
    let body = read_json(request.into_body()).await?;
    let boundary =
        Boundary::from_json(&body, &tenant).map_err(|errors| Problem::fields(&errors))?;
    let installed = boundary.clone();
    let plane = Arc::clone(&app.plane);
    let replaced = blocking("Intent encoding failed", move || plane.install(&installed))
        .await?
        .map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{error:#}")))?;
    Ok(answer(
        StatusCode::CREATED,
        &json!({
            "status": "installed",
            "boundary_id": boundary.id,
            "request_id": new_id("req"),
            "canonicalization_trace": boundary.trace,
            "installation_stats": {
                "policies_installed": 1,
                "policies_replaced": usize::from(replaced),
                "policies_total": app.plane.policies().len(),
            },
        }),
    ))
}

async fn policies(State(app): State<App>, headers: HeaderMap) -> Answer {
    app.keys.tenant(&headers)?;
    Ok(answer(
        StatusCode::OK,
        &json!({"policies": app.plane.policies()}),
    ))
}

async fn decision(
    State(app): State<App>,
    Path(request_id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let tenant = app.keys.tenant(&headers)?;
    match app.plane.decision(&tenant, &request_id) {
        Some(record) => Ok(answer(StatusCode::OK, &record)),
        None => Err(Problem::new(StatusCode::NOT_FOUND, "Decision not found")),
    }
}

async fn holds(State(app): State<App>, headers: HeaderMap) -> Answer {
    let tenant = app.keys.tenant(&headers)?;
    Ok(answer(
        StatusCode::OK,
        &json!({"holds": app.plane.holds(&tenant)}),
    ))
}

async fn decide_hold(
    State(app): State<App>,
    Path((hold_id, verdict)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let tenant = app.keys.administrator(&headers)?;
    let approve = match verdict.as_str() {
        "approve" => true,
        "reject" => false,
        _ => return Err(Problem::new(StatusCode::NOT_FOUND, "Not Found")),
    };
    match app.plane.decide_hold(&tenant, &hold_id, approve) {
        Some((hold, true)) => Ok(answer(StatusCode::OK, &hold)),
        Some((hold, false)) => Err(Problem::new(
            StatusCode::CONFLICT,
            format!(
                "The hold was {} before",
                hold["state"].as_str().unwrap_or("decided")
            ),
        )),
        None => Err(Problem::new(StatusCode::NOT_FOUND, "Hold not found")),
    }
}

async fn read_intent(body: Body) -> Result<Intent, Problem> {
    let body = read_json(body).await?;
    Intent::from_json(&body).map_err(|errors| Problem::fields(&errors))
}

async fn read_json(body: Body) -> Result<Value, Problem> {
    let too_large = || {
        let detail = format!("Request body is above {BODY_LIMIT} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    let announced = axum::body::HttpBody::size_hint(&body).lower();
    if announced > BODY_LIMIT as u64 {
        return Err(too_large());
    }
    let bytes: Bytes = tokio::time::timeout(BODY_WITHIN, to_bytes(body, BODY_LIMIT))
        .await
        .map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "Request body did not come"))?
        .map_err(|_| too_large())?;
    if bytes.is_empty() {
        return Err(Problem::fields(&[FieldError::new(
            "missing",
            &[],
            "Field required",
        )]));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::fields(&[FieldError::new(
            "json_invalid",
            &[],
            format!("JSON decode error: {error}"),
        )])
    })
}

/// Runs what reads files and evaluates policies off the event loop; a panic there becomes a 500.
async fn blocking<T: Send + 'static>(
    failure: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_their_tenant() {
        let mut keys = Keys::default();
        for given in ["plain", "acme=k1", "c2VjcmV0=="] {
            keys.add(given).expect("a key");
        }
        let expected = [
            ("default", "plain"),
            ("acme", "k1"),
            ("default", "c2VjcmV0=="),
        ]
        .map(|(tenant, key)| (tenant.to_owned(), key.to_owned()));
        assert_eq!(keys.tenants, expected);
        assert!(keys.add("").is_err());
    }
}
