//! Tests of reading and importing Badger directories, on directories that Badger made.
//!
//! `tests/data` holds what Badger 4.7.0 wrote through its public interface, without the file of
//! statistics; `levels` and `killed` with settings that make many small files. `tests/data/make.go` is the
//! program; what its command `dump` gives is hashed in `made_by_badger`.
//!
//! | archive | what it is |
//! | --- | --- |
//! | `levels` | 5,400 writes: overwritten, deleted, expired, in the value log; closed |
//! | `killed` | the same writes, and the process ended without closing: five memtables |
//! | `big`, `big-killed` | lakeFS's settings, three values of 1 MiB and a little more; closed and not |
//! | `none`, `zstd`, `encrypted`, `merge` | one record, with that setting; `merge` with merge operands |

mod damage;
mod fuzz;
mod import;
mod installations;
mod made_by_badger;
mod refusals;
mod support;
mod torn_logs;
