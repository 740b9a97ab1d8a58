"""How to differentiate a simulated circuit: batched back-propagation against adjoint, film by film.

python -m benchmarks.circuits
"""

from __future__ import annotations

import argparse
import time
from importlib.metadata import version

import pennylane as qml
import torch
from benchmarks.side_by_side import write_result

WAYS = (
    ("default.qubit", "backprop"),
    ("default.qubit", "adjoint"),
    ("lightning.qubit", "adjoint"),
)


def seconds_a_batch(device: str, how: str, n_qubits: int, n_layers: int, batch: int) -> float:
    wires = range(n_qubits)

    @qml.qnode(qml.device(device, wires=n_qubits), diff_method=how)  # type: ignore[untyped-decorator]
    def circuit(angles: torch.Tensor, weights: torch.Tensor) -> list[torch.Tensor]:
        qml.AngleEmbedding(angles, wires=wires)
        qml.StronglyEntanglingLayers(weights, wires=wires)
        return [qml.expval(qml.PauliZ(wire)) for wire in wires]

    angles = torch.rand(batch, n_qubits, requires_grad=True)
    weights = torch.rand(n_layers, n_qubits, 3, requires_grad=True)

    def step() -> None:
        if how == "backprop":
            read = torch.stack(list(circuit(angles, weights)), dim=1)
        else:
            read = torch.stack([torch.stack(list(circuit(film, weights))) for film in angles])
        read.sum().backward()  # type: ignore[no-untyped-call]

    step()
    begun = time.perf_counter()
    for _ in range(3):
        step()
    return (time.perf_counter() - begun) / 3


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    rows = [
        {"qubits": n_qubits}
        | {
            f"{device} {how}, ms": round(1000 * seconds_a_batch(device, how, n_qubits, 3, 32), 1)
            for device, how in WAYS
        }
        for n_qubits in (4, 6, 8)
    ]
    figures = {"layers": 3, "films_a_batch": 32, "forward_and_backward": rows}
    beside = {name: version(name) for name in ("pennylane", "pennylane-lightning")}
    write_result("reproductions/circuits", "python -m benchmarks.circuits", figures, beside)


if __name__ == "__main__":
    main()
