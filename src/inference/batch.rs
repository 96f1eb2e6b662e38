//! Batching: groups texts of similar length, within a token budget.
//!
//! A batch is as wide as its longest text, and the others are padded to that width, so one long text among short ones
//! multiplies the work. Many small batches, on the other hand, each pay the fixed cost of a run. The caller restores
//! the order of the results.

/// Padded tokens per run, unless the model's manifest sets another value. A larger budget amortises the runtime's fixed
/// cost per run; a smaller one keeps intermediate tensors in the second-level cache.
const N_TOKENS_MAX: usize = 2048;
/// Fixed cost of a run, expressed in tokens. The deep network's was measured at about 7. A token costs the swift
/// network next to nothing, so its fixed cost weighs more. This value limits the padding of small sets of texts to
/// about a fifth and adds hardly any runs to large ones.
const RUN_TOKENS: usize = 32;

/// Texts that are scored in one run, padded to the same width.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// Indices of the texts in the caller's list.
    pub indices: Vec<usize>,
    /// Tokens per text, after padding. At least 1, so even an empty text has a row.
    pub width: usize,
}

/// Divides texts, given by their lengths in tokens, into the batches with the lowest total cost. Every index appears
/// exactly once.
///
/// The texts in a batch are adjacent when sorted by length, so an optimal plan for the first n texts consists of an
/// optimal plan for a shorter prefix and one more batch.
pub fn plan(lengths: &[usize], n_tokens_max: Option<usize>) -> Vec<Batch> {
    let n_tokens_max = n_tokens_max.unwrap_or(N_TOKENS_MAX);
    let mut order: Vec<(usize, usize)> = lengths.iter().map(|length| (*length).max(1)).zip(0..).collect();
    order.sort_unstable();
    // Lowest cost and size of the last batch for the first n texts, starting with n = 0.
    let mut cheapest = vec![(0, 0)];
    for (width, _) in &order {
        let mut best = (usize::MAX, 1);
        for (n_texts, (cost, _)) in (1..).zip(cheapest.iter().rev()) {
            let n_tokens = n_texts * width;
            if n_texts > 1 && n_tokens > n_tokens_max {
                break;
            }
            best = best.min((cost + n_tokens + RUN_TOKENS, n_texts));
        }
        cheapest.push(best);
    }
    let mut batches = Vec::new();
    let mut rest = order.as_slice();
    while let (Some((width, _)), Some((_, n_texts))) = (rest.last(), cheapest.get(rest.len())) {
        let (before, last) = rest.split_at(rest.len().saturating_sub(*n_texts));
        batches.push(Batch { indices: last.iter().map(|(_, index)| *index).collect(), width: *width });
        rest = before;
    }
    batches.reverse();
    batches
}

/// Returns all texts in the caller's order as one batch, or no batch if there are no texts.
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
    fn texts_as_given_form_one_batch_in_their_order() {
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

    #[test]
    fn few_texts_of_many_lengths_are_hardly_padded() {
        let lengths = [5, 23, 17, 12, 41, 22, 21, 9, 16, 33, 18, 28, 14, 25, 8, 19];
        let n_padded: usize =
            plan(&lengths, None).iter().map(|batch| batch.indices.len() * batch.width).sum();
        let n_own: usize = lengths.iter().sum();
        assert!(n_padded * 100 <= n_own * 130, "{n_padded} of {n_own}");
    }

    #[test]
    fn texts_of_equal_length_run_together_within_the_budget() {
        let sizes: Vec<usize> = plan(&[20; 250], None).iter().map(|batch| batch.indices.len()).collect();
        assert_eq!((sizes.len(), sizes.iter().sum()), (3, 250), "{sizes:?}");
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
