//! Time, randomness, fresh ids and task spawning.
//!
//! Everything in Lakehold that is not a function of its input comes in through a [`Runtime`]: what
//! time it is ([`Clock`]), unpredictable bytes ([`Random`]), and who runs a task ([`Spawner`]). The
//! server makes one real runtime when it starts; a simulation makes a seeded one and can then hold
//! time, chance and the order of tasks (docs/design/0001-runtime-seam.md). No other crate reads the
//! system clock, a random source, or spawns a task by itself: `clippy.toml` refuses it.
//!
//! ```text
//! Runtime ── Clock     now, monotonic, sleep
//!         ├─ Random    fill
//!         └─ Spawner   spawn (tasks), blocking (work that takes longer than half a millisecond)
//! ```
//!
//! Fresh ids are made from these: [`Xid`], [`uuid_v4`], [`nanoid`].

mod ids;
mod real;
mod runtime;
mod seeded;
mod timestamp;

pub use ids::Xid;
pub use ids::XidError;
pub use ids::XidGenerator;
pub use ids::nanoid;
pub use ids::uuid_v4;
pub use runtime::Clock;
pub use runtime::Elapsed;
pub use runtime::Random;
pub use runtime::Runtime;
pub use runtime::Spawner;
pub use seeded::ManualClock;
pub use seeded::SeededRandom;
pub use timestamp::Timestamp;
