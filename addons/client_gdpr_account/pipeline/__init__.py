"""What accounting adds to the rooms of ``client_gdpr.pipeline``."""

from . import gdpr_planner
from . import gdpr_executor
from . import gdpr_corrector
from . import gdpr_reporter
