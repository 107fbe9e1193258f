"""Sweeps of Keras trainings by Ray Tune, one for each line on standard input; answers with milliseconds as JSON."""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

# Before Ray starts its workers, which inherit it: a thread a trial, as ours. The last keeps Ray from standard output.
os.environ.update(
    TF_CPP_MIN_LOG_LEVEL="3", TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", RAY_AIR_NEW_OUTPUT="0"
)

import ray
from ray import tune

dataset, epochs, trials = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


def train(config):
    import keras
    import tensorflow as tf
    from keras import layers

    def load(split):
        return keras.utils.image_dataset_from_directory(
            dataset / split, seed=42, image_size=(64, 64), batch_size=32, label_mode="int", verbose=False
        )

    augmentation = keras.Sequential(
        [layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.1)]
    )
    data = load("train").cache().map(lambda x, y: (augmentation(x, training=True), y), num_parallel_calls=1)
    model = keras.Sequential([layers.Input((64, 64, 3))])
    for filters in (32, 64, 128, 256):
        model.add(layers.Conv2D(filters, (3, 3), activation="relu"))
        model.add(layers.MaxPooling2D(2, 2))
    model.add(layers.Flatten())
    model.add(layers.Dense(256, activation="relu"))
    model.add(layers.Dropout(0.4))
    model.add(layers.Dense(2, activation="softmax"))
    optimizer = keras.optimizers.Adam(config["learning_rate"])
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    class Report(keras.callbacks.Callback):
        first_step = None

        def on_train_batch_end(self, batch, logs=None):
            self.first_step = self.first_step or time.time()

        def on_epoch_end(self, epoch, logs=None):
            tune.report({"val_loss": logs["val_loss"], "first_step": self.first_step, "last_step": time.time()})

    stopping = keras.callbacks.EarlyStopping(patience=9, restore_best_weights=True)
    validation = load("valid").cache().prefetch(tf.data.AUTOTUNE)
    model.fit(
        data.prefetch(tf.data.AUTOTUNE),
        validation_data=validation,
        epochs=epochs,
        verbose=0,
        callbacks=[stopping, Report()],
    )


def sweep(workers, kept):
    rates = [1e-4 * 10 ** (i / max(1, trials - 1)) for i in range(trials)]
    with tempfile.TemporaryDirectory() as folder:
        started = time.time()
        tuner = tune.Tuner(
            tune.with_resources(train, {"cpu": 1}),
            param_space={"learning_rate": tune.grid_search(rates)},
            tune_config=tune.TuneConfig(max_concurrent_trials=workers, reuse_actors=kept),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        )
        results = tuner.fit()
        ended = time.time()
    if results.errors:
        raise results.errors[0]
    training = sum(result.metrics["last_step"] - result.metrics["first_step"] for result in results)
    first = min(result.metrics["first_step"] for result in results)
    return {
        "ms": 1000 * (ended - started),
        "first step": 1000 * (first - started),
        "a trial but for its steps": 1000 * (workers * (ended - started) - training) / trials,
    }


ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
for line in sys.stdin:
    workers = 1 if line.startswith("one at a time") else 2
    print(json.dumps(sweep(workers, "processes kept" in line)), flush=True)
