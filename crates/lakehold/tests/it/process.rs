//! Servers in processes of their own, and requests to them. Every wait has a limit.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

/// Far longer than anything here takes, on the slowest machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A command whose environment has none of our variables and whose port is any that is free.
pub(crate) fn serve(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakehold"));
    command.env_clear().arg("serve").arg("--data-dir").arg(data_dir);
    command.env("LAKEHOLD_LISTEN", "127.0.0.1:0");
    command
}

/// Runs a command that is expected to end by itself.
pub(crate) fn run(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    end_of(child.spawn().expect("started"))
}

fn end_of(child: Child) -> Output {
    let pid = pid(&child);
    let (done, ended) = mpsc::channel();
    drop(std::thread::spawn(move || done.send(child.wait_with_output())));
    let output = ended.recv_timeout(LIMIT);
    if output.is_err() {
        kill_process(pid, Signal::KILL).expect("killed");
    }
    output.expect("the process ends in time").expect("waited for")
}

fn pid(child: &Child) -> Pid {
    let id = i32::try_from(child.id()).expect("a process id");
    Pid::from_raw(id).expect("a process id")
}

/// A server that listens. Killed when dropped.
pub(crate) struct Server {
    child: Option<Child>,
    /// Its address, HOST:PORT.
    pub(crate) address: String,
    /// All that it printed.
    pub(crate) printed: String,
}

impl Server {
    /// Starts a server and waits until it says that it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("started");
        let stdout = child.stdout.take().expect("piped");
        let mut server =
            Self { child: Some(child), address: String::new(), printed: String::new() };
        let (line, lines) = mpsc::channel();
        drop(std::thread::spawn(move || {
            BufReader::new(stdout)
                .lines()
                .map_while(Result::ok)
                .try_for_each(|text| line.send(text))
        }));
        while !server.printed.contains("Ctrl-C") {
            let line = lines.recv_timeout(LIMIT).map_err(|_| stderr(&server.end()));
            server.printed.push_str(&(line.expect("it starts") + "\n"));
        }
        let (_, after) = server.printed.split_once("http://").expect("an address is printed");
        server.address = after.split_whitespace().next().expect("an address").to_owned();
        server
    }

    /// What is printed after a label of the banner.
    pub(crate) fn value(&self, label: &str) -> Option<String> {
        let line = self.printed.lines().find_map(|line| line.trim().strip_prefix(label))?;
        Some(line.trim().to_owned())
    }

    /// Key id and secret as printed.
    pub(crate) fn keys(&self) -> (String, String) {
        let value = |label| self.value(label).expect("keys are printed");
        (value("key id"), value("secret"))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn stop(mut self, signal: Signal) -> Output {
        self.send(signal);
        self.end()
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(pid(self.child.as_ref().expect("running")), signal).expect("signalled");
    }

    /// Waits for the end.
    pub(crate) fn end(&mut self) -> Output {
        end_of(self.child.take().expect("running"))
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("connected");
        stream.set_read_timeout(Some(LIMIT)).expect("limited");
        stream
    }

    /// Sends `GET path` with more lines of the head, and returns the whole answer as text.
    pub(crate) fn get(&self, path: &str, headers: &[String]) -> String {
        self.request(&format!("GET {path}"), headers, "")
    }

    /// Sends a request and returns the whole answer as text.
    pub(crate) fn request(&self, line: &str, headers: &[String], body: &str) -> String {
        let mut stream = self.connect();
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            self.address,
            body.len()
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }

    /// Whether the server knows these keys.
    pub(crate) fn knows(&self, keys: &(String, String)) -> bool {
        let answer = self.get("/api/v1/user", &[basic(keys)]);
        answer.starts_with("HTTP/1.1 200") && answer.contains("\"id\":\"admin\"")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Both fail only where it has ended.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// A header that presents keys.
pub(crate) fn basic((id, secret): &(String, String)) -> String {
    format!("Authorization: Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
