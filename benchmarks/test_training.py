"""Training images a second: crops decoded once and augmented in batches, beside a plain DataLoader loop.

    pytest benchmarks/test_training.py --benchmark-enable

Same network (ResNet-18), precision, memory format, batch size, augmentations and optimizer on both sides; the loop
reads and augments each image by itself, as one would write it first. The time is that of one epoch of 128 images.
"""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from harness.training.arithmetic import Arithmetic
from harness.training.data import TrainingSet, on_device
from harness.training.loop import fit
from harness.training.network import Classifier, make_classifier
from harness.training.options import FineTuning, HeadOptions

models = pytest.importorskip("torchvision.models")
transforms = pytest.importorskip("torchvision.transforms")
IMAGES, SIZE, BATCH, CLASSES = 128, 64, 64, 7
CPU = Arithmetic(torch.device("cpu"), bfloat16=False, channels_last=True)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Backbone(torch.nn.Module):
    num_features, input_size, mean, std, weights = 512, SIZE, MEAN, STD, "random"

    def __init__(self):
        super().__init__()
        self.network = models.resnet18()
        self.network.fc = torch.nn.Identity()

    def forward(self, images):
        return self.network(images)


class Files(torch.utils.data.Dataset):
    """Reads, augments and normalises one image at a time."""

    def __init__(self, files, labels):
        self.files, self.labels = files, labels
        self.transform = transforms.Compose(
            [
                transforms.RandomHorizontalFlip(),
                transforms.RandomAffine(10, (0.06, 0.06), (0.9, 1.1), interpolation=Image.Resampling.BILINEAR),
                transforms.ColorJitter(0.2, 0.2, 0.2),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self):
        return len(self.files)

    def __getitem__(self, row):
        return self.transform(Image.open(io.BytesIO(self.files[row]))), self.labels[row]


@pytest.fixture(scope="module")
def crops():
    generator = np.random.default_rng(0)
    small = generator.integers(0, 256, (IMAGES, 8, 8, 3), dtype=np.uint8)
    large = [Image.fromarray(one).resize((SIZE, SIZE)) for one in small]
    return np.stack([np.asarray(one) for one in large]), torch.arange(IMAGES) % CLASSES


@pytest.fixture
def network():
    torch.manual_seed(0)
    return make_classifier(Backbone(), HeadOptions(), CLASSES)


def ours(network: Classifier, crops):
    images, labels = crops
    rows = torch.arange(IMAGES)
    data = TrainingSet(on_device(images, CPU.device), labels, rows, rows[:0])
    return fit(network, torch.nn.CrossEntropyLoss(), data, FineTuning(epochs=1, batch_size=BATCH), CPU, seed=0)


def plain(network: Classifier, files, labels):
    optimizer = torch.optim.Adam(network.parameters(), 1e-4)
    network.to(memory_format=torch.channels_last).train()
    for images, targets in torch.utils.data.DataLoader(Files(files, labels), BATCH, shuffle=True):
        optimizer.zero_grad()
        features = network.backbone(images.to(memory_format=torch.channels_last))
        torch.nn.functional.cross_entropy(network.head(features), targets).backward()
        optimizer.step()


def test_an_epoch_of_ours(benchmark, network, crops):
    fitted = benchmark.pedantic(ours, (network, crops), rounds=3, warmup_rounds=1)
    benchmark.extra_info["images_per_second"] = fitted.history[0]["images_per_second"]
    assert fitted.kept_epoch == 1


def test_an_epoch_of_a_plain_dataloader_loop(benchmark, network, crops):
    images, labels = crops
    files = []
    for one in images:
        file = io.BytesIO()
        Image.fromarray(one).save(file, "PNG")
        files.append(file.getvalue())
    benchmark.pedantic(plain, (network, files, labels), rounds=3, warmup_rounds=1)
