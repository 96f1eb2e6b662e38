//! Topics as rules of X: <https://docs.x.com/x-api/posts/filtered-stream/integrate/build-a-rule>.

mod dialect; // what X can search for
mod rules; // searches as rules of limited length

use self::dialect::{X, known};
use self::rules::{n_chars, split, text, together};
use super::approximate::{Approximation, Search, approximate};
use super::fold::fold;
use super::outcome::{Outcome, add_name};
use super::{FollowedTopic, Room};
use crate::models::source::following::{LeftOutEffect, SourceQueries};

/// What the search of X does not find in general.
pub const NOTES: [&str; 2] = [
    "X finds whole words, but not those within longer hashtags",
    "X decides on its own what the words are in texts of scripts that do not separate them",
];

/// Returns the rules for topics. Topics share rules that have room for several.
pub fn queries(topics: &[FollowedTopic], room: Room) -> SourceQueries {
    let mut outcome = Outcome::default();
    let mut rules: Vec<(Vec<Search>, Vec<String>)> = Vec::new();
    for FollowedTopic { name, query } in topics {
        let written = query.to_string();
        let folded = match fold(query, &known) {
            Ok(folded) => folded,
            Err(matches_all) => {
                outcome.leave_out_whole(name, written, matches_all);
                continue;
            }
        };
        let Approximation { search, dropped } = match approximate::<X>(&folded) {
            Ok(found) => found,
            Err(reason) => {
                outcome.leave_out(name, (written, reason), LeftOutEffect::Missing);
                continue;
            }
        };
        for part in dropped {
            outcome.leave_out(name, part, LeftOutEffect::Wider);
        }
        let mut left_out = Vec::new();
        for rule in split(&search, room.n_chars_max, &mut left_out) {
            if !place(&mut rules, (&rule, name), room) {
                let reason = format!("a source of X may have {} queries at most", room.n_queries_max);
                outcome.leave_out(name, (text(&rule), reason), LeftOutEffect::Missing);
            }
        }
        for part in left_out {
            let reason = "a rule of X has no room for it".to_owned();
            outcome.leave_out(name, (part, reason), LeftOutEffect::Wider);
        }
    }
    for (parts, topics) in rules {
        outcome.ask(together(&parts), topics);
    }
    outcome.into_queries()
}

/// Places what finds posts of a topic in the first rule with room for it. Returns false if there is none.
fn place(rules: &mut Vec<(Vec<Search>, Vec<String>)>, (search, topic): (&Search, &str), room: Room) -> bool {
    if let Some((_, topics)) = rules.iter_mut().find(|(parts, _)| parts.contains(search)) {
        add_name(topics, topic);
        return true;
    }
    for (parts, topics) in rules.iter_mut() {
        parts.push(search.clone());
        if n_chars(&together(parts)) <= room.n_chars_max {
            add_name(topics, topic);
            return true;
        }
        parts.pop();
    }
    let has_room = rules.len() < room.n_queries_max;
    if has_room {
        rules.push((vec![search.clone()], vec![topic.to_owned()]));
    }
    has_room
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::pushdown::tests::{asked, left_out, topics};

    const ROOM: Room = Room { n_queries_max: 25, n_chars_max: 512 };

    fn check(query: &str, rules: &[&str], dropped: &[&str]) {
        let found = queries(&topics(&[query]), ROOM);
        assert_eq!(asked(&found), rules, "{query}");
        assert_eq!(left_out(&found), dropped, "{query}");
    }

    #[test]
    fn topics_become_rules() {
        check("Nimbrel phone", &["nimbrel phone"], &[]);
        check("nimbrel OR \"Vexa One\" OR #Orlo", &["nimbrel OR \"vexa one\" OR #orlo"], &[]);
        check("(nimbrel OR vexa) refund", &["(nimbrel OR vexa) refund"], &[]);
        check("(nimbrel refund) OR vexa", &["(nimbrel refund) OR vexa"], &[]);
        check("@nimbrel OR @ana.bsky.social", &["@nimbrel OR \"ana bsky social\""], &[]);
        check("from:ana OR from:ana.bsky.social OR from:2244994945", &["from:ana OR from:2244994945"], &[]);
        check("nimbrel lang:en", &["nimbrel (lang:en OR lang:und)"], &[]);
        check("nimbrel -from:ana -lang:en -#ad", &["nimbrel -from:ana -lang:en -#ad"], &[]);
        check("nimbrel NOT (#ad OR from:ana)", &["nimbrel -#ad -from:ana"], &[]);
        check("nimbrel platform:x", &["nimbrel"], &[]);
        check("#2026 nimbrel", &["2026 nimbrel"], &[]);
    }

    #[test]
    fn what_cannot_be_asked_for_is_left_out() {
        check(
            "nimbrel refund*",
            &["nimbrel"],
            &["wider: refund*: X cannot search for the beginnings of words"],
        );
        check(
            "nimbrel OR refund*",
            &[],
            &["missing: nimbrel OR refund*: `refund*`: X cannot search for the beginnings of words"],
        );
        check("nimbrel -job", &["nimbrel"], &["wider: NOT job: X would exclude other posts, too"]);
        check("nimbrel country:DE", &["nimbrel"], &["wider: country:DE: X knows the countries of few posts"]);
        check("nimbrel lang:tlh", &["nimbrel"], &["wider: lang:tlh: X does not tell this language apart"]);
        check(
            "nimbrel NEAR/3 (refund OR return)",
            &["nimbrel (refund OR return)"],
            &["wider: nimbrel NEAR/3 (refund OR return): X is asked for both, however far apart"],
        );
        check("raw:Nimbrel", &["nimbrel"], &["wider: raw:Nimbrel: X ignores case and punctuation"]);
        check(
            "nimbrel platform:bluesky",
            &[],
            &["nothing: nimbrel AND platform:bluesky: it matches no post of this network"],
        );
        check(
            "refund* -#ad",
            &[],
            &["missing: refund* AND NOT #ad: `refund*`: X cannot search for the beginnings of words"],
        );
        check(
            "nimbrel (vexa OR NOT #ad)",
            &["nimbrel"],
            &["wider: vexa OR NOT #ad: `NOT #ad`: an exclusion cannot be an alternative on X"],
        );
    }

    #[test]
    fn topics_share_rules_and_long_ones_are_split() {
        let found = queries(&topics(&["nimbrel", "vexa lang:en", "NIMBREL"]), ROOM);
        assert_eq!(asked(&found), ["nimbrel OR (vexa (lang:en OR lang:und))"]);
        assert_eq!(found.queries[0].topics, ["T0", "T1", "T2"]);
        let words: Vec<String> = (0..200).map(|n| format!("word{n}")).collect();
        let found = queries(&topics(&[&format!("nimbrel ({})", words.join(" OR "))]), ROOM);
        assert!((5..9).contains(&found.queries.len()), "{}", found.queries.len());
        for rule in asked(&found) {
            assert!(rule.starts_with("nimbrel (word") && rule.chars().count() <= 512, "{rule}");
        }
        let found = queries(&topics(&[&words.join(" OR ")]), Room { n_queries_max: 2, ..ROOM });
        assert_eq!((found.queries.len(), found.left_out[0].effect), (2, LeftOutEffect::Missing));
        assert!(found.left_out[0].reason.contains("2 queries at most"), "{:?}", found.left_out);
    }
}
