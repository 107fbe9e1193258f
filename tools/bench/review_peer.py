"""cleanlab's label issues and outliers, one step for each line on standard input; answers with milliseconds, and what was
found, as JSON."""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.outlier import OutOfDistribution
from cleanlab.rank import get_label_quality_scores

warnings.simplefilter("ignore")


def issues(folder):
    labels = np.fromfile(folder / "labels", np.int32).astype(int)
    probabilities = np.fromfile(folder / "probabilities", np.float64).reshape(len(labels), -1)

    def work():
        ranking = np.argsort(get_label_quality_scores(labels, probabilities), kind="stable")
        found = find_label_issues(labels, probabilities, return_indices_ranked_by="self_confidence")
        return {"issues": found.tolist(), "ranking": ranking.tolist()}

    return work


def outliers(folder):
    images = len(np.fromfile(folder / "labels", np.int32))
    features = np.fromfile(folder / "features", np.float32).reshape(images, -1)

    def work():
        OutOfDistribution().fit_score(features=features, verbose=False)
        return {}

    return work


for line in sys.stdin:
    step, folder = line.strip().split(" of ", 1)
    work = {"label issues": issues, "outliers": outliers}[step](Path(folder))
    started = time.perf_counter()
    found = work()
    print(json.dumps({"ms": 1000 * (time.perf_counter() - started), **found}), flush=True)
