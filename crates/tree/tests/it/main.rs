//! Trees over a block store: what the algorithms' own tests, which run without one, cannot show.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod lake;
#[cfg(test)]
mod operations;
