//! Names of posts and comments: `t3_1abc2d` is a post, `t1_1abc2d` a comment. The part after `_` is a number in base 36.

use std::fmt;

/// Largest number of a name: ten digits in base 36, of which Reddit uses seven. The rest of 64 bits is left to other keys.
const NUMBER_MAX: u64 = 36_u64.pow(10) - 1;

/// Kind of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Post,
    Comment,
}

impl Kind {
    /// Returns the prefix of names of this kind.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Post => "t3",
            Self::Comment => "t1",
        }
    }
}

/// Full name of a post or a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name {
    pub kind: Kind,
    pub number: u64,
}

impl Name {
    /// Reads a name. Returns `None` if it names neither a post nor a comment, or is not written as Reddit writes it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (prefix, digits) = text.split_once('_')?;
        let kind = [Kind::Post, Kind::Comment].into_iter().find(|kind| kind.prefix() == prefix)?;
        let number = u64::from_str_radix(digits, 36).ok().filter(|number| *number <= NUMBER_MAX)?;
        let name = Self { kind, number };
        // Otherwise one thing would have several names.
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |number: u64| char::from_digit((number % 36).try_into().ok()?, 36);
        let numbers =
            std::iter::successors(Some(self.number), |number| Some(number / 36).filter(|it| *it > 0));
        let digits: Vec<char> = numbers.filter_map(digit).collect();
        write!(f, "{}_{}", self.kind.prefix(), digits.iter().rev().collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let check = |text: &str, expected: Option<(Kind, u64)>| {
            let name = Name::read(text);
            assert_eq!(name.map(|name| (name.kind, name.number)), expected, "{text}");
            assert!(name.is_none_or(|name| name.to_string() == text), "{text}");
        };
        check("t3_0", Some((Kind::Post, 0)));
        check("t3_z", Some((Kind::Post, 35)));
        check("t1_10", Some((Kind::Comment, 36)));
        check("t1_zzzzzzzzzz", Some((Kind::Comment, NUMBER_MAX)));
        for wrong in ["", "t3_", "t3", "t2_a", "t3_A", "t3_01", "t3_+1", "t3_a b", "t3_é", "t1_10000000000"]
        {
            check(wrong, None);
        }
    }
}
