"""Makes thousands of damaged images, and records which of them Pillow and TensorFlow load.

In the folder given: `pillow/` are Pillow's test images, from its source package; `cut/` and `flip/` are files of each
format, cut at every length and with some bytes changed; `verdicts.jsonl` holds a line for each file.
"""

import io
import json
import os
import random
import subprocess
import sys
import tarfile
import warnings
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import PIL
import tensorflow as tf
from PIL import Image, ImageDraw

warnings.simplefilter("ignore")
FOLDER = Path(sys.argv[1])
FLIPS = 300


def unpack_pillow():
    """Extracts Pillow's test images from its source package."""
    if (FOLDER / "pillow").exists():
        return
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(FOLDER)]
    subprocess.run([*pip, f"pillow=={PIL.__version__}"], check=True)
    (archive,) = FOLDER.glob("pillow-*.tar.gz")
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            if member.isfile() and "/Tests/images/" in member.name:
                target = FOLDER / "pillow" / member.name.split("/Tests/images/")[1]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(packed.extractfile(member).read())


def drawing(width, height):
    dice = random.Random(1)
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        left, top = dice.randrange(width), dice.randrange(height)
        box = [left, top, left + dice.randrange(4, 20), top + dice.randrange(4, 20)]
        draw.ellipse(box, fill=tuple(dice.randrange(256) for _ in range(3)))
    return image


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def sources():
    small, tiny = drawing(40, 30), drawing(12, 9)
    frames = {"save_all": True, "append_images": [small.rotate(90), small.rotate(180)]}
    return {
        "baseline.jpg": encoded(small, "JPEG", quality=80),
        "progressive.jpg": encoded(small, "JPEG", progressive=True),
        "grey.jpg": encoded(small.convert("L"), "JPEG"),
        "cmyk.jpg": encoded(small.convert("CMYK"), "JPEG"),
        "restart.jpg": encoded(small, "JPEG", restart_marker_rows=1),
        "rgb.png": encoded(small, "PNG"),
        "palette.png": encoded(small.quantize(16), "PNG"),
        "alpha.png": encoded(small.convert("RGBA"), "PNG"),
        "still.gif": encoded(small.quantize(32), "GIF"),
        "animated.gif": encoded(small, "GIF", **frames),
        "rgb.bmp": encoded(tiny, "BMP"),
        "palette.bmp": encoded(tiny.quantize(16), "BMP"),
        "lossy.webp": encoded(small, "WEBP"),
        "lossless.webp": encoded(small, "WEBP", lossless=True),
        "animated.webp": encoded(small, "WEBP", **frames),
        "rgb.tif": encoded(tiny, "TIFF"),
        "deflate.tif": encoded(small, "TIFF", compression="tiff_deflate"),
        "rgb.avif": encoded(small, "AVIF"),
    }


def make_damage():
    for name, data in sources().items():
        extension = Path(name).suffix
        dice = random.Random(name)
        cut, flip = FOLDER / "cut" / name, FOLDER / "flip" / name
        cut.mkdir(parents=True, exist_ok=True)
        flip.mkdir(parents=True, exist_ok=True)
        for length in range(len(data) + 1):
            (cut / f"{length:05}{extension}").write_bytes(data[:length])
        for i in range(FLIPS):
            changed = bytearray(data)
            for _ in range(dice.choice([1, 1, 2, 4])):
                changed[dice.randrange(len(data))] ^= dice.randrange(1, 256)
            (flip / f"{i:05}{extension}").write_bytes(changed)


def works(action):
    try:
        action()
        return True
    except Exception:
        return False


def checked(path):
    def verify():
        with Image.open(path) as image:
            image.verify()

    def load():
        with Image.open(path) as image:
            image.load()

    def decode():
        tf.io.decode_image(path.read_bytes(), channels=3, expand_animations=False)

    relative = str(path.relative_to(FOLDER))
    return {"path": relative, "verify": works(verify), "load": works(load), "tensorflow": works(decode)}


FOLDER.mkdir(parents=True, exist_ok=True)
unpack_pillow()
make_damage()
with open(FOLDER / "verdicts.jsonl", "w") as lines:
    for part in ("pillow", "cut", "flip"):
        for path in sorted((FOLDER / part).rglob("*")):
            if path.is_file():
                lines.write(json.dumps(checked(path)) + "\n")
