//! Groups of posts with nearly the same text.
//!
//! Texts are compared by their sets of three successive words, without links and mentions. MinHash estimates the share
//! that two sets have in common (Broder, "On the resemblance and containment of documents", 1997); hashing the
//! signatures in bands finds the pairs that are worth comparing without comparing all pairs.

use std::collections::{HashMap, HashSet};

use super::{count, share};
use crate::models::explanation::{PostCluster, SampledPost};

/// Number of hash functions. The estimated share is off by 0.06 at most two times in three.
const N_HASHES: usize = 64;

/// Number of successive hashes that two texts must share to be compared. Of pairs with 0.5 in common, 94 in 100 share
/// one of the 21 bands; of those with 0.2, 16.
const HASHES_PER_BAND: usize = 3;

/// Minimum share of hashes that near copies have in common. In a text of 15 words, one changed word leaves 0.6.
const RESEMBLANCE_MIN: f64 = 0.5;

/// Number of words compared at once.
const SHINGLE_WORDS: usize = 3;

/// Minimum number of words. Shorter texts, such as "thank you so much", are alike by chance.
const WORDS_MIN: usize = 5;

/// Maximum number of distinct texts compared within a band. Texts made from one template share many bands, and
/// comparing each with all others would take minutes.
const LEADERS_MAX: usize = 16;

/// Minimum size of a group that is shown.
const CLUSTER_POSTS_MIN: usize = 3;

/// Maximum number of groups shown.
const CLUSTERS_MAX: usize = 8;

/// Number of words in a phrase to search for.
const PHRASE_WORDS: usize = 5;

/// Maximum number of posts that are searched for each phrase, to choose the most common one.
const PHRASE_POSTS_MAX: usize = 200;

type Signature = [u64; N_HASHES];

/// Returns the posts by group, as indexes in ascending order. A post without near copies is a group by itself.
pub(super) fn groups(posts: &[SampledPost]) -> Vec<Vec<usize>> {
    let signatures: Vec<Option<Signature>> =
        posts.iter().map(|sampled| signature_of(&sampled.post.text)).collect();
    let mut groups = Groups { parents: (0..posts.len()).collect() };
    let mut bands: HashMap<(usize, &[u64]), Vec<usize>> = HashMap::new();
    for (index, signature) in signatures.iter().enumerate() {
        let Some(signature) = signature else { continue };
        for (band, hashes) in signature.chunks_exact(HASHES_PER_BAND).enumerate() {
            let leaders = bands.entry((band, hashes)).or_default();
            let is_like = |leader: &&usize| {
                let other = signatures.get(**leader).and_then(Option::as_ref);
                other.is_some_and(|other| resemblance(signature, other) >= RESEMBLANCE_MIN)
            };
            match leaders.iter().find(is_like) {
                Some(leader) => groups.join(*leader, index),
                None if leaders.len() < LEADERS_MAX => leaders.push(index),
                None => {}
            }
        }
    }
    let mut by_leader: HashMap<usize, Vec<usize>> = HashMap::new();
    for index in 0..posts.len() {
        by_leader.entry(groups.leader_of(index)).or_default().push(index);
    }
    let mut all: Vec<Vec<usize>> = by_leader.into_values().collect();
    all.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    all
}

/// Returns the largest groups of several posts.
pub(super) fn clusters(posts: &[SampledPost], groups: &[Vec<usize>]) -> Vec<PostCluster> {
    let large = groups.iter().filter(|group| group.len() >= CLUSTER_POSTS_MIN).take(CLUSTERS_MAX);
    large.filter_map(|group| cluster(posts, group)).collect()
}

fn cluster(posts: &[SampledPost], group: &[usize]) -> Option<PostCluster> {
    let members: Vec<&SampledPost> = group.iter().filter_map(|index| posts.get(*index)).collect();
    let example = members.iter().min_by_key(|member| (member.post.created_at, member.post.uuid))?;
    let authors: HashSet<&str> = members.iter().filter_map(|member| member.post.author.as_deref()).collect();
    let phrase = phrase_of(&example.post.text, &members);
    let contains = |phrase: &String| {
        posts.iter().filter(|sampled| plain(&sampled.post.text).contains(phrase.as_str())).count()
    };
    Some(PostCluster {
        posts: count(members.len()),
        share: share(count(members.len()), count(posts.len())),
        authors: count(authors.len()),
        example: example.post.clone(),
        phrase_posts: count(phrase.as_ref().map_or(0, contains)),
        phrase,
    })
}

/// Returns the run of plain words in a text that most members contain.
fn phrase_of(text: &str, members: &[&SampledPost]) -> Option<String> {
    let texts: Vec<String> =
        members.iter().take(PHRASE_POSTS_MAX).map(|member| plain(&member.post.text)).collect();
    let plain = plain(text);
    let words: Vec<&str> = plain.split(' ').collect();
    let is_plain = |word: &&str| !word.is_empty() && word.chars().all(char::is_alphabetic);
    let runs = words.windows(PHRASE_WORDS).filter(|run| run.iter().all(is_plain)).map(|run| run.join(" "));
    let common = |run: &String| texts.iter().filter(|text| text.contains(run.as_str())).count();
    let best =
        runs.map(|run| (common(&run), run)).reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, run)| run)
}

