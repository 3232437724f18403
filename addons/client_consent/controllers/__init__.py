from . import limit
from . import answer
from . import office
