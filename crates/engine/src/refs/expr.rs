//! The grammar of reference expressions: `main~2`, `v1^2~`, `dev@`, `dev$`.
//!
//! ```text
//! ref      = base modifier*
//! base     = one or more characters, none of ~ ^ @ $
//! modifier = "~" [digits]     that many main parents back (1)
//!          | "^" [digits]     that parent, counted from 1 (1); ^0 is the commit itself
//!          | "@"              a branch without its staging area; the only modifier
//!          | "$"              a branch with its staging area, said out loud; the only modifier
//! ```

use crate::EngineError;
use crate::RefExpr;
use crate::error::Result;

/// An expression taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parsed<'a> {
    /// Name of a branch or tag, or a commit id or the beginning of one.
    pub(crate) base: &'a str,
    /// What follows the base.
    pub(crate) suffix: Suffix,
}

/// What follows the base of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Suffix {
    /// Steps from commit to commit; often none.
    Steps(Vec<Walk>),
    /// `@`.
    Committed,
    /// `$`.
    Staged,
}

/// A step from a commit to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walk {
    /// So many main parents back.
    Back(u64),
    /// The parent of this number, counted from 1.
    Parent(u64),
}

const MODIFIERS: [char; 4] = ['~', '^', '@', '$'];

/// Takes `reference` apart.
pub(crate) fn parse(reference: &RefExpr) -> Result<Parsed<'_>> {
    let text = reference.as_str();
    let (base, rest) = text.split_at(text.find(MODIFIERS).unwrap_or(text.len()));
    if base.is_empty() {
        return Err(invalid(reference, "it names nothing before its modifiers"));
    }
    let suffix = match rest {
        "@" => Suffix::Committed,
        "$" => Suffix::Staged,
        steps => Suffix::Steps(parse_steps(reference, steps)?),
    };
    Ok(Parsed { base, suffix })
}

fn parse_steps(reference: &RefExpr, mut rest: &str) -> Result<Vec<Walk>> {
    let mut steps = Vec::new();
    while let Some(modifier) = rest.chars().next() {
        let (number, after) =
            rest[1..].split_at(rest[1..].find(MODIFIERS).unwrap_or(rest.len() - 1));
        let number = parse_number(reference, number)?;
        steps.push(match modifier {
            '~' => Walk::Back(number),
            '^' => Walk::Parent(number),
            _ => return Err(invalid(reference, "@ and $ stand alone, right after a branch")),
        });
        rest = after;
    }
    Ok(steps)
}

fn parse_number(reference: &RefExpr, digits: &str) -> Result<u64> {
    if digits.is_empty() {
        return Ok(1);
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid(reference, "what follows ~ or ^ is not a number"));
    }
    digits.parse().map_err(|_| invalid(reference, "the number is too large"))
}

pub(crate) fn invalid(reference: &RefExpr, reason: &'static str) -> EngineError {
    EngineError::InvalidRef { reference: reference.as_str().to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Option<(String, Suffix)> {
        let reference = RefExpr::from_stored(text);
        parse(&reference).ok().map(|parsed| (parsed.base.to_owned(), parsed.suffix))
    }

    #[test]
    fn expressions_follow_the_grammar() {
        use Walk::Back;
        use Walk::Parent;
        let steps = |walks: &[Walk]| Suffix::Steps(walks.to_vec());
        for (text, base, suffix) in [
            ("main", "main", steps(&[])),
            ("main~", "main", steps(&[Back(1)])),
            ("main~0", "main", steps(&[Back(0)])),
            ("main~2^2~", "main", steps(&[Back(2), Parent(2), Back(1)])),
            ("v1.0^^", "v1.0", steps(&[Parent(1), Parent(1)])),
            ("ä~10", "ä", steps(&[Back(10)])),
            ("main@", "main", Suffix::Committed),
            ("main$", "main", Suffix::Staged),
        ] {
            assert_eq!(parsed(text), Some((base.to_owned(), suffix)), "{text}");
        }
        for text in [
            "",
            "~",
            "^1",
            "@",
            "$",
            "main~x",
            "main~-1",
            "main~+1",
            "main~1x",
            "main@1",
            "main$~",
            "main@~1",
            "main~1@",
            "main@@",
            "main$$",
            "main^ä",
            "main~99999999999999999999",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_expression_or_an_error(text in ".{0,12}") {
            if let Some((base, _)) = parsed(&text) {
                prop_assert!(!base.is_empty() && text.starts_with(&base));
            }
        }

        #[test]
        fn modifiers_are_read_in_the_order_they_stand(
            walks in prop::collection::vec((any::<bool>(), 0u64..1_000), 0..6),
        ) {
            let walks: Vec<_> = walks
                .into_iter()
                .map(|(back, n)| if back { Walk::Back(n) } else { Walk::Parent(n) })
                .collect();
            let mut text = "main".to_owned();
            for walk in &walks {
                text += &match walk {
                    Walk::Back(n) => format!("~{n}"),
                    Walk::Parent(n) => format!("^{n}"),
                };
            }
            prop_assert_eq!(parsed(&text), Some(("main".to_owned(), Suffix::Steps(walks))));
        }
    }
}
