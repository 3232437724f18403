from . import consent_record_wizard
from . import consent_withdraw_wizard
from . import mail_compose_message
