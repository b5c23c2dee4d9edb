//! Questions to the policy plane that the user configured, over plain HTTP. Nothing else in the crate connects anywhere.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What the client waits for by default.
const TIMEOUT_MS: u64 = 2_000;

/// A longer answer is none of a plane's.
const MAX_ANSWER_BYTES: u64 = 4 << 20;

/// Where the plane is and how to talk to it.
#[derive(Clone, Debug)]
pub struct PlaneAddress {
    host: String,
    port: u16,
    /// What stands before `/api/v2`, without a slash at the end.
    prefix: String,
    key: Option<String>,
    timeout: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PlaneError {
    #[error("GOVERNOR_ENFORCE_URL `{0}` is not of the form http://host:port")]
    BadUrl(String),
    #[error("GOVERNOR_ENFORCE_URL is https, which this command does not speak")]
    Https,
    #[error("the plane at {address} does not answer: {reason}")]
    Unreachable { address: String, reason: String },
    #[error("the plane answers {status}: {detail}")]
    Refused { status: u16, detail: String },
    #[error("what answers at {address} is no policy plane: {reason}")]
    BadResponse { address: String, reason: String },
}

impl PlaneAddress {
    /// From `GOVERNOR_ENFORCE_URL`, `GOVERNOR_API_KEY` and `GOVERNOR_TIMEOUT_MS`; `None` where no plane is configured.
    pub fn from_environment() -> Option<Result<PlaneAddress, PlaneError>> {
        let set = |name: &str| {
            std::env::var(name)
                .ok()
                .filter(|value| !value.trim().is_empty())
        };
        let url = set("GOVERNOR_ENFORCE_URL")?;
        let timeout = set("GOVERNOR_TIMEOUT_MS").and_then(|text| text.parse().ok());
        Some(PlaneAddress::parse(&url).map(|address| PlaneAddress {
            key: set("GOVERNOR_API_KEY"),
            timeout: Duration::from_millis(timeout.unwrap_or(TIMEOUT_MS)),
            ..address
        }))
    }

    pub fn parse(url: &str) -> Result<PlaneAddress, PlaneError> {
        let url = url.trim();
        if url.starts_with("https://") {
            return Err(PlaneError::Https);
        }
        let bad = || PlaneError::BadUrl(url.to_owned());
        let rest = url.strip_prefix("http://").ok_or_else(bad)?;
        let (authority, prefix) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let has_port = !authority.ends_with(']') && authority.contains(':');
        let (host, port) = match authority.rsplit_once(':').filter(|_| has_port) {
            Some((host, port)) => (host, port.parse().map_err(|_| bad())?),
            None => (authority, 80),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
        if host.is_empty()
            || !host.chars().all(plain)
            || prefix.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return Err(bad());
        }
        Ok(PlaneAddress {
            host: host.to_owned(),
            port,
            prefix: prefix.trim_end_matches('/').to_owned(),
            key: None,
            timeout: Duration::from_millis(TIMEOUT_MS),
        })
    }

    pub fn get(&self, path: &str) -> Result<Value, PlaneError> {
        self.ask("GET", path, None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Value, PlaneError> {
        self.ask("POST", path, Some(body))
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, PlaneError> {
        let answer =
            self.exchange(method, path, body)
                .map_err(|error| PlaneError::Unreachable {
                    address: self.shown(),
                    reason: error.to_string(),
                })?;
        let bad = |reason: &str| PlaneError::BadResponse {
            address: self.shown(),
            reason: reason.to_owned(),
        };
        let text = String::from_utf8(answer).map_err(|_| bad("the answer is not UTF-8"))?;
        let (head, body) = text
            .split_once("\r\n\r\n")
            .ok_or_else(|| bad("the answer is no HTTP"))?;
        let status = head
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.get(2..5))
            .and_then(|code| code.parse::<u16>().ok());
        let status = status.ok_or_else(|| bad("the answer has no status"))?;
        let value: Result<Value, _> = serde_json::from_str(body);
        if !(200..300).contains(&status) {
            let detail = value
                .ok()
                .and_then(|value| value.get("detail").map(ToString::to_string));
            return Err(PlaneError::Refused {
                status,
                detail: detail.unwrap_or_else(|| "without a reason".to_owned()),
            });
        }
        value.map_err(|_| bad("the answer is no JSON"))
    }

    /// One request on a connection of its own; HTTP/1.0, so that the answer ends with the connection.
    fn exchange(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Vec<u8>> {
        let deadline = Instant::now() + self.timeout;
        let name = self.host.trim_start_matches('[').trim_end_matches(']');
        let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the host has no address");
        for address in (name, self.port).to_socket_addrs()? {
            let mut stream = match TcpStream::connect_timeout(&address, self.timeout) {
                Ok(stream) => stream,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            let body = body.map(Value::to_string).unwrap_or_default();
            let authorization = self
                .key
                .as_ref()
                .map(|key| format!("Authorization: Bearer {key}\r\n"));
            let request = format!(
                "{method} {}{path} HTTP/1.0\r\nHost: {}:{}\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{body}",
                self.prefix,
                self.host,
                self.port,
                body.len(),
                authorization.unwrap_or_default(),
            );
            stream.set_write_timeout(Some(self.timeout))?;
            stream.write_all(request.as_bytes())?;
            return read_until(&mut stream, deadline);
        }
        Err(last)
    }

    fn shown(&self) -> String {
        format!("http://{}:{}{}", self.host, self.port, self.prefix)
    }
}

/// Everything until the connection ends. One that only drips ends at the deadline.
fn read_until(stream: &mut TcpStream, deadline: Instant) -> std::io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let mut part = [0; 8192];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part) {
            Ok(0) => return Ok(answer),
            Ok(count) => answer.extend_from_slice(&part[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                return Err(std::io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
        if answer.len() as u64 > MAX_ANSWER_BYTES {
            return Err(std::io::Error::other("the answer is too long"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parsed = |url: &str| PlaneAddress::parse(url).map(|address| address.shown()).ok();
        assert_eq!(
            parsed("http://127.0.0.1:8181/"),
            Some("http://127.0.0.1:8181".into())
        );
        assert_eq!(parsed("http://[::1]:9/x/"), Some("http://[::1]:9/x".into()));
        assert_eq!(parsed("http://plane"), Some("http://plane:80".into()));
        for url in [
            "",
            "plane:1",
            "http://",
            "http://a b/",
            "http://a:x",
            "https://a",
            "http://a/\r\nX: y",
        ] {
            assert_eq!(parsed(url), None, "{url}");
        }
    }

    #[test]
    fn a_plane_that_only_drips_is_given_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            while stream.write_all(b"H").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let mut address = PlaneAddress::parse(&url).expect("an address");
        address.timeout = Duration::from_millis(200);
        assert!(matches!(
            address.get("/health"),
            Err(PlaneError::Unreachable { .. })
        ));
    }
}
