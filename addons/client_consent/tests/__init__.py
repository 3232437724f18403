from . import common
from . import test_country
from . import test_gate
from . import test_ledger
from . import test_notice
from . import test_purpose
from . import test_rights
from . import test_settings
