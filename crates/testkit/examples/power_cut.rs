//! A disk that loses power on command, mounted at a folder:
//! `cargo run --release -p lakehold-testkit --features power-cut --example power_cut -- FOLDER ext4|strict`.
//!
//! It obeys the commands of [`lakehold_testkit::power_cut`] on standard input, and says `{}` on
//! standard output as soon as it is mounted.
#![expect(clippy::print_stdout, reason = "what it prints is read by the test that drives it")]

use std::io;
use std::path::Path;

use lakehold_clock::Runtime;
use lakehold_testkit::power_cut::Mounted;
use lakehold_testkit::power_cut::Settings;
use lakehold_testkit::power_cut::Volume;
use lakehold_testkit::power_cut::serve;

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, naming] = &arguments[..] else {
        return Err("usage: power_cut FOLDER ext4|strict".into());
    };
    let settings = Settings::new(naming.parse()?);
    let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
    let volume = Volume::new(settings, user.as_raw(), group.as_raw());
    let mounted = Mounted::new(volume, Path::new(folder), Runtime::real())?;
    println!("{{}}");
    serve(mounted, io::stdin().lock(), io::stdout().lock())?;
    Ok(())
}
