from . import test_corrected_buyer
from . import test_printed_buyer
from . import test_retention
from . import test_deferred
