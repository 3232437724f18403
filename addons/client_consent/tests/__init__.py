from . import common
from . import test_card
from . import test_gate
from . import test_ledger
from . import test_notice
from . import test_purpose
from . import test_queue
from . import test_rights
