"""Keras 3 on TensorFlow, as its example "Image classification via fine-tuning with EfficientNet".

First a new top alone (Adam, 1e-2), then the last 20 layers but for batch normalisation (1e-5, as
the example has it). Keras has no EfficientNet-Lite; the network below has TensorFlow's own padding
and takes the same ImageNet weights. The epoch of the best validation AUROC is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from benchmarks.peer_scripts.common import Told, told, write_scores, write_told

# kernel, repeats, filters, expansion, stride of each stage
STAGES = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
LAST_LAYERS, BATCH = 20, 32


def lite0(films: Any, weights: str) -> Any:
    """EfficientNet-Lite0 without its top on ``films`` (0 to 255), frozen, with its weights."""
    import keras  # type: ignore[import-not-found]
    from keras import layers

    made: list[Any] = []

    def convolved(x: Any, layer: Any, *, active: bool = True) -> Any:
        made.extend((layer, layers.BatchNormalization(epsilon=1e-3, momentum=0.99)))
        x = made[-1](layer(x))
        return layers.ReLU(max_value=6.0)(x) if active else x

    def plain(filters: int, kernel: int, stride: int = 1) -> Any:
        return layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False)

    x = layers.Rescaling(1 / 128, offset=-127 / 128)(films)
    x = convolved(x, plain(32, 3, 2))
    for kernel, repeats, filters, expansion, first_stride in STAGES:
        for at in range(repeats):
            stride, before = (first_stride if at == 0 else 1), x
            if expansion > 1:
                x = convolved(x, plain(x.shape[-1] * expansion, 1))
            deep = layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False)
            x = convolved(convolved(x, deep), plain(filters, 1), active=False)
            if at > 0:
                x = layers.Add()([before, x])
    x = convolved(x, plain(1280, 1))
    with np.load(weights) as arrays:
        waiting = [arrays[name] for name in arrays.files]
    for layer in made:
        ours = layer.get_weights()
        taken, waiting = waiting[: len(ours)], waiting[len(ours) :]
        if taken[0].ndim == 4:
            deep = isinstance(layer, layers.DepthwiseConv2D)
            taken = [taken[0].transpose((2, 3, 0, 1) if deep else (2, 3, 1, 0))]
        layer.set_weights(taken)
    trunk = keras.Model(films, x, name="lite0")
    trunk.trainable = False
    return trunk


def main() -> None:
    import keras
    import tensorflow as tf  # type: ignore[import-untyped]

    given = told()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(given.seed)
    size = (given.size_px, given.size_px)
    net, trunk = network(size, str(given.weights / "in_order.npz"))
    history = trained(net, trunk, given)
    for part in ("val", "test"):
        paths = given.part(part)
        batches = (paths[at : at + BATCH] for at in range(0, len(paths), BATCH))
        scored = (net.predict_on_batch(loaded(batch, size))[:, 0] for batch in batches)
        write_scores(given, part, np.concatenate([*scored]))
    write_told(given, ("keras", "tensorflow_cpu"), val_auroc=history)


def network(size: tuple[int, int], weights: str) -> tuple[Any, Any]:
    """The example's augmentation and top around the frozen trunk; and that trunk."""
    import keras
    from keras import layers

    films = x = keras.Input((*size, 3))
    for change in (
        layers.RandomRotation(0.15),
        layers.RandomTranslation(0.1, 0.1),
        layers.RandomFlip("horizontal"),
        layers.RandomContrast(0.1),
    ):
        x = change(x)
    trunk = lite0(keras.Input((*size, 3)), weights)
    x = layers.GlobalAveragePooling2D()(trunk(x, training=False))
    x = layers.Dropout(0.2)(layers.BatchNormalization()(x))
    return keras.Model(films, layers.Dense(1, activation="sigmoid")(x)), trunk


def trained(net: Any, trunk: Any, given: Told) -> list[float]:
    """Leaves the best epoch in ``net``; returns the validation AUROC of each."""
    import keras

    best = given.out / "best.weights.h5"
    keeper = keras.callbacks.ModelCheckpoint(
        str(best), monitor="val_auc", mode="max", save_best_only=True, save_weights_only=True
    )
    history: list[float] = []
    for phase, (epochs, lr) in enumerate(zip(given.epochs, (1e-2, 1e-5), strict=True)):
        if phase:
            thaw(trunk)
        net.compile(
            optimizer=keras.optimizers.Adam(lr),
            loss="binary_crossentropy",
            metrics=[keras.metrics.AUC(name="auc")],
        )
        done = net.fit(
            dataset(given, "train"),
            validation_data=dataset(given, "val"),
            epochs=epochs,
            callbacks=[keeper],
            verbose=0,
        )
        history += done.history["val_auc"]
    net.load_weights(best)
    return history


def thaw(trunk: Any) -> None:
    """The last layers, but for batch normalisation."""
    from keras import layers

    trunk.trainable = True
    for at, layer in enumerate(reversed(trunk.layers)):
        normalises = isinstance(layer, layers.BatchNormalization)
        layer.trainable = at < LAST_LAYERS and not normalises


def dataset(given: Told, part: str) -> Any:
    import keras

    return keras.utils.image_dataset_from_directory(
        given.films / part,
        class_names=list(given.classes),
        label_mode="binary",
        image_size=(given.size_px, given.size_px),
        batch_size=BATCH,
        verbose=False,
    ).prefetch(1)


def loaded(paths: Any, size: tuple[int, int]) -> Any:
    """As ``image_dataset_from_directory`` reads and resizes them."""
    import tensorflow as tf

    def film(path: Any) -> Any:
        return tf.image.resize(tf.io.decode_png(tf.io.read_file(str(path)), channels=3), size)

    return tf.stack([film(path) for path in paths])


if __name__ == "__main__":
    main()
