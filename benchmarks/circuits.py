"""How to differentiate a simulated circuit: batched back-propagation against adjoint, film by film.

python benchmarks/circuits.py
"""

from __future__ import annotations

import time

import pennylane as qml
import torch

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
    for n_qubits in (4, 6, 8):
        for device, how in WAYS:
            seconds = seconds_a_batch(device, how, n_qubits, 3, 32)
            print(f"{n_qubits} qubits, 3 layers, 32 films: {device} {how} {1000 * seconds:.1f} ms")


if __name__ == "__main__":
    main()
