"""The middle of a hybrid network: a quantum circuit, or a classical block of as many parameters.

Importing this imports torch; PennyLane is imported when a circuit is built.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from osteon.errors import MissingExtra


class Circuit(nn.Module):
    """(N, Q) angles -> (N, Q) expectations of Pauli-Z in [-1, 1].

    Angle embedding by rotations about X, then strongly entangling layers (Schuld et al., Phys Rev A
    101:032308, 2020), simulated exactly. Batches go through the simulator as one: back-propagation
    through it was 14 to 19 times as fast as adjoint differentiation film by film (4 to 8 qubits,
    batches of 32, two CPU cores; ``benchmarks/circuits.py``).
    """

    def __init__(self, n_qubits: int, n_layers: int) -> None:
        super().__init__()
        try:
            import pennylane as qml
        except ImportError:
            raise MissingExtra("A quantum circuit", "quantum") from None
        wires = range(n_qubits)

        @qml.qnode(qml.device("default.qubit", wires=n_qubits), diff_method="backprop")  # type: ignore[untyped-decorator, unused-ignore]
        def circuit(angles: Tensor, weights: Tensor) -> list[Tensor]:
            qml.AngleEmbedding(angles, wires=wires)
            qml.StronglyEntanglingLayers(weights, wires=wires)
            return [qml.expval(qml.PauliZ(wire)) for wire in wires]

        self.circuit = circuit
        self.weights = nn.Parameter(2 * math.pi * torch.rand(n_layers, n_qubits, 3))

    def forward(self, angles: Tensor) -> Tensor:
        with torch.autocast(angles.device.type, enabled=False):  # its states are complex
            read = self.circuit(angles.float(), self.weights)
        return torch.stack(list(read), dim=1).to(angles.dtype)


class ClassicalControl(nn.Module):
    """What a circuit must beat: (N, Q) -> (N, Q) in [-1, 1] with exactly as many parameters.

    As a strongly entangling layer has three angles a qubit and entangles it with one neighbour, a
    layer here has a factor for the channel, one for its neighbour, and a bias, then tanh.
    """

    def __init__(self, n_qubits: int, n_layers: int) -> None:
        super().__init__()
        weights = torch.zeros(n_layers, n_qubits, 3)
        weights[..., :2] = torch.randn(n_layers, n_qubits, 2)
        self.weights = nn.Parameter(weights)

    def forward(self, angles: Tensor) -> Tensor:
        channels = angles
        for layer, weights in enumerate(self.weights):
            away = layer % max(angles.shape[1] - 1, 1) + 1  # the range of the entangling layers
            own, neighbour, bias = weights.unbind(1)
            channels = torch.tanh(own * channels + neighbour * channels.roll(-away, 1) + bias)
        return channels


class Hybrid(nn.Module):
    """(N, D) features -> (N, C) logits: linear to Q angles, the middle, linear."""

    def __init__(self, width: int, n_qubits: int, middle: nn.Module, n_classes: int) -> None:
        super().__init__()
        self.into = nn.Linear(width, n_qubits)
        self.middle = middle
        self.out = nn.Linear(n_qubits, n_classes)

    def forward(self, features: Tensor) -> Tensor:
        angles = torch.tanh(self.into(features)) * (math.pi / 2)
        logits: Tensor = self.out(self.middle(angles))
        return logits
