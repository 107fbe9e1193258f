"""The training step and predict in Keras as its users tune it.

Arguments: the data set's folder; the variant, one of plain, steps (the best `steps_per_execution`), jit (XLA), jax (the
backend) and bfloat16 (the policy, with the best `steps_per_execution`); and the mode, which is ignored.
"""

import os
import sys
from pathlib import Path

dataset, variant = Path(sys.argv[1]), sys.argv[2]
os.environ["KERAS_BACKEND"] = "jax" if variant == "jax" else "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
if variant != "plain":
    # Off by default on processors without AVX-512, where it is faster too.
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"

import keras
from keras_pipeline import fit_with_best_steps, in_memory, new_model, with_best_steps
from steps import answer

if variant == "bfloat16":
    keras.config.set_dtype_policy("mixed_bfloat16")
xs, ys = in_memory(dataset / "train")


def predict(model):
    model.predict(xs, batch_size=32, verbose=0)


def make_steps():
    if variant in ("steps", "bfloat16"):
        return {
            "train, batch 32": fit_with_best_steps(xs, ys, 32),
            "train, batch 128": fit_with_best_steps(xs, ys, 128),
            "predict": with_best_steps(predict, len(xs) // 32),
        }
    model = new_model(jit_compile=True) if variant == "jit" else new_model()
    return {
        "train, batch 32": lambda: model.fit(xs, ys, batch_size=32, epochs=1, verbose=0),
        "train, batch 128": lambda: model.fit(xs, ys, batch_size=128, epochs=1, verbose=0),
        "predict": lambda: predict(model),
    }


answer(make_steps())
