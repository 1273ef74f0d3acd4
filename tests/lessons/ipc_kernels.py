"""For `pytest --nbval`: kernels talk through files. Two that start at once may choose the same port."""

import os
import tempfile

import nbval.kernel


class IpcKernelManager(nbval.kernel.KernelManager):
    def __init__(self, **options):
        folder = tempfile.TemporaryDirectory()
        super().__init__(transport="ipc", connection_file=f"{folder.name}/kernel.json", **options)
        self.folder = folder  # goes when this goes


if os.name == "posix":
    nbval.kernel.KernelManager = IpcKernelManager
