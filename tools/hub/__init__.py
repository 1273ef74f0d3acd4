"""A JupyterHub for a class. README.md says how to set one up."""
