from .comparison import compare as compare
from .experiment import run as run
from .experiment import start as start
