from . import account_move
from . import gdpr_ground
from . import gdpr_retention_rule
from . import gdpr_vault
from . import ir_attachment
from . import res_company
from . import res_config_settings
from . import res_partner
