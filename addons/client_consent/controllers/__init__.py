from . import invite
