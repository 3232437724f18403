from . import base_partner_merge
from . import gdpr_erasure_wizard
from . import gdpr_erasure_wizard_identity
from . import gdpr_reason_wizard
from . import gdpr_passphrase_wizard
from . import gdpr_rectification_wizard
from . import gdpr_rectification_wizard_line
