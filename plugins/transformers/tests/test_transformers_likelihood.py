"""The labeler `transformers`: likelihoods against a plain loop, and what must not change them."""

import numpy as np
import pytest
from harness_transformers.options import LikelihoodOptions
from harness_transformers.scorer import LikelihoodScorer

from harness.expressions import ABAW_COMPOUND_7
from harness.testing.labelers import check_scorer


@pytest.mark.parametrize("normalize", ["sum", "mean", "pmi"])
def test_the_scorer_keeps_the_contract(llava, normalize):
    scorer = LikelihoodScorer(LikelihoodOptions(model=str(llava), normalize=normalize), ABAW_COMPOUND_7)
    check_scorer(scorer, ABAW_COMPOUND_7)
    assert scorer.notices == []
