//! Stdio as real clients use it.
//!
//! rmcp ends the process when a notification comes before the session is open, lets a call in flight hold the process
//! for seconds after the input has ended, and names the server on two results only. This wrapper mends the three.

use std::future::Future;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    CallToolResult, ClientRequest, GetMeta, JsonRpcMessage, MetaObject, ProtocolVersion,
    ServerResult,
};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// How long calls in flight may go on once the input has ended: long enough for a shell pipe to get its answers.
const LINGER: Duration = Duration::from_millis(1500);

pub struct Guard<T> {
    inner: T,
    opened: bool,
    closing: CancellationToken,
}

impl<T> Guard<T> {
    /// `closing` is cancelled when calls in flight must end because nobody listens any more.
    pub fn new(inner: T, closing: CancellationToken) -> Guard<T> {
        Guard {
            inner,
            opened: false,
            closing,
        }
    }
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Guard<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        mut message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        if let JsonRpcMessage::Response(response) = &mut message {
            name_server(&mut response.result);
        }
        self.inner.send(message)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let Some(message) = self.inner.receive().await else {
                let closing = self.closing.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(LINGER).await;
                    closing.cancel();
                });
                return None;
            };
            if let JsonRpcMessage::Request(request) = &message {
                self.opened |= opens(&request.request);
            } else if !self.opened {
                continue;
            }
            return Some(message);
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inner.close().await
    }
}

/// Whether rmcp takes this request for the start of a session.
fn opens(request: &ClientRequest) -> bool {
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::DiscoverRequest(_) | ClientRequest::PingRequest(_) => false,
        other => {
            let meta = other.get_meta();
            meta.missing_required_keys(&ProtocolVersion::V_2026_07_28)
                .is_empty()
                && meta
                    .protocol_version()
                    .is_some_and(|version| ProtocolVersion::KNOWN_VERSIONS.contains(&version))
        }
    }
}

/// Puts `serverInfo` into a result of the 2026-07-28 protocol, known by its `resultType`.
fn name_server(result: &mut ServerResult) {
    let meta = match result {
        ServerResult::CallToolResult(CallToolResult {
            result_type: Some(_),
            meta,
            ..
        }) => meta,
        ServerResult::ListToolsResult(list) if list.result_type.is_some() => &mut list.meta,
        ServerResult::ListPromptsResult(list) if list.result_type.is_some() => &mut list.meta,
        ServerResult::ListResourcesResult(list) if list.result_type.is_some() => &mut list.meta,
        ServerResult::ListResourceTemplatesResult(list) if list.result_type.is_some() => {
            &mut list.meta
        }
        ServerResult::ReadResourceResult(read) if read.result_type.is_some() => &mut read.meta,
        ServerResult::GetPromptResult(prompt) if prompt.result_type.is_some() => &mut prompt.meta,
        ServerResult::CompleteResult(complete) if complete.result_type.is_some() => {
            &mut complete.meta
        }
        _ => return,
    };
    let info = json!({"name": super::NAME, "version": env!("CARGO_PKG_VERSION")});
    meta.get_or_insert_with(MetaObject::new)
        .insert("io.modelcontextprotocol/serverInfo".into(), info);
}
