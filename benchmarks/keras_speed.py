"""Whole training epochs, data loading included: osteon against the same network in Keras 3.

    python -m benchmarks.keras_speed DATA --network regions-cnn --keras-python OTHER/bin/python

Keras runs in a Python of its own that has tensorflow and keras, the films as its users load them:
``image_dataset_from_directory`` over JPEG files, prefetched, augmented by layers. osteon reads its
prepared array. Both train the same network on the same films with all cores, in turns; the first
epoch of each turn is a warm-up and is not counted. Keras' cached variant decodes once, as osteon.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.side_by_side import write_result

KERAS = """
import json, sys, time
import keras, tensorflow as tf
from keras import layers

told = json.loads(sys.argv[1])
keras.mixed_precision.set_global_policy(told["precision"])
size, n_classes = told["size"], told["n_classes"]

def dataset(part, shuffle):
    made = keras.utils.image_dataset_from_directory(
        told["folder"] + "/" + part, color_mode="grayscale", image_size=(size, size),
        batch_size=32, shuffle=shuffle, label_mode="int", verbose=False)
    if told["cached"]:
        made = made.cache()
    return made.prefetch(tf.data.AUTOTUNE)

def block(x, width):
    x = layers.Conv2D(width, 3, strides=told["stride"], padding="same")(x)
    if told["batch_norm"] == "blocks":
        x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x) if told["activation"] == "relu" else layers.LeakyReLU(0.01)(x)
    if told["block_dropout"]:
        x = layers.Dropout(told["block_dropout"])(x)
    return layers.MaxPooling2D()(x) if told["pool"] == "max" else x

inputs = x = keras.Input((size, size, 1))
x = layers.Rescaling(1 / 255)(x)
if told["flip"]:
    x = layers.RandomFlip("horizontal")(x)
if told["rotate_deg"]:
    x = layers.RandomRotation(told["rotate_deg"] / 360, fill_mode="constant")(x)
if told["scale"]:
    x = layers.RandomZoom(told["scale"], fill_mode="constant")(x)
for width in told["channels"]:
    x = block(x, width)
if told["batch_norm"] == "end":
    x = layers.BatchNormalization()(x)
x = layers.Flatten()(x)
for width in told["dense"]:
    x = layers.Dense(width)(x)
    x = layers.ReLU()(x) if told["activation"] == "relu" else layers.LeakyReLU(0.01)(x)
    x = layers.Dropout(told["dropout"])(x)
if told["sigmoid"]:
    outputs, loss = layers.Dense(1, activation="sigmoid", dtype="float32")(x), "binary_crossentropy"
else:
    outputs = layers.Dense(n_classes, activation="softmax", dtype="float32")(x)
    loss = "sparse_categorical_crossentropy"
model = keras.Model(inputs, outputs)
model.compile(optimizer=keras.optimizers.Adam(told["lr"]), loss=loss, metrics=["accuracy"])

class Clock(keras.callbacks.Callback):
    seconds = []
    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.monotonic()
    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.monotonic() - self.begun)

clock = Clock()
model.fit(dataset("train", True), validation_data=dataset("val", False), epochs=told["epochs"],
          verbose=0, callbacks=[clock])
trained = sum(int(tf.size(w)) for w in model.trainable_weights)
print(json.dumps({"seconds": clock.seconds, "parameters": trained,
                  "versions": [keras.__version__, tf.__version__]}))
