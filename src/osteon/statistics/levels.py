"""What every interval of osteon promises."""

from __future__ import annotations

LEVEL = 0.95
Z = 1.959963984540054  # 97.5 % of a standard normal variable lies below
