//! Asking the server that has a data directory.

use std::path::Path;

use anyhow::Context as _;
use anyhow::bail;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;

use lakehold_doctor::Options;
use lakehold_doctor::Progress;
use lakehold_doctor::Report;

use crate::control::SOCKET;
use crate::control::protocol::Answer;
use crate::control::protocol::DoctorRequest;
use crate::control::protocol::Request;
use crate::control::socket;

/// Has the server that uses `data_dir` examine its installation. `None` where none does.
pub(crate) async fn doctor(
    data_dir: &Path,
    options: &Options,
    progress: impl Fn(Progress),
) -> anyhow::Result<Option<Report>> {
    let connected = socket::connect(data_dir, SOCKET).await;
    let connected = connected.with_context(|| {
        let path = data_dir.join(SOCKET);
        format!("the server cannot be asked through {}", path.display())
    })?;
    let Some(stream) = connected else { return Ok(None) };
    let (reader, mut writer) = stream.into_split();
    let mut request = serde_json::to_vec(&Request::Doctor(DoctorRequest::from(options)))?;
    request.push(b'\n');
    writer.write_all(&request).await.context("asking the server")?;
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await.context("listening to the server")? {
        let answer = serde_json::from_str(&line)
            .context("the server says something else: is it of another version?")?;
        match answer {
            Answer::Progress(now) => progress(now),
            Answer::Report(report) => return Ok(Some(*report)),
            Answer::Error(reason) => bail!("the server did not finish: {reason}"),
        }
    }
    bail!("the server was stopped before it finished")
}
