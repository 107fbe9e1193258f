"""The pipeline's steps in Python, one for each line on standard input; answers with milliseconds as JSON."""

import json
import os
import resource
import sys
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf
from keras import layers

dataset, mode = Path(sys.argv[1]), sys.argv[2]
AUTOTUNE = tf.data.AUTOTUNE
augmentation = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.1)])


def load(split, batch_size=32):
    return keras.utils.image_dataset_from_directory(
        dataset / split, seed=42, image_size=(64, 64), batch_size=batch_size, label_mode="int", verbose=False
    )


def augmented(data):
    return data.map(lambda x, y: (augmentation(x, training=True), y), num_parallel_calls=AUTOTUNE).prefetch(AUTOTUNE)


def new_model(steps_per_execution=1):
    model = keras.Sequential([layers.Input((64, 64, 3))])
    for filters in (32, 64, 128, 256):
        model.add(layers.Conv2D(filters, (3, 3), activation="relu"))
        model.add(layers.MaxPooling2D(2, 2))
    model.add(layers.Flatten())
    model.add(layers.Dense(256, activation="relu"))
    model.add(layers.Dropout(0.4))
    model.add(layers.Dense(2, activation="softmax"))
    model.compile(
        optimizer="adam",
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
    )
    return model


def timed(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def fit_with_best_steps(xs, ys, batch_size):
    """The fastest of several `steps_per_execution`, found on the first call, which warms up."""
    best = None

    def fit(model):
        model.fit(xs, ys, batch_size=batch_size, epochs=1, verbose=0)

    def run():
        nonlocal best
        if best is None:
            candidates = [new_model(steps) for steps in (4, 16, 64) if steps * batch_size <= len(xs)] or [new_model()]
            for model in candidates:
                fit(model)
            best = min(candidates, key=lambda model: timed(lambda: fit(model)))
        fit(best)

    return run


def make_steps():
    model = new_model()
    batches = list(load("train").as_numpy_iterator())
    xs, ys = (np.concatenate([batch[i] for batch in batches]) for i in range(2))
    files, test = load("train"), load("test").cache()
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
        "epoch from files, augmented": fit(augmented(files)),
        "epoch, cached": fit(cached.prefetch(AUTOTUNE)),
        "epoch, cached, augmented": fit(augmented(cached)),
        "evaluate": lambda: model.evaluate(test, verbose=0),
        "predict": lambda: model.predict(xs, batch_size=32, verbose=0),
        "augment 100 batches": lambda: [augment(images) for _ in range(100)][-1].numpy(),
    }


def make_gpu_steps():
    model = new_model()

    def epochs(batch_size, cache):
        files = load("train", batch_size)
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
    data = augmented(load("train").cache())
    new_model().fit(data, validation_data=load("valid").cache(), epochs=3, verbose=0, callbacks=callbacks)
    print(json.dumps({"megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)


if mode == "once":
    run_once()
else:
    steps = make_gpu_steps() if mode == "gpu" else make_steps()
    for line in sys.stdin:
        print(json.dumps({"ms": 1000 * timed(steps[line.strip()])}), flush=True)
