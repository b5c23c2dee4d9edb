//! Asks a plane over HTTP: one request, one answer, on a connection of its own.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_LIMIT: u64 = 1024 * 1024;

pub struct Remote {
    url: String,
    authority: String,
    prefix: String,
    key: Option<String>,
}

impl Remote {
    pub fn new(url: &str, key: Option<String>) -> anyhow::Result<Remote> {
        let rest = url.strip_prefix("http://").with_context(|| {
            format!("cannot rehearse against `{url}`: give a plane's base as http://host:port, or a folder with `--policies`")
        })?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        ensure!(
            !authority.is_empty() && !authority.contains('@'),
            "`{url}` is not a plane's base: give http://host:port"
        );
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(Remote {
            url: url.to_owned(),
            authority: if has_port {
                authority.to_owned()
            } else {
                format!("{authority}:80")
            },
            prefix: match path.trim_end_matches('/') {
                "" => String::new(),
                path => format!("/{path}"),
            },
            key: key.filter(|key| !key.contains(['\r', '\n'])),
        })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The plane's answer to one question. Anything but a decision is an error.
    pub fn enforce(&self, body: &Value) -> anyhow::Result<Value> {
        let (status, answer) = self
            .post(&body.to_string())
            .with_context(|| format!("the plane at `{}` gave no answer", self.url))?;
        if status != 200 {
            bail!("the plane at `{}` answered {status}: {answer}", self.url);
        }
        let known = matches!(
            answer.get("decision").and_then(Value::as_str),
            Some("ALLOW" | "DENY" | "HOLD")
        );
        ensure!(known, "what answers at `{}` is no policy plane", self.url);
        Ok(answer)
    }

    fn post(&self, body: &str) -> anyhow::Result<(u16, Value)> {
        let address = self
            .authority
            .to_socket_addrs()?
            .next()
            .context("the name has no address")?;
        let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let authorization = self
            .key
            .as_ref()
            .map(|key| format!("Authorization: Bearer {key}\r\n"))
            .unwrap_or_default();
        write!(
            stream,
            "POST {}/api/v2/enforce HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n{authorization}Content-Length: {}\r\n\r\n{body}",
            self.prefix,
            self.authority,
            body.len()
        )?;
        let mut bytes = Vec::new();
        stream.take(ANSWER_LIMIT).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text
            .split_once("\r\n\r\n")
            .context("the answer is cut short")?;
        let status = head
            .split_whitespace()
            .nth(1)
            .and_then(|status| status.parse().ok())
            .context("the answer is not HTTP")?;
        let body = if head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked")
        {
            unchunked(body)
        } else {
            body.to_owned()
        };
        Ok((
            status,
            serde_json::from_str(&body).unwrap_or(Value::String(body)),
        ))
    }
}

fn unchunked(body: &str) -> String {
    let mut whole = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.split(';').next().unwrap_or(size).trim(), 16);
        let Some(chunk) = size
            .ok()
            .filter(|size| *size > 0)
            .and_then(|size| after.get(..size))
        else {
            break;
        };
        whole += chunk;
        rest = after[chunk.len()..].trim_start_matches("\r\n");
    }
    whole
}
