from . import controllers, models, pipeline, wizard
