from __future__ import annotations

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from torch import nn

from harness.errors import StageError
from harness.training.arithmetic import Arithmetic
from harness.training.data import TrainingSet
from harness.training.inference import logits_of, macro_f1
from harness.training.loop import fit, parts, schedule
from harness.training.network import make_classifier
from harness.training.options import Augmentation, FineTuning, HeadOptions

CPU = Arithmetic(torch.device("cpu"), bfloat16=False, channels_last=True)
CALM = Augmentation(**dict.fromkeys(Augmentation.model_fields, 0.0))
COUNT = 48


@pytest.fixture
def network(registry):
    torch.manual_seed(0)
    return make_classifier(registry.build("backbones", "tiny", {}), HeadOptions(width=8), 3)


@pytest.fixture(scope="module")
def examples():
    """Pictures whose brightest channel is their class; every fourth is for validation."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(COUNT) % 3
    images = torch.randint(0, 90, (COUNT, 16, 16, 3), generator=generator)
    images[torch.arange(COUNT), :, :, labels] += 120
    rows = torch.arange(COUNT)
    return images.to(torch.uint8), labels, rows[rows % 4 > 0], rows[rows % 4 == 0]


def train(network, examples, arithmetic=CPU, seed=0, keep_start=False, progress=lambda *_: None, **recipe):
    chosen = FineTuning.model_validate({"epochs": 4, "learning_rate": 0.02, "batch_size": 8} | recipe)
    return fit(
        network, nn.CrossEntropyLoss(), TrainingSet(*examples), chosen, arithmetic,
        seed=seed, keep_start=keep_start, progress=progress,
    )  # fmt: skip


def same(first, second):
    return all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_a_network_learns(network, examples, optimizer):
    fitted = train(network, examples, optimizer=optimizer, epochs=8, augmentation=CALM)
    assert fitted.validation_macro_f1 == 1.0
    assert fitted.history[-1]["train_loss"] < fitted.history[0]["train_loss"]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(network, examples):
    first, second, third = copy.deepcopy(network), copy.deepcopy(network), copy.deepcopy(network)
    state = train(first, examples).state
    assert same(state, train(second, examples).state)
    assert not same(state, train(third, examples, seed=1).state)


def test_the_epoch_kept_is_the_one_that_validates_best(network, examples):
    fitted = train(network, examples, epochs=6, patience=None)
    scores = [(row["validation_macro_f1"], -row["validation_loss"]) for row in fitted.history]
    assert fitted.kept_epoch == 1 + scores.index(max(scores))
    assert fitted.validation_macro_f1 == max(scores)[0]


def test_the_weights_kept_are_those_of_the_kept_epoch_not_of_the_last(network, examples):
    """A learning rate that wrecks the network: what it started from is better than every epoch."""
    good = train(network, examples, epochs=8, augmentation=CALM).state
    network.load_state_dict(good)
    wrecking = {"optimizer": "sgd", "learning_rate": 300.0, "clip_gradient": 1.0, "epochs": 2}
    fitted = train(network, examples, keep_start=True, **wrecking)
    assert fitted.kept_epoch == 0
    assert fitted.validation_macro_f1 == 1.0
    assert same(fitted.state, good)
    assert not same(fitted.state, network.state_dict())


def test_training_stops_when_patience_ends(network, examples):
    fitted = train(network, examples, learning_rate=1e-12, epochs=50, patience=3, augmentation=CALM, keep_start=True)
    assert len(fitted.history) < 50
    assert fitted.history[-1]["epoch"] - fitted.kept_epoch == 3


def test_without_validation_the_last_epoch_is_kept(network, examples):
    images, labels, training, _ = examples
    fitted = train(network, (images, labels, training, training[:0]), patience=1)
    assert fitted.kept_epoch == 4
    assert fitted.validation_macro_f1 is None
    assert same(fitted.state, network.state_dict())


def test_no_epochs_leave_the_network_as_it_was(network, examples):
    before = copy.deepcopy(network.state_dict())
    fitted = train(network, examples, epochs=0)
    assert same(fitted.state, before)
    assert fitted.history == []


def test_progress_counts_every_step(network, examples):
    seen = []
    train(network, examples, epochs=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(step, 10) for step in range(1, 11)]  # 36 images in 5 batches, twice


def test_a_last_batch_of_one_image_does_not_stop_batch_normalisation(network, examples):
    images, labels, training, validation = examples
    train(network, (images, labels, training[:9], validation), epochs=1)
    train(network, (images, labels, training[:3], validation), epochs=1, batch_size=2, micro_batch=2)


def test_micro_batches_add_up_to_the_same_step(network, examples):
    """Without batch normalisation the accumulated gradient is that of the whole batch."""
    network.backbone.layers[1] = nn.Identity()
    whole, small = copy.deepcopy(network), copy.deepcopy(network)
    settings = {"optimizer": "sgd", "epochs": 1, "augmentation": CALM}
    one = train(whole, examples, **settings).state
    two = train(small, examples, micro_batch=3, **settings).state
    assert all(torch.allclose(one[key], two[key], atol=1e-5) for key in one)


def test_the_last_epoch_is_kept_on_demand_although_another_was_better(network, examples):
    """As the authors' code does, by a fault of its comparison."""
    good = train(network, examples, epochs=8, augmentation=CALM).state
    network.load_state_dict(good)
    wrecking = {"optimizer": "sgd", "learning_rate": 300.0, "clip_gradient": 1.0, "epochs": 2, "patience": None}
    fitted = train(network, examples, keep_start=True, checkpoint="last", **wrecking)
    assert fitted.kept_epoch == 2
    assert same(fitted.state, network.state_dict())
    assert fitted.validation_macro_f1 == fitted.history[-1]["validation_macro_f1"]


