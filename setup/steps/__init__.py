"""What `setup/run` and `setup/test` are made of: the standard library only, one concern a module.

    cli         the commands and their options
    settings    what the environment variables say
    console     numbered steps with seconds; Problem, the one kind of error a user sees
    command     runs other programs and turns their failure into a Problem
    machine     programs of the machine: found, installed (root), or named in one line
    odoo_tree   Odoo 19.0: from ODOO_PATH, from ODOO_DEB, or from Debian's archive
    packages    Python packages by uv, hash-locked
    postgres    the server that is offered, else a private cluster
    odoo        runs Odoo's own commands; its configuration and the key file
    database    cached databases, their clones and file stores
    prepare     the steps above in order
    serve       the running Odoo and what its user is told
    mailbox     takes the running Odoo's mail, so that none leaves the machine
    tests       the two halves of the tests and their one summary
    bench       two databases of one shape, a worker on each, measured in turn
    promises    what is measured, and which goals there are
    figures     what a measured row promises, and the table that says which promises are held

Whatever is made lies in the environment folder, under a temporary name until it is whole.
"""
