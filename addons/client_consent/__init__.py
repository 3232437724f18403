from . import controllers, models, wizard


def post_init_hook(env):
    """Remember the fingerprint of the key that is configured, so that another one is refused later."""
    env["consent.key"]._remember_if_configured()