def test_the_last_epoch_kept_is_the_one_at_which_patience_ended(network, examples):
    fitted = train(network, examples, learning_rate=1e-12, epochs=50, patience=2, augmentation=CALM, checkpoint="last")
    assert fitted.kept_epoch == fitted.history[-1]["epoch"] < 50


def test_a_linear_probe_is_logistic_regression_on_the_features(network, examples):
    """One step of gradient descent on the head of a frozen backbone, by hand: W - r (p - y)^T f / N."""
    images, labels, training, _ = examples
    network.head = nn.Sequential(nn.Linear(8, 3))
    network.eval()
    before = copy.deepcopy(network.head[0])
    with torch.no_grad():
        normalised = (images[training].permute(0, 3, 1, 2) / 255 - 0.5) / 0.25
        features = network.backbone(normalised)
        slope = before(features).softmax(1) - nn.functional.one_hot(labels[training], 3)
    rate = 0.1
    torch.manual_seed(0)
    recipe = {"optimizer": "sgd", "batch_size": 64, "epochs": 1, "learning_rate": rate}
    state = train(network, examples, freeze_backbone=True, augmentation=CALM, checkpoint="last", **recipe).state
    step = 1.9 * rate  # Nesterov momentum 0.9 makes the first step 1.9 times as long
    expected = before.weight - step * slope.T @ features / len(training)
    torch.testing.assert_close(state["head.0.weight"], expected)
    torch.testing.assert_close(state["head.0.bias"], before.bias - step * slope.mean(0))


def test_the_teacher_is_what_is_validated_and_kept(network, examples):
    fitted = train(network, examples, mean_teacher={"decay": 0.9}, checkpoint="last", patience=None)
    assert not same(fitted.state, network.state_dict())
    by_hand = copy.deepcopy(network)
    by_hand.load_state_dict(fitted.state)
    images, labels, _, validation = examples
    logits = logits_of(by_hand, images, validation, 8, CPU)
    assert macro_f1(logits.argmax(1), labels[validation], 3) == fitted.validation_macro_f1


def test_a_teacher_that_keeps_nothing_of_itself_and_pulls_nobody_is_the_student(network, examples):
    """decay 0: after each step the teacher is the student; weight 0: the student trains as without it."""
    alone, taught = copy.deepcopy(network), copy.deepcopy(network)
    settings = {"augmentation": CALM, "checkpoint": "last", "patience": None, "epochs": 2}
    expected = train(alone, examples, **settings).state
    teacher = {"decay": 0.0, "weight": 0.0, "unlabelled": 0.0}
    fitted = train(taught, examples, mean_teacher=teacher, **settings)
    assert all(torch.allclose(fitted.state[key], expected[key], atol=1e-6) for key in expected)


