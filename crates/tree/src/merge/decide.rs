//! What a merge does next: the stored format's table of decisions, in its order.

use std::cmp::Ordering;

use crate::merge::base::Base;
use crate::meta_range::RangeRef;
use crate::plan::Side;
use crate::walk::At;

/// What to do about where source and destination are.
#[derive(Debug)]
pub(super) enum Decision {
    End,
    /// Both have this range.
    TakeSame,
    /// The destination's range stays; the source's, of the same keys, is the base's.
    KeepDestination,
    /// The source's range replaces the destination's, of the same keys, which is the base's.
    Replace,
    /// A range of one side before everything on the other: taken over.
    TakeLone(Side),
    /// A range of one side before everything on the other, and the base has it: the other side
    /// removed it.
    DropLone(Side),
    Enter(Side),
    EnterBoth,
    OnlySource,
    OnlyDestination,
    SameKey,
}

/// Decides by where the two sides are and, of the base, by names and bounds alone.
pub(super) fn decide(source: &At<'_>, destination: &At<'_>, base: &Base) -> Decision {
    match (source, destination) {
        (At::End, At::End) => Decision::End,
        (At::Head(source), At::Head(destination)) => decide_heads(source, destination, base),
        (At::Head(range), At::Record(record)) if record.key < range.min => {
            Decision::OnlyDestination
        }
        (At::Record(record), At::Head(range)) if record.key < range.min => Decision::OnlySource,
        (At::Head(range), At::Record(record)) if record.key <= range.max => {
            Decision::Enter(Side::Source)
        }
        (At::Record(record), At::Head(range)) if record.key <= range.max => {
            Decision::Enter(Side::Destination)
        }
        (At::Head(range), _) => {
            decide_lone(range, Side::Source, base).unwrap_or(Decision::Enter(Side::Source))
        }
        (_, At::Head(range)) => decide_lone(range, Side::Destination, base)
            .unwrap_or(Decision::Enter(Side::Destination)),
        (At::Record(source), At::Record(destination)) => match source.key.cmp(&destination.key) {
            Ordering::Less => Decision::OnlySource,
            Ordering::Equal => Decision::SameKey,
            Ordering::Greater => Decision::OnlyDestination,
        },
        (At::Record(_), At::End) => Decision::OnlySource,
        (At::End, At::Record(_)) => Decision::OnlyDestination,
    }
}

fn decide_heads(source: &RangeRef, destination: &RangeRef, base: &Base) -> Decision {
    if source.id == destination.id {
        return Decision::TakeSame;
    }
    if source.has_bounds_of(destination) {
        return match base.first_overlap(source).map(|range| &range.id) {
            Some(base) if *base == source.id => Decision::KeepDestination,
            Some(base) if *base == destination.id => Decision::Replace,
            _ => Decision::EnterBoth,
        };
    }
    let lone = if source.max < destination.min {
        decide_lone(source, Side::Source, base)
    } else if destination.max < source.min {
        decide_lone(destination, Side::Destination, base)
    } else {
        None
    };
    lone.unwrap_or(Decision::EnterBoth)
}

/// What becomes of a range that lies before everything on the other side, if that can be told
/// without reading it.
fn decide_lone(range: &RangeRef, side: Side, base: &Base) -> Option<Decision> {
    match base.first_overlap(range) {
        None => Some(Decision::TakeLone(side)),
        Some(base) if base.id == range.id => Some(Decision::DropLone(side)),
        Some(_) => None,
    }
}
