//! Runs that a real server noted, against what it answered.

mod real_install;
