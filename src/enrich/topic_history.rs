//! Applies a topic to posts that are already stored.

use crate::models::post::Post;
use crate::models::topic_history::Regrouped;
use crate::topics::{NamedTopics, PreparedText, Query, Subject};

/// Current version of a topic, to be applied to stored posts.
#[derive(Debug, Clone)]
pub struct TopicHistory {
    name: String,
    former_names: Vec<String>,
    topics: NamedTopics,
}

impl TopicHistory {
    /// Compiles a topic. `former_names` are earlier names that no other topic has now.
    pub fn new(name: String, former_names: Vec<String>, query: Query) -> Self {
        let topics = NamedTopics::compile(vec![(name.clone(), query)]);
        Self { name, former_names, topics }
    }

    /// Returns the new products of a post, or `None` if they do not change.
    ///
    /// If the query matches, the topic's name is added. If it does not match, the name is removed; former names are
    /// always removed. Names are removed only from posts that topics added them to: a product that the sender named, or
    /// that a keyword found, stays. As in new posts, a product that matches the topic's name except for case takes the
    /// topic's name.
    pub fn regroup(&self, post: &Post) -> Option<Regrouped> {
        let (mut products, mut topics) = (post.products.clone(), post.topics.clone());
        for name in products.iter_mut().chain(&mut topics) {
            if let Some(known) = self.topics.named(name) {
                known.clone_into(name);
            }
        }
        let text = PreparedText::new(&post.text);
        let is_match = !self.topics.of(&Subject::of_post(post, &text)).is_empty();
        if is_match && !products.contains(&self.name) {
            products.push(self.name.clone());
            topics.push(self.name.clone());
        }
        let is_over = |name: &String| self.former_names.contains(name) || (!is_match && *name == self.name);
        let taken_back: Vec<String> = topics.iter().filter(|name| is_over(name)).cloned().collect();
        for names in [&mut products, &mut topics] {
            names.retain(|name| !taken_back.contains(name));
            names.sort_unstable();
            names.dedup();
        }
        (products != post.products || topics != post.topics).then_some(Regrouped { products, topics })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing;
    use crate::topics::parse;

    #[test]
    fn a_topic_takes_back_only_what_topics_gave() {
        let query = parse("parcel").unwrap().query;
        let topic = TopicHistory::new("Post".to_owned(), vec!["Mail".to_owned()], query);
        let check = |text: &str, products: &[&str], topics: &[&str], expected: Option<(&[&str], &[&str])>| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let mut post = testing::post(0, jiff::Timestamp::UNIX_EPOCH).post;
            post.text = text.to_owned();
            (post.products, post.topics) = (owned(products), owned(topics));
            let expected = expected
                .map(|(products, topics)| Regrouped { products: owned(products), topics: owned(topics) });
            assert_eq!(topic.regroup(&post), expected, "{text}, {products:?}, {topics:?}");
        };
        check("a parcel", &[], &[], Some((&["Post"], &["Post"])));
        check("a parcel", &["Zoo"], &[], Some((&["Post", "Zoo"], &["Post"])));
        check("a parcel", &["Post"], &["Post"], None);
        check("a parcel", &["Post"], &[], None);
        check("a letter", &["Post"], &["Post"], Some((&[], &[])));
        check("a letter", &["Post"], &[], None);
        check("a letter", &["Zoo"], &["Zoo"], None);
        check("a letter", &["Mail"], &["Mail"], Some((&[], &[])));
        check("a letter", &["Mail"], &[], None);
        check("a parcel", &["Mail"], &["Mail"], Some((&["Post"], &["Post"])));
        check("a parcel", &["Mail"], &[], Some((&["Mail", "Post"], &["Post"])));
        check("a letter", &["post"], &[], Some((&["Post"], &[])));
        check("a parcel", &["Post", "post"], &["Post"], Some((&["Post"], &["Post"])));
    }
}
