"""The course as pages that need no kernel, no network and no server: `make site`."""
