//! Search for the products that a post mentions.

use aho_corasick::AhoCorasick;

/// A product, and the keywords that identify it in posts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProductRule {
    /// Name under which the product is counted and displayed.
    pub name: String,
    /// Words or phrases that count as a mention of the product, regardless of case. If empty, only the name itself
    /// does.
    #[serde(default)]
    pub keywords: Vec<String>,
}

/// Search that finds all keywords in one pass over the text, however many there are.
#[derive(Debug, Clone)]
pub struct Products {
    names: Vec<String>,
    /// Matcher for all keywords; `None` if there are no keywords.
    keywords: Option<AhoCorasick>,
    /// Index in `names` of the product of each keyword.
    owners: Vec<usize>,
}

impl Products {
    pub fn new(rules: Vec<ProductRule>) -> Self {
        let mut patterns = Vec::new();
        let mut owners = Vec::new();
        let mut names = Vec::new();
        for rule in rules {
            let by_name = [rule.name.clone()];
            let keywords = if rule.keywords.is_empty() { &by_name[..] } else { &rule.keywords };
            for keyword in keywords.iter().map(|keyword| keyword.trim().to_lowercase()) {
                if !keyword.is_empty() {
                    patterns.push(keyword);
                    owners.push(names.len());
                }
            }
            names.push(rule.name);
        }
        // Fails only with billions of bytes of keywords.
        let keywords = AhoCorasick::new(&patterns).ok().filter(|_| !patterns.is_empty());
        Self { names, keywords, owners }
    }

    /// Returns the product that the sender named and those whose keywords occur, sorted and without duplicates.
    pub fn find(&self, text: &str, sent: Option<&str>) -> Vec<String> {
        let mut found: Vec<&str> = Vec::new();
        if let Some(sent) = sent.map(str::trim).filter(|sent| !sent.is_empty()) {
            let known = self.names.iter().find(|name| name.to_lowercase() == sent.to_lowercase());
            found.push(known.map_or(sent, String::as_str));
        }
        if let Some(keywords) = &self.keywords {
            let text = text.to_lowercase();
            for hit in keywords.find_overlapping_iter(&text) {
                let owner =
                    self.owners.get(hit.pattern().as_usize()).and_then(|owner| self.names.get(*owner));
                if let Some(name) = owner
                    && stands_alone(&text, hit.start(), hit.end())
                {
                    found.push(name);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(str::to_owned).collect()
    }
}

/// Returns whether a match is a whole word or part of a hashtag. `#MayweatherMcGregor` mentions both boxers, whereas
/// `scarecrow` does not mention a car.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (Some(before), Some(after)) = (text.get(..start), text.get(end..)) else {
        return false;
    };
    let touches_left = before.chars().next_back().is_some_and(is_word);
    let touches_right = after.chars().next().is_some_and(is_word);
    if !touches_left && !touches_right {
        return true;
    }
    before.trim_end_matches(is_word).ends_with(['#', '＃'])
}