"""


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("data", type=Path)
    words.add_argument("--network", default="regions-cnn")
    words.add_argument("--keras-python", type=Path, required=True)
    words.add_argument("--films", type=int, default=512, help="to train on")
    words.add_argument("--epochs", type=int, default=2, help="counted in each turn")
    words.add_argument("--keras-precision", default="float32", help="or mixed_bfloat16")
    words.add_argument("--turns", type=int, default=2)
    words.add_argument("--set", action="append", default=[], dest="settings")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as place:
        compare(asked, Path(place))


def compare(asked: argparse.Namespace, place: Path) -> None:
    from osteon.recipe import named_recipe, with_settings

    recipe = with_settings(named_recipe(asked.network), asked.settings)
    n_classes = write_folder(asked.data, place / "films", asked.films)
    seconds: dict[str, list[float]] = {"osteon": [], "keras": [], "keras, cached": []}
    keras: dict[str, object] = {}
    for _ in range(asked.turns):
        ours, parameters = osteon_epochs(recipe, place, asked.epochs + 1)
        seconds["osteon"] += ours[1:]
        for name in ("keras", "keras, cached"):
            keras = keras_epochs(recipe, place, n_classes, asked, cached="cached" in name)
            seconds[name] += keras["seconds"][1:]  # type: ignore[index]
    assert keras["parameters"] == parameters, (keras["parameters"], parameters)
    median = {name: statistics.median(each) for name, each in seconds.items()}
    figures = {
        "network": asked.network,
        "settings": asked.settings,
        "precision_of_keras": asked.keras_precision,
        "films": asked.films,
        "parameters": parameters,
        "seconds_an_epoch": {name: round(value, 2) for name, value in median.items()},
        "of_each_epoch": {name: [round(x, 2) for x in each] for name, each in seconds.items()},
        "keras_over_osteon": round(median["keras"] / median["osteon"], 2),
        "cached_keras_over_osteon": round(median["keras, cached"] / median["osteon"], 2),
    }
    said = "".join(f" --set {setting}" for setting in asked.settings)
    command = (
        f"python -m benchmarks.keras_speed {asked.data.name} --network {asked.network} "
        f"--films {asked.films} --epochs {asked.epochs} --turns {asked.turns} "
        f"--keras-precision {asked.keras_precision}{said} --keras-python PYTHON"
    )
    of = "" if asked.keras_precision == "float32" else "-bfloat16"
    name = f"reproductions/keras-{asked.network}{of}"
    numbers: list[str] = keras["versions"]  # type: ignore[assignment]
    write_result(name, command, figures, dict(zip(("keras", "tensorflow"), numbers, strict=True)))


def write_folder(data: Path, out: Path, n_films: int) -> int:
    """n_films for training and a fifth of that for validation, as gray JPEG of their own size, in
    OUT/{train,val}/CLASS; what cannot be read is left out. Returns the number of classes."""
    import cv2

    from osteon.errors import UnreadableFilm
    from osteon.pixels import decode
    from osteon.reading import read_source

    manifest = read_source(data)
    films = [film for film in manifest.radiographs if film.label is not None]
    order = np.random.default_rng(0).permutation(len(films))
    wanted = {"train": n_films, "val": n_films // 5}
    for at in order:
        part = next((part for part, n in wanted.items() if n), None)
        if part is None:
            break
        film = films[int(at)]
        try:
            gray = decode(film.path).gray
        except UnreadableFilm:
            continue
        place = out / part / f"{film.label:02d}"
        place.mkdir(parents=True, exist_ok=True)
        if gray.dtype != np.uint8:
            gray = (gray // 257).astype(np.uint8)
        cv2.imwrite(str(place / f"{at}.jpg"), gray, [cv2.IMWRITE_JPEG_QUALITY, 95])
        wanted[part] -= 1
    return len(manifest.classes)


def osteon_epochs(recipe: object, place: Path, epochs: int) -> tuple[list[float], int]:
    from osteon.fit import fit
    from osteon.inspection import inspect_films
    from osteon.prepare import prepare
    from osteon.reading import read_source
    from osteon.types import Recipe, Split

    assert isinstance(recipe, Recipe)
    manifest = read_source(place / "films")
    facts = inspect_films(manifest)
    prepared = prepare(manifest, recipe.pixels, cache=place / "cache", facts=facts)
    part_of = {film.id: film.split for film in manifest.radiographs}
    parts = Split(
        train=tuple(id_ for id_, part in part_of.items() if part == "train"),
        val=tuple(id_ for id_, part in part_of.items() if part == "val"),
        test=(),
        groups={id_: id_ for id_ in part_of},
        manifest_digest=manifest.digest,
        origin="shipped",
        seed=0,
    )
    known = replace(recipe, epochs=epochs, patience=epochs)
    seconds = [epoch.history.seconds for epoch in fit(known, prepared, manifest, parts)]
    net = recipe.backbone.build(len(manifest.classes))
    return seconds, sum(p.numel() for p in net.parameters() if p.requires_grad)


def keras_epochs(
    recipe: object, place: Path, n_classes: int, asked: argparse.Namespace, *, cached: bool
) -> dict[str, object]:
    from osteon.backbones.cnn import Cnn
    from osteon.types import Optimiser, Recipe

    assert isinstance(recipe, Recipe)
    assert isinstance(recipe.backbone, Cnn)
    assert isinstance(recipe.optimiser, Optimiser)
    net = recipe.backbone
    told = {
        "precision": asked.keras_precision,
        "folder": str(place / "films"),
        "size": recipe.pixels.size_px,
        "n_classes": n_classes,
        "cached": cached,
        "stride": net.stride,
        "batch_norm": net.batch_norm,
        "activation": net.activation,
        "block_dropout": net.block_dropout,
        "pool": net.pool,
        "channels": net.channels,
        "dense": net.dense,
        "dropout": net.dropout,
        "sigmoid": net.output == "sigmoid",
        "lr": recipe.optimiser.lr,
        "flip": recipe.augment.flip,
        "rotate_deg": recipe.augment.rotate_deg,
        "scale": recipe.augment.scale,
        "epochs": asked.epochs + 1,
    }
    done = subprocess.run(
        [asked.keras_python, "-c", KERAS, json.dumps(told)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    answer: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


if __name__ == "__main__":
    main()
