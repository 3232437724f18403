from . import recovery_sheet
