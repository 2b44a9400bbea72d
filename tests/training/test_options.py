from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from harness.training.options import Augmentation, HeadOptions, Recipe


def test_the_defaults_are_the_papers():
    recipe = Recipe()
    assert (recipe.optimizer, recipe.learning_rate, recipe.batch_size) == ("adam", 1e-4, 64)
    assert HeadOptions().preset == "two-layer"


def test_the_authors_preset_refuses_settings_of_its_own():
    with pytest.raises(
        ValidationError, match="preset 'authors' sets dropout, width itself; leave out one or the other"
    ):
        HeadOptions(preset="authors", width=12, dropout=0.1)
    assert HeadOptions.model_validate(HeadOptions(preset="authors").model_dump()).preset == "authors"


@pytest.mark.parametrize("model", [HeadOptions, Recipe, Augmentation])
def test_every_option_is_described(model):
    assert all(field.description for field in model.model_fields.values())


def test_options_import_no_torch():
    code = "import sys, harness.training.options; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