def test_unlabelled_images_teach_consistency_alone(network, examples):
    """Whatever label they carry is never looked at."""
    images, labels, training, validation = examples
    states = []
    for wrong in (0, 2):
        marked = labels.clone()
        marked[training[20:]] = wrong
        data = (images, marked, training[:20], validation, training[20:])
        states.append(train(copy.deepcopy(network), data, mean_teacher={"decay": 0.9}, epochs=2).state)
    assert same(*states)
    without = train(
        copy.deepcopy(network), (images, labels, training[:20], validation), mean_teacher={"decay": 0.9}, epochs=2
    )
    assert not same(states[0], without.state)


def test_soft_targets_and_weights_reach_the_loss(network, examples):
    images, labels, training, validation = examples
    targets, weights = torch.rand(COUNT, 3).softmax(1), torch.rand(COUNT)
    seen = []

    def loss(logits, wanted, weight=None):
        if weight is not None:
            seen.append((wanted, weight))
        return nn.functional.cross_entropy(logits, wanted)

    data = TrainingSet(images, labels, training, validation, training[:0], targets, weights)
    fit(network, loss, data, FineTuning(epochs=1, batch_size=64), CPU, seed=0)
    ((wanted, weight),) = seen
    order = [int((targets == row).all(1).nonzero()[0]) for row in wanted]
    assert sorted(order) == training.tolist()
    assert torch.equal(weight, weights[order])


def test_balanced_sampling_shows_each_class_equally_often(network, examples):
    images, labels, training, validation = examples
    rows = torch.cat([training[labels[training] == 0], training[labels[training] == 1][:2]])
    seen = []

    def loss(logits, wanted):
        seen.append(wanted)
        return nn.functional.cross_entropy(logits, wanted)

    data = TrainingSet(images, labels, rows, validation[:0])
    fit(network, loss, data, FineTuning(epochs=1, batch_size=4, sampling="balanced"), CPU, seed=0)
    assert torch.bincount(torch.cat(seen)).tolist() == [7, 7]


def test_a_frozen_backbone_stays_as_it_was(network, examples):
    before = copy.deepcopy(network.backbone.state_dict())
    head = copy.deepcopy(network.head.state_dict())
    train(network, examples, freeze_backbone=True)
    assert same(before, network.backbone.state_dict())
    assert not same(head, network.head.state_dict())


def test_bfloat16_trains_and_keeps_float32_weights(network, examples):
    half = Arithmetic(torch.device("cpu"), bfloat16=True, channels_last=True)
    fitted = train(network, examples, arithmetic=half, epochs=8, augmentation=CALM)
    assert fitted.validation_macro_f1 == 1.0
    assert all(value.dtype != torch.bfloat16 for value in fitted.state.values())


def test_a_loss_that_is_no_number_ends_training_with_advice(network, examples):
    with pytest.raises(StageError, match=r"the training loss became (nan|inf) in epoch 1; lower learning_rate"):
        train(network, examples, learning_rate=1e38, optimizer="sgd")


def test_the_schedules_rise_and_fall_as_described():
    assert [schedule("constant", x / 4) for x in range(4)] == [1, 1, 1, 1]
    assert schedule("cosine", 0) == 1
    assert schedule("cosine", 0.5) == pytest.approx(0.5)
    assert schedule("one-cycle", 0) == 0.04
    assert schedule("one-cycle", 0.3) == pytest.approx(1)
    assert schedule("one-cycle", 0.999) < 1e-4
    assert schedule("cosine", 0.999) < 1e-4


@given(st.integers(2, 500), st.integers(2, 70))
def test_batches_are_even_never_of_one_image_and_hardly_ever_too_large(count, size):
    sizes = [len(part) for part in torch.arange(count).tensor_split(parts(count, size))]
    assert sum(sizes) == count
    assert min(sizes) >= 2
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= size or (size == 2 and max(sizes) == 3)
    assert len(sizes) <= math.ceil(count / size)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_macro_f1_is_scikit_learns_over_all_classes(pairs):
    truth, predicted = torch.tensor(pairs).T
    expected = f1_score(truth, predicted, labels=range(5), average="macro", zero_division=0)
    assert macro_f1(predicted, truth, 5) == pytest.approx(expected)
