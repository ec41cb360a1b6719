//! Writes what a directory holds, a record a line: key in hex, length and SHA-256 of the value.
//!
//! `cargo run -p lakehold-badger --example records -- DIRECTORY`; for comparing with what Badger's own
//! iterator gives of the same directory.

use std::io::BufWriter;
use std::io::Write as _;
use std::path::Path;

use lakehold_badger::Badger;
use lakehold_clock::Runtime;
use sha2::Digest as _;
use sha2::Sha256;

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let directory = std::env::args_os().nth(1).ok_or("give a directory")?;
    let runtime = Runtime::real();
    let store = Badger::open(Path::new(&directory))?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut count = 0;
    for record in store.records(runtime.now()) {
        let record = record?;
        let key = [&record.partition[..], b"/", &record.key].concat();
        let value = hex::encode(Sha256::digest(&record.value));
        writeln!(out, "{} {} {value}", hex::encode(key), record.value.len())?;
        count += 1;
    }
    out.flush()?;
    let versions = store.versions();
    eprintln!("{count} records of {versions} versions in {:?}", runtime.monotonic());
    Ok(())
}
