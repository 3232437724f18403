from . import mail_notification
from . import mail_thread
from . import sms_sms
from . import sms_template
