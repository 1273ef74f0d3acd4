"""What JupyterHub makes of a file of settings; as a program, so that another version of it can be asked: PATH."""

import json
import sys

from jupyterhub import spawner
from jupyterhub.app import JupyterHub
from jupyterhub.auth import PAMAuthenticator
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator


def read(path) -> dict[str, dict]:
    """{class: {setting: value}}; raises LookupError for a setting that JupyterHub does not know."""
    app = read_app(path)
    known = {}
    for one in (*app.classes, PAMAuthenticator, SharedPasswordAuthenticator, spawner.SimpleLocalProcessSpawner):
        known |= {each.__name__: each for each in one.__mro__ if hasattr(each, "class_trait_names")}
    for section, settings in app.config.items():
        for name in settings:
            if section not in known or name not in known[section].class_trait_names(config=True):
                raise LookupError(f"JupyterHub knows no setting {section}.{name}")
    return json.loads(json.dumps({name: dict(settings) for name, settings in app.config.items()}, default=plain))


def read_app(path) -> JupyterHub:
    app = JupyterHub(log_level=40)
    app.load_config_file(str(path))
    return app


def plain(value):
    """A set as a list, a function as its name."""
    return value.__name__ if callable(value) else sorted(value)


if __name__ == "__main__":
    print(json.dumps(read(sys.argv[1])))
