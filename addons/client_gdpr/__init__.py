from . import controllers, models, pipeline, wizard


def post_init_hook(env):
    env["gdpr.data.path"]._build_indexes()


def uninstall_hook(env):
    env["gdpr.data.path"]._drop_indexes()