/// Returns a text in lower case, with single spaces between its words.
fn plain(text: &str) -> String {
    text.split_whitespace().map(str::to_lowercase).collect::<Vec<String>>().join(" ")
}

/// Returns the words of a text that are compared.
fn words_of(text: &str) -> Vec<String> {
    let is_counted = |chunk: &&str| !chunk.contains("://") && !chunk.starts_with('@') && *chunk != "RT";
    let word =
        |chunk: &str| chunk.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let words = text.split_whitespace().filter(is_counted).map(word);
    words.filter(|word: &String| !word.is_empty()).collect()
}

/// Returns the smallest value of each hash function over the shingles of a text; `None` if the text is too short.
fn signature_of(text: &str) -> Option<Signature> {
    let words = words_of(text);
    if words.len() < WORDS_MIN {
        return None;
    }
    let mut signature = [u64::MAX; N_HASHES];
    for shingle in words.windows(SHINGLE_WORDS) {
        let hash = hash_of(shingle);
        let mut seed = 0_u64;
        for least in &mut signature {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            *least = (*least).min(mixed(hash ^ seed));
        }
    }
    Some(signature)
}

/// Hashes words with FNV-1a.
fn hash_of(words: &[String]) -> u64 {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Applies the finalizer of `SplitMix64`, which turns one hash function into many.
fn mixed(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

fn resemblance(a: &Signature, b: &Signature) -> f64 {
    let n_same = a.iter().zip(b).filter(|(a, b)| a == b).count();
    n_same as f64 / N_HASHES as f64
}

/// Disjoint sets of posts.
struct Groups {
    parents: Vec<usize>,
}

impl Groups {
    fn leader_of(&mut self, mut index: usize) -> usize {
        while let Some(&parent) = self.parents.get(index)
            && parent != index
        {
            let above = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(index) {
                *slot = above;
            }
            index = above;
        }
        index
    }

    /// Joins two groups; the lower index becomes the representative.
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.leader_of(a), self.leader_of(b));
        if let Some(slot) = self.parents.get_mut(a.max(b)) {
            *slot = a.min(b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::sampled;
    use super::*;

    const NOTICE: &str = "We are recalling all Nimbrel Buds sold since May because the case can overheat";

    #[test]
    fn near_copies_are_one_group_and_other_texts_are_not() {
        let posts = sampled(&[
            NOTICE,
            "RT @nimbrel: We are recalling all Nimbrel Buds sold since May because the case can overheat",
            "we are recalling all Nimbrel Buds sold since May because the case can overheat!! https://t.co/x1",
            "We are recalling all Nimbrel Buds sold since May because the case may overheat",
            "I love my Nimbrel Buds, the case is so small that it fits any pocket",
            "thank you",
            "thank you",
        ]);
        assert_eq!(groups(&posts), [vec![0, 1, 2, 3], vec![4], vec![5], vec![6]]);
    }

    #[test]
    fn the_resemblance_of_two_texts_is_close_to_the_share_of_shingles_they_have_in_common() {
        let words: Vec<String> = (0..200).map(|n| format!("word{n}")).collect();
        for n_common in [40, 100, 160] {
            let other: Vec<String> = words
                .iter()
                .take(n_common)
                .cloned()
                .chain((0..200 - n_common).map(|n| format!("other{n}")))
                .collect();
            let (a, b) = (signature_of(&words.join(" ")).unwrap(), signature_of(&other.join(" ")).unwrap());
            // Of 198 shingles each, those within the common words.
            let common = n_common as f64 - 2.0;
            let exact = common / (2.0 * 198.0 - common);
            assert!(
                (resemblance(&a, &b) - exact).abs() < 0.15,
                "{n_common}: {} of {exact}",
                resemblance(&a, &b)
            );
        }
    }

    #[test]
    fn a_cluster_has_its_earliest_post_its_authors_and_a_phrase_to_search_for() {
        let mut posts = sampled(&[
            "@a We are recalling all Nimbrel Buds sold since May because the case can overheat",
            NOTICE,
            NOTICE,
            "we are recalling all Nimbrel Buds sold since May because THE CASE can overheat now",
            "something else entirely, about the weather in the north",
        ]);
        posts[0].post.created_at = posts[4].post.created_at;
        posts[2].post.author = posts[1].post.author.clone();
        posts[3].post.author = None;
        let found = clusters(&posts, &groups(&posts));
        assert_eq!(found.len(), 1);
        let PostCluster { posts: n_posts, share, authors, example, phrase, phrase_posts } = &found[0];
        assert_eq!((*n_posts, *share, *authors), (4, 0.8, 2));
        assert_eq!(example.uuid, posts[1].post.uuid);
        assert_eq!((phrase.as_deref(), *phrase_posts), (Some("we are recalling all nimbrel"), 4));
    }

    #[test]
    fn many_distinct_texts_stay_apart() {
        let texts: Vec<String> = (0..300)
            .map(|n| {
                format!("order {n} came on day {} in box {} by van {}", n * 7 % 31, n * 13 % 101, n * 17 % 89)
            })
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert!(groups(&sampled(&texts)).len() > 290);
    }
}
