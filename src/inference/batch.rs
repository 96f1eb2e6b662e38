//! Which texts run together: as many of like length as the token budget allows.
//!
//! A batch is as wide as its longest text and every shorter one is padded to
//! it, so a long text among short ones multiplies the work. Sorting by length
//! first keeps the padding small; the caller puts the answers back in order.

/// Padded tokens in one run, unless the model's manifest says otherwise. More amortises the runtime's cost per run,
/// less keeps the intermediate tensors inside the second-level cache.
const N_TOKENS_MAX: usize = 2048;
/// A batch with at least this many texts may be closed to save padding; a
/// smaller one goes on, because a run has a fixed cost of its own.
const N_TEXTS_WORTH_A_RUN: usize = 24;

/// Texts that run together, and how wide.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// Where the texts stand in the caller's list.
    pub indices: Vec<usize>,
    /// Tokens per text, after padding. At least 1, so that an empty text has a row.
    pub width: usize,
}

/// Splits texts, given by their lengths in tokens, into batches. Every index appears exactly once.
pub fn plan(lengths: &[usize], n_tokens_max: Option<usize>) -> Vec<Batch> {
    let n_tokens_max = n_tokens_max.unwrap_or(N_TOKENS_MAX);
    let mut order: Vec<(usize, usize)> = lengths.iter().map(|length| (*length).max(1)).zip(0..).collect();
    order.sort_unstable();
    let mut batches = Vec::new();
    let mut current = Batch { indices: Vec::new(), width: 1 };
    let mut narrowest = 1;
    for (length, index) in order {
        let n_texts = current.indices.len();
        let too_large = (n_texts + 1) * length > n_tokens_max;
        let too_uneven = n_texts >= N_TEXTS_WORTH_A_RUN && length * 2 > narrowest * 3;
        if n_texts > 0 && (too_large || too_uneven) {
            batches.push(std::mem::replace(&mut current, Batch { indices: Vec::new(), width: 1 }));
        }
        if current.indices.is_empty() {
            narrowest = length;
        }
        current.indices.push(index);
        current.width = length;
    }
    if !current.indices.is_empty() {
        batches.push(current);
    }
    batches
}

/// One batch of all texts, in their order. None where there are no texts.
pub fn as_given(lengths: &[usize]) -> Vec<Batch> {
    let widest = lengths.iter().copied().max();
    widest
        .map(|width| Batch { indices: (0..lengths.len()).collect(), width: width.max(1) })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_texts_make_no_batch() {
        assert_eq!(plan(&[], None), []);
    }

    #[test]
    fn an_empty_text_has_a_row() {
        assert_eq!(plan(&[0], None), [Batch { indices: vec![0], width: 1 }]);
    }

    #[test]
    fn texts_as_given_run_together_in_their_order() {
        assert_eq!(as_given(&[3, 0, 7]), [Batch { indices: vec![0, 1, 2], width: 7 }]);
        assert_eq!(as_given(&[0]), [Batch { indices: vec![0], width: 1 }]);
        assert_eq!(as_given(&[]), []);
    }

    #[test]
    fn a_long_text_does_not_widen_many_short_ones() {
        let mut lengths = vec![8; 100];
        lengths.insert(50, 160);
        let batches = plan(&lengths, None);
        assert_eq!(batches.iter().map(|batch| batch.width).collect::<Vec<_>>(), [8, 160]);
        assert_eq!(batches[1].indices, [50]);
    }

    proptest! {
        #[test]
        fn every_text_runs_once_within_the_budget(lengths in prop::collection::vec(0_usize..300, 0..600)) {
            let batches = plan(&lengths, None);
            let mut seen: Vec<usize> = batches.iter().flat_map(|batch| batch.indices.clone()).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for batch in &batches {
                prop_assert!(batch.indices.len() == 1 || batch.indices.len() * batch.width <= N_TOKENS_MAX);
                prop_assert!(batch.indices.iter().all(|i| lengths[*i] <= batch.width));
            }
        }
    }
}
