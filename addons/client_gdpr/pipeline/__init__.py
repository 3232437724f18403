"""One line of rooms; frozen values of ``tools.plan`` travel between them.

finder    collects where a person is, and never judges
planner   judges what is to happen and why, and never touches
(a person approves)
executor  takes only an approved plan and carries it out
verifier  looks again from the outside and does not trust the executor
reporter  writes for a human: the answer and the certificate

Beside the line:

run       takes requests through the rooms, chunk by chunk, and says whether anything is left
corrector puts right what is wrong, in the contact and in every copy the finder knows
"""

from . import gdpr_finder
from . import gdpr_trace
from . import gdpr_planner
from . import gdpr_executor
from . import gdpr_corrector
from . import gdpr_verifier
from . import gdpr_reporter
from . import gdpr_run
from . import gdpr_answer
from . import gdpr_information
from . import gdpr_packing
