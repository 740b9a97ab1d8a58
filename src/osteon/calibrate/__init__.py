"""How far scores can be read as probabilities, and what makes them better ones.

Calibrators (``osteon.calibrators``) are fitted and chosen on validation alone; every figure is of
the test part.
"""

from osteon.calibrate.judge import chosen_calibrator as chosen_calibrator
from osteon.calibrate.judge import judge_calibration as judge_calibration
from osteon.calibrate.values import FILE as FILE
from osteon.calibrate.values import Calibrated as Calibrated
from osteon.calibrate.values import Tried as Tried
