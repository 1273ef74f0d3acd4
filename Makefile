# The course's commands. The first one you use also sets everything up, in .venv.

# The first Python that is new enough and can make environments. To choose another: make lab PYTHON=python3.13
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -I -c 'import ensurepip, sys; assert sys.version_info >= (3, 11)' 2>/dev/null && echo $$p && exit; done; echo python3)
VENV_PYTHON = .venv/bin/python
# What a user has set for other programs of Python stays outside. Optimised Python skips what the lessons assert, and
# without bytecode on the disk each kernel and each test takes twice as long to import PyTorch.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONSAFEPATH PYTHONWARNINGS PYTHONOPTIMIZE PYTHONDONTWRITEBYTECODE \
	PYTEST_ADDOPTS PYTEST_PLUGINS
# How PyTorch's threads wait for each other, see tools/environment.py.
ifndef OMP_WAIT_POLICY
export OMP_WAIT_POLICY = passive
export GOMP_SPINCOUNT = 1000
endif

PYTEST = OMP_NUM_THREADS=1 $(VENV_PYTHON) -m pytest --no-loadscope-reorder --dist loadscope

.PHONY: lab fresh warm present handout collect rehearse room test test-rest test-all lint bench site notebooks \
	moving-picture catalogues products seeds weights compare faults mutations floors lock hub setup setup-dev

lab: setup  # JupyterLab on the first lesson, in copies of your own that no update changes
	$(VENV_PYTHON) -m tools.lab

fresh: setup  # begin a lesson again, and keep the old one beside it: make fresh LESSON=04
	$(VENV_PYTHON) -m tools.own_copies $(LESSON)

warm: setup  # train once what the lessons train and keep it, so that a lecture need not wait
	$(VENV_PYTHON) -m tools.warm

present: setup  # a lesson as live slides: make present LESSON=05
	$(VENV_PYTHON) -m tools.present $(LESSON)

handout: setup  # the lessons as a class gets them: without solutions, answers and notes, ready for nbgrader
	$(VENV_PYTHON) -m tools.handout

collect: setup  # check what a class handed in, and write a table: make collect FOLDER=submitted
	$(VENV_PYTHON) -m tools.collect $(FOLDER)

rehearse: setup-dev  # walk through the slides of every lesson, or of one, and report what a hall should not see
	$(VENV_PYTHON) -m tools.rehearse $(LESSON)

room: setup  # is this machine ready for the hall?
	$(VENV_PYTHON) -m tools.room

hub: setup  # a JupyterHub on this machine, for a class or a trial: tools/hub/README.md
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check \
		--requirement tools/hub/requirements.txt --constraint requirements.lock
	$(VENV_PYTHON) -m tools.hub

test: setup-dev lint  # the linters, the unit tests, two lessons in a browser, every lesson against its stored outputs
	$(PYTEST) -n 2 -m "not rest"
	$(PYTEST) -n 2 -p tests.lessons.nbval_plugin notebooks

test-rest: setup-dev  # what `make test` leaves out: all else in a browser, the slides, the pages, a fresh clone
	$(PYTEST) -n 3 -m rest  # three for two cores: a page waits for its kernel, and the kernel for its page

test-all: test test-rest

lint: setup-dev
	$(VENV_PYTHON) -m ruff check

bench: setup-dev  # how fast training, faces and the import are
	$(VENV_PYTHON) -m tools.bench

site: setup-dev  # the course as pages that need no kernel and no network, in site/
	$(VENV_PYTHON) -m tools.site

notebooks: setup-dev  # run every lesson, or one, on a fresh kernel and store its outputs, and the pictures in images/
	$(VENV_PYTHON) -m tools.notebooks $(LESSON)

moving-picture: setup-dev  # the README's picture of explore_beta, taken in a browser: half a minute
	$(VENV_PYTHON) -m tools.moving_picture

catalogues: setup-dev  # the messages for the other languages, up to the English; says what is to be translated
	$(VENV_PYTHON) -m tools.catalogues

products: setup-dev  # compile vaelib/explorers/browser/products.wat, by which the explorers compute; needs npm
	npm ci --prefix tools/javascript --ignore-scripts --no-audit --no-fund
	npm run --prefix tools/javascript products

seeds: setup-dev  # run the lessons with three other seeds: does any assertion break? LESSON=04 for one; some minutes each
	$(VENV_PYTHON) -m tools.seeds $(LESSON)

weights: setup  # train the models that come with the course anew, in a quarter of an hour
	$(VENV_PYTHON) -m vaelib.trained

compare: setup-dev  # one network for every β against one for each: some hours
	$(VENV_PYTHON) -m tools.compare

faults: setup-dev  # plant faults and see that the tests catch them
	$(VENV_PYTHON) -m tools.faults

mutations: setup-dev  # draw mutations at random and see that the tests catch them: an hour, but it goes on where it stopped
	$(VENV_PYTHON) -m tools.mutations

floors: setup-dev  # the unit tests on the oldest versions that the package allows: some minutes
	$(VENV_PYTHON) -m venv --clear build/floors
	$(VENV_PYTHON) -m uv pip install --python build/floors --resolution lowest-direct '.[full]' --group unit
	VAELIB_KEPT=off OMP_NUM_THREADS=1 build/floors/bin/python -m pytest --noconftest -o filterwarnings=default tests/unit

lock:  # write down, after a pin was changed, which versions fit together; with the uv of what is installed now
	$(VENV_PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --no-annotate \
		--custom-compile-command "make lock" --output-file requirements.lock requirements-dev.txt

setup:
	@$(PYTHON) -I install.py

setup-dev:  # with what tests and tools need
	@$(PYTHON) -I install.py dev
	@if [ -e .git ]; then git config diff.ipynb.textconv "python3 tools/notebook_text.py" || true; fi  # see .gitattributes
