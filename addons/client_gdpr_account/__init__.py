from . import models
from . import pipeline
