from . import test_package
from . import test_package_tour
from . import test_rectification
from . import test_restriction_doors
from . import test_story
from . import test_who_is_it
from . import test_suppression
