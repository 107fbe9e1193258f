"""Sweeps of Keras trainings by Ray Tune, one for each line on standard input; answers with milliseconds as JSON."""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

# Before Ray starts its workers, which inherit it: one thread per trial, as in ours. The last keeps Ray from standard output.
os.environ.update(
    TF_CPP_MIN_LOG_LEVEL="3", TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", RAY_AIR_NEW_OUTPUT="0"
)

import ray
from ray import tune

dataset, epochs, trials = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


def train(config):
    # Here, in Ray's process, where the number of threads is set.
    import keras
    from keras_pipeline import AUTOTUNE, augmented, load, new_augmentation, new_model

    data = augmented(load(dataset / "train").cache(), new_augmentation(), parallel_calls=1)
    validation = load(dataset / "valid").cache().prefetch(AUTOTUNE)
    model = new_model(keras.optimizers.Adam(config["learning_rate"]))

    class Report(keras.callbacks.Callback):
        first_step = None

        def on_train_batch_end(self, batch, logs=None):
            self.first_step = self.first_step or time.time()

        def on_epoch_end(self, epoch, logs=None):
            tune.report({"val_loss": logs["val_loss"], "first_step": self.first_step, "last_step": time.time()})

    stopping = keras.callbacks.EarlyStopping(patience=9, restore_best_weights=True)
    callbacks = [stopping, Report()]
    model.fit(data, validation_data=validation, epochs=epochs, verbose=0, callbacks=callbacks)


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
