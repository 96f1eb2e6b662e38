"""Checks the churn rows. Run `python -m unittest` in this folder; it needs no data sets."""

import random
import unittest

import churn_labels
from corpora import Example


class ChurnRows(unittest.TestCase):
    def test_no_training_row_or_variation_is_a_near_duplicate_of_a_held_out_row(self):
        train, held_out = churn_labels.seed()
        made = churn_labels.variations(train, random.Random(1), n_per_template=2)
        self.assertGreater(len(train), 1000)
        others = [(other.text, churn_labels.four_grams(other.text)) for other in held_out]
        for text in {example.text for example in train + made}:
            grams = churn_labels.four_grams(text)
            for other, other_grams in others:
                shared = len(grams & other_grams)
                at_least = churn_labels.NEAR * min(len(grams), len(other_grams))
                self.assertFalse(shared and shared >= at_least, (text, other))

    def test_a_near_duplicate_is_dropped_and_an_unrelated_row_is_kept(self):
        held_out = [Example("I am cancelling my plan with @user today!")]
        near, other = Example("ok i am cancelling my plan with you"), Example("I am leaving the party")
        self.assertEqual(churn_labels.apart_from([near, other], held_out), [other])

    def test_a_near_duplicate_from_another_data_set_loses_its_churn_label(self):
        held_out = [Example("I am cancelling my plan with @user today!", churn=1.0)]
        near, other = Example("ok i am cancelling my plan with you", churn=0.0), Example("I am leaving", churn=0.0)
        churn_labels.forget_near([near, other], held_out)
        self.assertEqual((near.churn, other.churn), (None, 0.0))

    def test_no_group_is_in_both_files(self):
        sides = [{row["group"] for row in churn_labels.table(name)} for name in ("train.tsv", "held_out.tsv")]
        self.assertFalse(sides[0] & sides[1])

    def test_labels_are_grades_and_held_out_labels_are_decided(self):
        self.assertLessEqual({row["label"] for row in churn_labels.table("train.tsv")}, {"0", "0.5", "1"})
        held_out = churn_labels.seed()[1]
        self.assertLessEqual({example.churn for example in held_out}, {0.0, 1.0})
        self.assertGreaterEqual(len(held_out), 300)

    def test_a_judged_post_gets_no_weak_label(self):
        post = Example("cancelling my account")
        judged = churn_labels.judgements
        churn_labels.judgements = lambda: {churn_labels.key(post.text): 0.0}
        try:
            churn_labels.weakly_label([post])
        finally:
            churn_labels.judgements = judged
        self.assertIsNone(post.churn)


if __name__ == "__main__":
    unittest.main()
