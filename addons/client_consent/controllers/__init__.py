from . import notice
from . import evidence
from . import proof
from . import receipt
from . import recovery_sheet
from . import limit
from . import answer
from . import office
