# The course's commands. The first one you use also sets everything up, in .venv.

# The first Python that is new enough and can make environments. To choose another: make lab PYTHON=python3.13
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -I -c 'import ensurepip, sys; assert sys.version_info >= (3, 11)' 2>/dev/null && echo $$p && exit; done; echo python3)
VENV_PYTHON = .venv/bin/python
unexport PYTHONPATH PYTHONHOME  # another project's packages stay there

.PHONY: lab warm present rehearse room test bench site notebooks weights compare faults setup setup-dev

lab: setup  # JupyterLab on the first lesson
	JUPYTER_CONFIG_PATH="$(CURDIR)/.jupyter" $(VENV_PYTHON) -m jupyterlab

warm: setup  # train once what the lessons train and keep it, so that a lecture need not wait
	$(VENV_PYTHON) -m tools.warm

present: setup  # a lesson as live slides: make present LESSON=05
	$(VENV_PYTHON) -m tools.present $(LESSON)

rehearse: setup-dev  # walk through the slides of every lesson, or of one, and report what a hall should not see
	$(VENV_PYTHON) -m tools.rehearse $(LESSON)

room: setup  # is this machine ready for the hall?
	$(VENV_PYTHON) -m tools.room

test: setup-dev  # the linter; unit and browser tests; every lesson against its stored outputs
	$(VENV_PYTHON) -m ruff check
	OMP_NUM_THREADS=1 $(VENV_PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder
	VAELIB_KEPT=off OMP_NUM_THREADS=1 $(VENV_PYTHON) -m pytest --nbval -p tests.lessons.ipc_kernels --nbval-current-env \
		--nbval-sanitize-with tests/lessons/nbval.cfg --nbval-cell-timeout 120 -n 2 --dist loadscope notebooks

bench: setup-dev  # how fast training, faces and the import are
	$(VENV_PYTHON) -m tools.bench

site: setup-dev  # the course as pages that need no kernel and no network, in site/
	$(VENV_PYTHON) -m tools.site

notebooks: setup-dev  # run every lesson on a fresh kernel and store its outputs, and the pictures in images/
	$(VENV_PYTHON) -m tools.notebooks

weights: setup  # train the models that come with the course anew, in a quarter of an hour
	$(VENV_PYTHON) -m vaelib.trained

compare: setup-dev  # one network for every β against one for each: some hours
	$(VENV_PYTHON) -m tools.compare

faults: setup-dev  # plant faults and see that the tests catch them
	$(VENV_PYTHON) -m tools.faults

setup:
	@$(PYTHON) -I install.py

setup-dev:  # with what tests and tools need
	@$(PYTHON) -I install.py dev
