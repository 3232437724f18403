from . import gdpr_download
