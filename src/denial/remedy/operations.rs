//! Fixes outside of the code: the plane, the way to it, the keys and the clocks.

use super::super::cause::Cause;
use super::super::{Fix, FixKind};
use super::Case;

impl Case<'_> {
    /// The fix for a cause that only the plane and the way to it can have.
    pub(super) fn operations(&self, cause: Cause) -> Vec<Fix> {
        let (title, command) = match cause {
            Cause::Unauthenticated => (
                "Set GOVERNOR_API_KEY to a key that this plane accepts",
                "export GOVERNOR_API_KEY=...",
            ),
            Cause::PlaneUnreachable => (
                "Start the plane, or set GOVERNOR_ENFORCE_URL to where it listens (in a container, 127.0.0.1 is the container itself)",
                "curl --silent \"$GOVERNOR_ENFORCE_URL/health\"",
            ),
            Cause::PlaneTimeout => (
                "Look at the plane's load and at the way to it; then, if it must be, raise GOVERNOR_TIMEOUT_MS",
                "curl --silent --write-out '%{time_total}\\n' \"$GOVERNOR_ENFORCE_URL/health\"",
            ),
            Cause::PlaneError => (
                "Read the plane's log for this request, and try again once it answers",
                "curl --silent \"$GOVERNOR_ENFORCE_URL/health\"",
            ),
            Cause::CircuitOpen => (
                "Restore the plane: the first failure in the audit log before this one names the real cause",
                "curl --silent \"$GOVERNOR_ENFORCE_URL/health\"",
            ),
            Cause::BadResponse => (
                "Point GOVERNOR_ENFORCE_URL at a policy plane: a proxy, a login page or another service answers there",
                "curl --silent --include \"$GOVERNOR_ENFORCE_URL/health\"",
            ),
            Cause::TokenInvalid => (
                "Give client and plane keys that belong together (GOVERNOR_DECISION_KEY)",
                "python -m governor doctor",
            ),
            Cause::TokenExpired => (
                "Set the clocks of this host and of the plane",
                "date -u && curl --silent --head \"$GOVERNOR_ENFORCE_URL/health\"",
            ),
            Cause::TokenReplayed => (
                "Take out what repeats answers between client and plane, such as a caching proxy",
                "curl --silent --head \"$GOVERNOR_ENFORCE_URL/health\"",
            ),
            Cause::RateLimited => (
                "Ask less often: wait, and raise GOVERNOR_CACHE_TTL_MS where the same question repeats",
                "export GOVERNOR_CACHE_TTL_MS=120000",
            ),
            _ => return Vec::new(),
        };
        vec![Fix {
            command: Some(command.to_owned()),
            ..self.fix(FixKind::Operations, title)
        }]
    }
}
