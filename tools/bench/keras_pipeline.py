"""The pipeline in Keras, which the benchmarks compare with ours: data, augmentation, network."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from steps import timed

AUTOTUNE = tf.data.AUTOTUNE


def new_augmentation():
    return keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.1)])


def load(folder, batch_size=32):
    return keras.utils.image_dataset_from_directory(
        folder, seed=42, image_size=(64, 64), batch_size=batch_size, label_mode="int", verbose=False
    )


def in_memory(folder):
    batches = list(load(folder).as_numpy_iterator())
    return [np.concatenate([batch[i] for batch in batches]) for i in range(2)]


def augmented(data, augmentation, parallel_calls=AUTOTUNE):
    changed = data.map(lambda x, y: (augmentation(x, training=True), y), num_parallel_calls=parallel_calls)
    return changed.prefetch(AUTOTUNE)


def new_model(optimizer="adam", steps_per_execution=1, jit_compile="auto"):
    model = keras.Sequential([layers.Input((64, 64, 3))])
    for filters in (32, 64, 128, 256):
        model.add(layers.Conv2D(filters, (3, 3), activation="relu"))
        model.add(layers.MaxPooling2D(2, 2))
    model.add(layers.Flatten())
    model.add(layers.Dense(256, activation="relu"))
    model.add(layers.Dropout(0.4))
    model.add(layers.Dense(2, activation="softmax"))
    model.compile(
        optimizer=optimizer,
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
        jit_compile=jit_compile,
    )
    return model


def with_best_steps(work, batches):
    """The fastest of several `steps_per_execution`, found on the first call, which warms up."""
    best = None

    def run():
        nonlocal best
        if best is None:
            candidates = [new_model(steps_per_execution=steps) for steps in (1, 4, 16, 64) if steps <= max(1, batches)]
            for model in candidates:
                work(model)
            best = min(candidates, key=lambda model: timed(lambda: work(model)))
        work(best)

    return run


def fit_with_best_steps(xs, ys, batch_size):
    def fit(model):
        model.fit(xs, ys, batch_size=batch_size, epochs=1, verbose=0)

    return with_best_steps(fit, len(xs) // batch_size)
