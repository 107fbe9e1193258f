"""A Keras model behind FastAPI, as its users write it: `POST /predict` with an image as body. Prints its address.

Called with the .keras file; needs keras, tensorflow, pillow, fastapi and uvicorn[standard]: its event loop and HTTP parser in C.
"""

import io
import os
import socket
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image

model = keras.models.load_model(sys.argv[1])
_, height, width, channels = model.input_shape
predict = tf.function(lambda images: model(images, training=False))
app = FastAPI()


def classify(body: bytes) -> list[float]:
    try:
        image = Image.open(io.BytesIO(body)).convert("L" if channels == 1 else "RGB")
    except OSError as error:
        raise HTTPException(422, "not an image") from error
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
    return predict(pixels.reshape(1, height, width, channels)).numpy()[0].tolist()


@app.post("/predict")
async def answer(request: Request) -> dict:
    probabilities = await run_in_threadpool(classify, await request.body())
    return {"predictions": [{"probabilities": probabilities}]}


if __name__ == "__main__":
    predict(np.zeros((1, height, width, channels), dtype=np.float32))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
