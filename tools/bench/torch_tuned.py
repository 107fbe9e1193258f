"""The training step and predict in PyTorch as its users tune it.

Arguments: the data set's folder; the variant, float32 or bfloat16, with -compile for torch.compile; and the mode,
which is ignored.
"""

import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from steps import answer
from torch import nn

dataset, variant = Path(sys.argv[1]), sys.argv[2].split("-")
# As TensorFlow does.
torch.set_flush_denormal(True)


def in_memory(folder):
    classes = [sorted(path.iterdir()) for path in sorted(folder.iterdir()) if path.is_dir()]
    xs = [
        np.asarray(Image.open(file).convert("RGB").resize((64, 64), Image.Resampling.BILINEAR), "float32")
        for files in classes
        for file in files
    ]
    ys = np.repeat(np.arange(len(classes)), [len(files) for files in classes])
    return torch.from_numpy(np.stack(xs)), torch.from_numpy(ys)


def new_model():
    layers, channels = [], 3
    for filters in (32, 64, 128, 256):
        layers += [nn.Conv2d(channels, filters, 3), nn.ReLU(), nn.MaxPool2d(2)]
        channels = filters
    dense = [nn.Flatten(), nn.Linear(1024, 256), nn.ReLU(), nn.Dropout(0.4), nn.Linear(256, 2)]
    return nn.Sequential(*layers, *dense).to(memory_format=torch.channels_last)


def precision():
    return torch.autocast("cpu", dtype=torch.bfloat16) if "bfloat16" in variant else nullcontext()


xs, ys = in_memory(dataset / "train")
model = new_model()
optimizer = torch.optim.Adam(model.parameters(), fused=True)
# For each size of batch anew: code for any size is slower.
run = torch.compile(model, dynamic=False) if "compile" in variant else model


def logits_of(images):
    """The images are stored as rows of pixels with their channels, which PyTorch calls channels_last."""
    return run(images.permute(0, 3, 1, 2))


def train(batch_size):
    model.train()
    loss_sum, correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
    for chosen in torch.randperm(len(xs)).split(batch_size):
        labels = ys[chosen]
        with precision():
            logits = logits_of(xs[chosen])
            loss = nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.detach() * len(labels)
        correct += (logits.argmax(1) == labels).sum()
    return loss_sum.item() / len(xs), correct.item() / len(xs)


@torch.inference_mode()
def predict():
    model.eval()
    with precision():
        return torch.cat([logits_of(images).softmax(1) for images in xs.split(32)]).float().numpy()


answer({"train, batch 32": lambda: train(32), "train, batch 128": lambda: train(128), "predict": predict})
