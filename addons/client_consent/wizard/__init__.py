from . import consent_proof_wizard
from . import consent_key_wizard
from . import consent_record_wizard
from . import consent_withdraw_wizard
