from . import base_partner_merge
from . import consent_invite_wizard
from . import consent_record_wizard
from . import consent_withdraw_wizard
