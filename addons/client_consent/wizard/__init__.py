from . import consent_proof_wizard
from . import consent_key_wizard
from . import consent_record_wizard_line
from . import consent_record_wizard
from . import consent_withdraw_wizard
from . import consent_evidence_wizard
from . import consent_request_wizard
from . import consent_renewal_wizard
