//! The sketches compared with exact counts of the real posts in `data/`.

use std::collections::{HashMap, HashSet};

use flate2::read::GzDecoder;

use super::authors::{RELATIVE_ERROR, hash_of};
use super::slice::{PostBatch, Slice, TermPost};
use super::tally::TermTally;
use super::terms::terms_of;

struct RealPost {
    text: String,
    author: String,
}

fn real_posts() -> Vec<RealPost> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mayweather-mcgregor_tweets.csv.gz");
    let mut reader = csv::Reader::from_reader(GzDecoder::new(std::fs::File::open(file).unwrap()));
    let names = reader.headers().unwrap().clone();
    let column = |name: &str| names.iter().position(|known| known == name).unwrap();
    let (text, author) = (column("text"), column("author"));
    let posts = reader.records().map(|row| row.unwrap());
    posts.map(|row| RealPost { text: row[text].to_owned(), author: row[author].to_owned() }).collect()
}

fn slice_of(posts: &[RealPost]) -> Slice {
    let mut slice = Slice::default();
    for chunk in posts.chunks(500) {
        let mut batch = PostBatch::default();
        for post in chunk {
            let author = Some(hash_of("twitter", &post.author));
            let text = post.text.clone();
            batch.add(&TermPost { at: 0, text, lang: None, author, sentiment_micros: 0 });
        }
        slice.add(&batch);
    }
    slice
}

#[test]
fn sketches_of_real_posts_agree_with_exact_counts() {
    let posts = real_posts();
    let mut exact: HashMap<String, u64> = HashMap::new();
    for term in posts.iter().flat_map(|post| terms_of(&post.text, None)) {
        *exact.entry(term).or_default() += 1;
    }
    let n_authors = posts.iter().map(|post| &post.author).collect::<HashSet<_>>().len() as f64;

    // Four processes merge what each of them publishes; one process counts everything.
    let mut merged = Slice::default();
    for part in posts.chunks(posts.len().div_ceil(4)) {
        merged.merge(&Slice::unpack(&slice_of(part).pack()).unwrap());
    }
    let whole = slice_of(&posts);
    for (who, slice) in [("one process", &whole), ("four processes", &merged)] {
        assert_eq!(slice.n_posts, posts.len() as u64);
        let found = slice.authors.estimate();
        assert!(
            (found / n_authors - 1.0).abs() < 3.0 * RELATIVE_ERROR,
            "{who}: {found} of {n_authors} authors"
        );
        assert!(slice.terms.floor() <= 25, "{who}: the floor is {}", slice.terms.floor());
        for (term, n) in &exact {
            let count = slice.terms.get(term);
            assert!(
                count.low <= *n && *n <= slice.terms.high(&count),
                "{who}: {term} is in {n} posts: {count:?}"
            );
        }
        assert_eq!(most_frequent(&slice.terms, 50), most_frequent_of(&exact, 50), "{who}");
    }
    assert_eq!(whole.authors, merged.authors);
}

fn most_frequent(terms: &TermTally, n: usize) -> Vec<(u64, String)> {
    let counts = terms.iter().map(|(term, count)| (term.to_owned(), count.low)).collect();
    most_frequent_of(&counts, n)
}

fn most_frequent_of(counts: &HashMap<String, u64>, n: usize) -> Vec<(u64, String)> {
    let mut all: Vec<(u64, String)> = counts.iter().map(|(term, n)| (*n, term.clone())).collect();
    all.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    all.truncate(n);
    all
}
