"""What `keras.Model.fit` lacks for supervised networks."""

from lab.recipe import Recipe as Recipe
from lab.supervised.early_stopping import EarlyStopping as EarlyStopping
from lab.supervised.examples import Examples as Examples
from lab.supervised.examples import cutmix as cutmix
from lab.supervised.examples import mixup as mixup
from lab.supervised.range_test import RangeTest as RangeTest
from lab.supervised.range_test import range_test as range_test
from lab.supervised.report import Report as Report
from lab.supervised.report import report as report
from lab.supervised.report import save_report as save_report
from lab.supervised.training import Training as Training
from lab.supervised.training import probabilities as probabilities
