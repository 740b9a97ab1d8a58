"""Small hybrids of a network and a quantum circuit, and their classical controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from osteon.backbones import BACKBONES
from osteon.backbones.timm_model import normaliser, timm_net

if TYPE_CHECKING:
    from torch import nn

Middle = Literal["quantum", "classical"]  # classical: the control, with as many parameters


@BACKBONES.register("quantum")
@dataclass(frozen=True, kw_only=True, slots=True)
class Quantum:
    """A small front reduces a film to one angle a qubit; a circuit; a linear layer on its read-out.

    The front is convolutions with ``channels`` (batch norm, ReLU, max-pooling each) and global
    average pooling, or the film pooled to ``pool_px`` x ``pool_px``.
    """

    front: Literal["convolution", "pool"] = "convolution"
    channels: tuple[int, ...] = (8, 16, 32)
    pool_px: int = 8
    n_qubits: int = 6
    n_layers: int = 3
    middle: Middle = "quantum"

    def build(self, n_classes: int) -> nn.Module:
        """Raises MissingExtra without PennyLane."""
        from torch import nn

        layers, width = self._front()
        return nn.Sequential(*layers, nn.Flatten(), hybrid(self, width, n_classes))

    def _front(self) -> tuple[list[nn.Module], int]:
        from torch import nn

        if self.front == "pool":
            return [nn.AdaptiveAvgPool2d(self.pool_px)], self.pool_px**2
        layers: list[nn.Module] = []
        before = 1
        for width in self.channels:
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
            before = width
        return [*layers, nn.AdaptiveAvgPool2d(1)], before


@BACKBONES.register("quantum_transfer")
@dataclass(frozen=True, kw_only=True, slots=True)
class QuantumTransfer:
    """Features of a frozen timm network, linear to the qubits, a circuit, linear.

    The network it builds is an ``osteon.networks.Probe``: only its head is trained, on features
    that are computed once. Mari et al., Quantum 4:340 (2020), dressed quantum circuits.
    """

    model: str = "tf_efficientnet_lite0"
    weights: str = "imagenet"
    n_qubits: int = 6
    n_layers: int = 3
    middle: Middle = "quantum"

    def build(self, n_classes: int) -> nn.Module:
        """Raises MissingExtra without PennyLane, and what ``TimmModel.build`` raises."""
        from osteon.networks import Probe

        trunk = timm_net(self.model, self.weights, num_classes=0, global_pool="")
        return Probe(
            normaliser(self.model, trunk),
            trunk,
            n_classes,
            head=lambda width: hybrid(self, width, n_classes),
        )


def hybrid(how: Quantum | QuantumTransfer, width: int, n_classes: int) -> nn.Module:
    from osteon.circuits import Circuit, ClassicalControl, Hybrid

    kind = Circuit if how.middle == "quantum" else ClassicalControl
    return Hybrid(width, how.n_qubits, kind(how.n_qubits, how.n_layers), n_classes)
