from . import common
from . import test_access
from . import test_data_map
from . import test_deadline
from . import test_erasure
from . import test_four_eyes
from . import test_rights
from . import test_rpc
