# Settings for `make lab`; they change nothing outside this folder.
c = get_config()  # noqa: F821

c.LabApp.default_url = "/lab/tree/notebooks/00_start_here.ipynb"
c.LabApp.news_url = None  # the lessons need no network, so the lab asks for nothing either
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.ServerApp.allow_root = True  # in a container one often is root; the server listens on this machine alone
