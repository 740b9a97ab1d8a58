"""Ultralytics classify (AGPL-3.0: run as a rival in its own Python, nothing of it is used here).

``yolo11n-cls`` from scratch, since its weights are downloaded by it and cannot be had offline; its
own training, which keeps the best epoch by validation accuracy.
"""

from __future__ import annotations

from benchmarks.peer_scripts.common import told, write_scores, write_told

from osteon.torchvision_shim import make_torchvision_importable


def main() -> None:
    make_torchvision_importable()
    from ultralytics import YOLO  # type: ignore[import-not-found]

    given = told()
    (epochs,) = given.epochs
    net = YOLO("yolo11n-cls.yaml")
    net.train(
        data=str(given.films),
        epochs=epochs,
        imgsz=given.size_px,
        batch=16,
        device="cpu",
        workers=0,
        seed=given.seed,
        pretrained=False,
        plots=False,
        project=str(given.out),
        name="run",
        exist_ok=True,
        verbose=False,
    )
    best = YOLO(str(given.out / "run" / "weights" / "best.pt"))
    (positive,) = (at for at, name in best.names.items() if name == given.positive)
    for part in ("val", "test"):
        found = best.predict(
            [str(path) for path in given.part(part)],
            imgsz=given.size_px,
            device="cpu",
            batch=16,
            stream=True,
            verbose=False,
        )
        write_scores(given, part, [float(one.probs.data[positive]) for one in found])
    write_told(given, ("ultralytics", "torch"))


if __name__ == "__main__":
    main()
