# The course's commands. The first one you use also sets everything up, in .venv.

# The first Python that is new enough and can make environments. To choose another: make lab PYTHON=python3.13
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -I -c 'import ensurepip, sys; assert sys.version_info >= (3, 11)' 2>/dev/null && echo $$p && exit; done; echo python3)
VENV_PYTHON = .venv/bin/python
unexport PYTHONPATH PYTHONHOME  # another project's packages stay there

.PHONY: lab warm present rehearse room test bench site notebooks weights compare faults floors lock setup setup-dev

lab: setup  # JupyterLab on the first lesson
	JUPYTER_CONFIG_PATH="$(CURDIR)/.jupyter" $(VENV_PYTHON) -m jupyterlab

warm: setup  # train once what the lessons train and keep it, so that a lecture need not wait
	$(VENV_PYTHON) tests/warm.py

present: setup  # a lesson as live slides: make present LESSON=05
	$(VENV_PYTHON) tests/stage.py $(LESSON)

rehearse: setup-dev  # walk through the slides of every lesson, or of one, and report what a hall should not see
	$(VENV_PYTHON) tests/rehearse.py $(LESSON)

room: setup-dev  # is this machine ready for the hall?
	$(VENV_PYTHON) tests/room.py

test: setup-dev  # the linter; unit and browser tests; every lesson against its stored outputs
	$(VENV_PYTHON) -m ruff check
	OMP_NUM_THREADS=1 $(VENV_PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder
	PYTHONPATH=tests VAELIB_KEPT=off OMP_NUM_THREADS=1 $(VENV_PYTHON) -m pytest --nbval -p ipc_kernels --nbval-current-env \
		--nbval-sanitize-with tests/nbval.cfg --nbval-cell-timeout 120 -n 2 --dist loadscope notebooks

bench: setup-dev  # how fast training, faces and the import are
	$(VENV_PYTHON) tests/bench.py

site: setup-dev  # the course as pages that need no kernel and no network, in site/
	$(VENV_PYTHON) tests/make_site.py

notebooks: setup-dev  # run every lesson on a fresh kernel and store its outputs, and the pictures in images/
	$(VENV_PYTHON) tests/run_notebooks.py

weights: setup  # train the models that come with the course anew, in a quarter of an hour
	$(VENV_PYTHON) -m vaelib.trained

compare: setup-dev  # one network for every β against one for each: some hours
	$(VENV_PYTHON) tests/multirate.py

faults: setup-dev  # plant faults and see that the tests catch them
	$(VENV_PYTHON) tests/faults.py

floors: setup-dev  # the unit tests on the oldest versions that the package allows: some minutes
	$(VENV_PYTHON) -m venv --clear build/floors
	$(VENV_PYTHON) -m uv pip install --python build/floors --resolution lowest-direct '.[full]' --group unit
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive build/floors/bin/python -m pytest -o filterwarnings=default tests/unit

lock: setup-dev  # write down, after a pin was changed, which versions fit together
	$(VENV_PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --no-annotate \
		--custom-compile-command "make lock" --output-file requirements.lock requirements-dev.txt

setup:
	@$(PYTHON) -I install.py

setup-dev:  # with what tests and tools need
	@$(PYTHON) -I install.py dev
