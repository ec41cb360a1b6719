//! What is sent: a repository that is filled first, and the kinds of requests about it.

use anyhow::Context as _;
use lakehold_clock::Runtime;
use serde_json::Value;
use serde_json::json;

use crate::load::LoadArgs;
use crate::load::http::Target;
use crate::load::run::Job;
use crate::load::run::send_all;
use crate::load::settle;

/// The object that `--large-mib` makes.
const LARGE: &str = "large";

/// One kind of load.
pub(crate) struct Scenario {
    /// What it is called in the table.
    pub(crate) name: &'static str,
    /// How many requests are under way at a time.
    pub(crate) connections: usize,
    /// The request of a number.
    pub(crate) job: Box<dyn Fn(u64) -> Job>,
}

/// A repository with objects in one commit, and as many staged on its branch `main`.
pub(crate) struct Filled {
    base: String,
    run: String,
    commit: String,
    objects: u64,
    physical_address: String,
}

impl Filled {
    /// Makes it on the server.
    pub(crate) fn fill(target: &Target, args: &LoadArgs) -> anyhow::Result<Self> {
        let run = hex::encode(Runtime::real().random_bytes::<4>());
        let repository = format!("load-{run}");
        let base = format!("/api/v1/repositories/{repository}");
        let namespace = format!("{}/{repository}", args.namespace.trim_end_matches('/'));
        let new = json!({"name": repository, "storage_namespace": namespace});
        one(target, Job::json("POST", "/api/v1/repositories", &new))?;
        let upload = |number: u64| {
            Job::bytes("POST", format!("{base}/branches/main/objects?path={}", path(number)), 10)
        };
        send_all(target, 64, args.objects, &upload)?;
        if let Some(mib) = args.large_mib {
            let upload = format!("{base}/branches/main/objects?path={LARGE}");
            one(target, Job::bytes("POST", upload, mib << 20))?;
        }
        let message = json!({"message": "filled by the load tool"});
        let answer =
            one(target, Job::json("POST", &format!("{base}/branches/main/commits"), &message))?;
        let commit = answer["id"].as_str().context("commit without an id")?.to_owned();
        // What the server still has to do about the filling is not to be counted with a scenario.
        settle(&args.server_pid)?;
        let stat = Job::get(&format!("{base}/refs/main/objects/stat?path={}", path(0)));
        let answer = one(target, stat)?;
        let physical_address =
            answer["physical_address"].as_str().context("object without address")?.to_owned();
        let filled = Self { base, run, commit, objects: args.objects, physical_address };
        send_all(target, 64, filled.objects, &filled.stage("uncommitted"))?;
        Ok(filled)
    }

    /// All of them; with bodies of `large_mib` only where these were uploaded.
    pub(crate) fn scenarios(&self, large_mib: Option<usize>) -> Vec<Scenario> {
        let Self { base, run, commit, objects, .. } = self;
        let (objects, at_commit) = (*objects, format!("{base}/refs/{commit}/objects"));
        let (stat, read) = (format!("{at_commit}/stat?path="), format!("{at_commit}?path="));
        let staged = format!("{base}/refs/main/objects/stat?path=uncommitted/");
        let page = format!("{at_commit}/ls?amount=1000&after=");
        let (branches, run) = (format!("{base}/branches"), run.clone());
        let last_page = (objects.saturating_sub(1_000) / 2).max(1);
        let any = move |number: u64| number.wrapping_mul(7_919) % objects;
        let large = format!("{read}{LARGE}");
        let new_branch =
            move |number| json!({"name": format!("b-{run}-{number}"), "source": "main"});
        let mut all = vec![
            scenario("stat on a commit", 128, move |n| {
                Job::get(&format!("{stat}{}", path(any(n))))
            }),
            scenario("stat of what is staged", 128, move |n| {
                Job::get(&format!("{staged}{:09}", any(n)))
            }),
            scenario("upload 10 B", 64, self.upload("ten", 10)),
            scenario("upload 1 KiB", 64, self.upload("kib", 1_024)),
            scenario("upload 10 B, one writer", 1, self.upload("one", 10)),
            scenario("stage an address", 64, self.stage("staged")),
            scenario("create branch", 64, move |n| Job::json("POST", &branches, &new_branch(n))),
            scenario("list page of 1,000", 8, move |n| {
                Job::get(&format!("{page}{}", path(n % last_page)))
            }),
            scenario("read 10 B", 64, move |n| Job::get(&format!("{read}{}", path(any(n))))),
        ];
        if let Some(mib) = large_mib {
            all.push(scenario("upload, large", 8, self.upload("large", mib << 20)));
            all.push(scenario("read, large", 8, move |_| Job::get(&large)));
        }
        all
    }

    /// Uploads bodies of `size` bytes under ever new paths below `folder`.
    fn upload(&self, folder: &str, size: usize) -> impl Fn(u64) -> Job + use<> {
        let to = format!("{}/branches/main/objects?path=new/{folder}/", self.base);
        move |number| Job::bytes("POST", format!("{to}{number:09}"), size)
    }

    /// Stages the same address under ever new paths below `folder`.
    fn stage(&self, folder: &str) -> impl Fn(u64) -> Job + use<> {
        let to = format!("{}/branches/main/objects?path={folder}/", self.base);
        let address = &self.physical_address;
        let body = json!({"physical_address": address, "checksum": "d41d8cd9", "size_bytes": 10});
        move |number| Job::json("PUT", &format!("{to}{number:09}"), &body)
    }
}

fn scenario(
    name: &'static str,
    connections: usize,
    job: impl Fn(u64) -> Job + 'static,
) -> Scenario {
    Scenario { name, connections, job: Box::new(job) }
}

fn one(target: &Target, job: Job) -> anyhow::Result<Value> {
    let shown = job.path.clone();
    let answers = send_all(target, 1, 1, &move |_| job.clone())?;
    let body = answers.into_iter().next().with_context(|| format!("no answer to {shown}"))?;
    serde_json::from_slice(&body).with_context(|| format!("answer to {shown}"))
}

fn path(number: u64) -> String {
    format!("tables/events/day%3D{:03}/part-{number:08}.parquet", number % 100)
}
