from .story import tell


def post_init_hook(env):
    """Found the company; its dates follow the day of installation."""
    tell(env)
