"""The pipeline's steps in Python, one for each line on standard input; answers with milliseconds as JSON."""

import json
import os
import resource
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf
from keras_pipeline import AUTOTUNE, augmented, fit_with_best_steps, in_memory, load, new_augmentation, new_model
from steps import answer

dataset, mode = Path(sys.argv[1]), sys.argv[2]
augmentation = new_augmentation()


def make_steps():
    model = new_model()
    xs, ys = in_memory(dataset / "train")
    files, test = load(dataset / "train"), load(dataset / "test").cache()
    cached = files.cache()
    images = tf.constant(np.random.default_rng(0).uniform(0, 255, (32, 64, 64, 3)).astype("float32"))
    augment = tf.function(lambda x: augmentation(x, training=True))

    def fit(data, **options):
        return lambda: model.fit(data, epochs=1, verbose=0, **options)

    return {
        "train, batch 32": fit(xs, y=ys, batch_size=32),
        "train, batch 32, many steps a call": fit_with_best_steps(xs, ys, 32),
        "train, batch 128": fit(xs, y=ys, batch_size=128),
        "train, batch 128, many steps a call": fit_with_best_steps(xs, ys, 128),
        "epoch from files": fit(files),
        "epoch from files, augmented": fit(augmented(files, augmentation)),
        "epoch, cached": fit(cached.prefetch(AUTOTUNE)),
        "epoch, cached, augmented": fit(augmented(cached, augmentation)),
        "evaluate": lambda: model.evaluate(test, verbose=0),
        "predict": lambda: model.predict(xs, batch_size=32, verbose=0),
        "augment 100 batches": lambda: [augment(images) for _ in range(100)][-1].numpy(),
    }


def make_gpu_steps():
    model = new_model()

    def epochs(batch_size, cache):
        files = load(dataset / "train", batch_size)
        data = files.cache().prefetch(AUTOTUNE) if cache else files
        return lambda: model.fit(data, epochs=int(os.environ["EPOCHS"]), verbose=0)

    return {
        "from files, batch 32": epochs(32, False),
        "from files, batch 256": epochs(256, False),
        "cached, batch 32": epochs(32, True),
        "cached, batch 256": epochs(256, True),
    }


def run_once():
    def on_epoch_end(epoch, _):
        if epoch == 0:
            print(json.dumps({"first": True}), flush=True)

    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=on_epoch_end)]
    data = augmented(load(dataset / "train").cache(), augmentation)
    new_model().fit(data, validation_data=load(dataset / "valid").cache(), epochs=3, verbose=0, callbacks=callbacks)
    print(json.dumps({"megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)


if mode == "once":
    run_once()
else:
    answer(make_gpu_steps() if mode == "gpu" else make_steps())
