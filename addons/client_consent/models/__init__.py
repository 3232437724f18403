from . import consent_key
from . import consent_purpose
from . import consent_notice
from . import consent_subject
from . import consent_token
from . import consent_event
from . import consent_basis
from . import res_partner
