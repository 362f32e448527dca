from lab.errors import UndeclaredVariableError as UndeclaredVariableError

from .host import CompiledForward as CompiledForward
from .host import HostForward as HostForward
from .host import host_forward as host_forward
from .sharding import devices as devices
from .sharding import require_batch as require_batch
from .sharding import shard as shard
from .sharding import unsharded as unsharded
from .tensorflow import batch_normalize as batch_normalize
from .tensorflow import compile as compile
from .tensorflow import cond as cond
from .tensorflow import prepare as prepare
from .tensorflow import read as read
from .tensorflow import scan as scan
from .tensorflow import together as together
from .tensorflow import value_and_grad as value_and_grad
from .tensorflow import write as write
