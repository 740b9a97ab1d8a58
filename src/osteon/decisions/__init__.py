"""What a reader of films can do with the scores: three answers, prediction sets, decision curves,
work saved. Thresholds come from validation alone; every figure is of the test part.
"""

from osteon.decisions.answers import Thresholds as Thresholds
from osteon.decisions.answers import three_way as three_way
from osteon.decisions.decide import Goals as Goals
from osteon.decisions.decide import decide as decide
from osteon.decisions.values import DOUBTFUL as DOUBTFUL
from osteon.decisions.values import FILE as FILE
from osteon.decisions.values import Decisions as Decisions
from osteon.decisions.values import ThreeAnswers as ThreeAnswers
