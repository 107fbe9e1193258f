"""Features of EfficientNet-Lite0 in Keras, one image size for each line on standard input; answers with milliseconds.

Keras Applications has no Lite networks: this is the same network in Keras's layers, with random weights.
"""

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from keras import Model, layers

BATCHES = 4
# Kernel size, stride of the first block, expansion, channels, blocks.
STAGES = [(3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1)]


def normalized(x, activation=True):
    x = layers.BatchNormalization()(x)
    return layers.ReLU(max_value=6)(x) if activation else x


def conv(x, filters, size, strides=1):
    return layers.Conv2D(filters, size, strides, "same", use_bias=False)(x)


def block(x, size, strides, expansion, filters):
    given = x
    if expansion > 1:
        x = normalized(conv(x, expansion * x.shape[-1], 1))
    x = normalized(layers.DepthwiseConv2D(size, strides, "same", use_bias=False)(x))
    x = normalized(conv(x, filters, 1), activation=False)
    return layers.Add()([x, given]) if strides == 1 and filters == given.shape[-1] else x


def lite0(size):
    inputs = layers.Input((size, size, 3))
    x = normalized(conv(layers.Rescaling(1 / 128, -127 / 128)(inputs), 32, 3, 2))
    for kernel, strides, expansion, filters, blocks in STAGES:
        for i in range(blocks):
            x = block(x, kernel, strides if i == 0 else 1, expansion, filters)
    return Model(inputs, layers.GlobalAveragePooling2D()(normalized(conv(x, 1280, 1))))


def step_of(size):
    model = lite0(size)
    run = tf.function(lambda x: model(x, training=False))
    images = tf.constant(np.random.default_rng(0).uniform(0, 255, (32, size, size, 3)).astype("float32"))
    return lambda: [run(images).numpy() for _ in range(BATCHES)]


steps = {}
for line in sys.stdin:
    size = int(line.split()[0])
    if size not in steps:
        steps[size] = step_of(size)
    started = time.perf_counter()
    steps[size]()
    print(json.dumps({"ms": 1000 * (time.perf_counter() - started)}), flush=True)
