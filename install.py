"""Set up the course in .venv: `python3 install.py`; with what tests and tools need: `python3 install.py dev`.

Run again, it sees that nothing is left to do. The new environment is built beside the old one, in .venv.new, and takes
its place when it is whole: whatever stops this, the network, the disk or Ctrl-C, what worked before still works.

`make lab` and `make test` call it. It uses the standard library alone, and no syntax that an old Python could
not parse: whoever has one should read a sentence, not a SyntaxError.
"""

import ast
import contextlib
import errno
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys

OLDEST_PYTHON = (3, 11)
CPU_SPACE, FULL_SPACE = 3, 7  # gigabytes: with PyTorch's CPU build; with the CUDA libraries beside it

ROOT = os.path.dirname(os.path.realpath(__file__))
VENV = os.path.realpath(os.path.join(ROOT, ".venv"))  # the folder itself, where .venv is a link to a larger disk
NEW, OLD = VENV + ".new", VENV + ".old"  # the one being built; the one before, during the two renames
CACHE = os.path.join(NEW, "cache")  # uv's, where it may not write to the user's
LOCK = os.path.join(ROOT, ".venv.lock")
DONE = "course-installed"  # a file in the environment, the last one written: fingerprints of what was installed

# Of the user's own settings only those that lead to the network reach pip and uv: a target folder, an environment, a
# Python or a constraint that was chosen for another project would send the course somewhere else.
PIP_NETWORK = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "proxy", "cert", "client-cert",
               "timeout", "default-timeout", "retries", "keyring-provider", "cache-dir", "no-cache-dir")
UV_NETWORK = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_HTTP_", "UV_REQUEST_TIMEOUT",
              "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_CREDENTIALS_DIR",
              "UV_CONCURRENT_", "UV_OFFLINE", "UV_CACHE_DIR", "UV_NO_CACHE", "UV_LINK_MODE")
UV_TOML = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "find-links": "UV_FIND_LINKS",
           "allow-insecure-host": "UV_INSECURE_HOST", "index-strategy": "UV_INDEX_STRATEGY",
           "keyring-provider": "UV_KEYRING_PROVIDER"}
NOT_OURS = ("PIP_", "UV_", "PYTHON", "CONDA_", "VIRTUAL_ENV", "__PYVENV", "FORCE_COLOR", "CLICOLOR_FORCE")


class Failure(Exception):
    """What went wrong, in a sentence for the user."""


def main(arguments=()):
    if list(arguments) not in ([], ["dev"]):
        fail("Usage: python3 install.py, or python3 install.py dev for the tests and tools too.")
    names = requirements(dev=bool(arguments))
    if is_installed(names) and not os.path.lexists(OLD):
        return
    try:
        with only_one():
            finish_or_undo_swap()
            if not is_installed(names):  # another set-up may have done it meanwhile
                install(names)
    except KeyboardInterrupt:
        fail("Stopped. Run the same command again to start over.")
    except (Failure, OSError) as error:
        reason = error if isinstance(error, Failure) else cannot_write(error)
        if arguments or not is_usable():
            fail(str(reason))
        sys.stderr.write("{} Until then the course works as it was installed.{}\n".format(reason, out_of_date()))


def requirements(dev):
    return ("requirements.txt",) + (("requirements-dev.txt",) if dev else ())


def is_installed(names):
    """Is there nothing left to do? Told without starting a process, for every `make` asks."""
    return is_ours(VENV) and fingerprint(names) in done(VENV)


def done(environment):
    try:
        with open(os.path.join(environment, DONE)) as file:
            return file.read().split()
    except OSError:
        return []


def fingerprint(names):
    """Of all that decides what .venv holds, and of where it is, for an environment can't be moved."""
    digest = hashlib.sha256(ROOT.encode("utf-8", "surrogateescape"))
    for name in (*names, "requirements.lock", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def is_ours(environment):
    """Was it finished by this file, for this very place, and is the Python that it was made with still there?"""
    python = python_of(environment)
    if not done(environment) or not os.path.exists(python):
        return False
    with open(os.path.join(environment, "pyvenv.cfg"), encoding="utf-8", errors="surrogateescape") as file:
        settings = dict(line.strip().split(" = ", 1) for line in file if " = " in line)
    version = tuple(int(number) for number in re.findall(r"\d+", settings.get("version", ""))[:2])
    # An upgrade of the system may put another Python in the place of the one that .venv/bin/python points to.
    now = re.match(r"python(\d+)\.(\d+)", os.path.basename(os.path.realpath(python)))
    same = now is None or version == tuple(map(int, now.groups()))
    return version >= OLDEST_PYTHON and same and settings.get("command", "").endswith(VENV)


def is_usable():
    """Does the environment that an earlier run finished still work, whatever Python runs this file?"""
    if not is_ours(VENV):
        return False
    try:
        return subprocess.call([python_of(VENV), "-c", "pass"], env=clean_environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def python_of(environment):
    return os.path.join(environment, *(["Scripts", "python.exe"] if os.name == "nt" else ["bin", "python"]))


@contextlib.contextmanager
def only_one():
    """Wait for another set-up of this folder. The lock ends with its process, and with those that it started."""
    with open(LOCK, "a") as file:
        try:
            lock(file, wait=False)
        except BlockingIOError:
            say("Another set-up of this folder is at work: waiting for it ...")
            lock(file, wait=True)
        only_one.file = file
        yield


def lock(file, wait):
    if os.name == "nt":
        import msvcrt
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            if not wait:
                raise BlockingIOError() from None
            lock(file, wait)  # LK_LOCK gives up after ten seconds
        return
    import fcntl
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):  # some network drives know no locks
            raise


def install(names):
    if os.path.lexists(VENV) and not os.path.isdir(VENV) and not os.path.islink(VENV):
        raise Failure("{} is a file, where the course's environment should be: move it away.".format(VENV))
    try:
        if is_usable():
            copy(VENV, NEW)
        else:
            make_environment(NEW)
        install_packages(python_of(NEW), names, network_settings(python_of(NEW)))
        shutil.rmtree(CACHE, ignore_errors=True)
        replace_in_scripts(NEW, VENV)
        with open(os.path.join(NEW, DONE), "w") as file:
            file.write("\n".join({fingerprint(names), fingerprint(names[:1])}))
        take_its_place()
    finally:
        remove(NEW)
    say("The course is installed.")


def make_environment(folder):
    if sys.version_info < OLDEST_PYTHON:
        raise Failure("Python {}.{} or newer is needed, this is {}.{}.".format(*(OLDEST_PYTHON + sys.version_info[:2])))
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Failure("This Python has no venv module, which makes environments (Debian: apt install python3-venv).")
    need_space(FULL_SPACE if brings_cuda() else CPU_SPACE)
    say("Setting up the course in .venv (once; a few minutes, depending on the network) ...")
    succeed(run([sys.executable, "-m", "venv", folder], clean_environment()))
    if os.name == "nt":  # tells uv to let the programs that it makes find Python beside them, wherever that is
        with open(os.path.join(folder, "pyvenv.cfg"), "a") as file:
            file.write("relocatable = true\n")


def copy(source, target):
    """A second set of names for the same files: takes no space. pip and uv write new files, never into old ones."""
    def link(file, name):
        try:
            os.link(file, name)
        except FileNotFoundError:
            pass  # Python writes its caches under a name that is soon gone
        except OSError:
            shutil.copy2(file, name)  # a file system without links
    shutil.copytree(source, target, symlinks=True, copy_function=link)
    os.remove(os.path.join(target, DONE))


def replace_in_scripts(old, new):
    """Programs and pyvenv.cfg know the folder that they were made in; nothing else does."""
    folder = os.path.dirname(python_of(NEW))
    for path in [os.path.join(NEW, "pyvenv.cfg")] + [os.path.join(folder, name) for name in os.listdir(folder)]:
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            before = file.read()
        after = before.replace(os.fsencode(old), os.fsencode(new))
        if after != before:
            with open(path + ".tmp", "wb") as file:  # a new file: the old one may be the old environment's too
                file.write(after)
            shutil.copymode(path, path + ".tmp")
            os.replace(path + ".tmp", path)


def take_its_place():
    aside = OLD
    if os.path.isdir(VENV) and not done(VENV) and os.listdir(VENV):
        aside = free_name(VENV + ".before")
        say("The .venv that stood here was not finished by the course: it is kept as {}.".format(aside))
    if os.path.isdir(VENV):
        os.rename(VENV, aside)
    try:
        os.rename(NEW, VENV)
    except OSError:
        if os.path.isdir(aside):
            os.rename(aside, VENV)
        raise
    remove(OLD)


def free_name(path):
    return path if not os.path.lexists(path) else free_name(path + "-")


def finish_or_undo_swap():
    """If an earlier run was stopped between the two renames, finish them; and tidy up after it."""
    for folder in (NEW, OLD):
        if not os.path.lexists(VENV) and done(folder):
            os.rename(folder, VENV)
    for folder in (NEW, OLD):
        remove(folder)


def remove(folder):
    if done(folder):
        os.remove(os.path.join(folder, DONE))  # first: half a folder must not look like a whole one
    shutil.rmtree(folder, ignore_errors=True)


def install_packages(python, names, environment):
    # uv installs some five times faster than pip; requirements.txt says which uv.
    succeed(run_pip(python, ["--constraint", "requirements.txt", "uv"], environment))

    packages = ["-r", names[-1], "-e", ".", "--constraint", "requirements.lock"]
    uv = [python, "-m", "uv", "pip", "install", "--python", python, *packages]
    if wants_cpu_build():
        status, output = run_uv([*uv, "--torch-backend=cpu"], environment)
        if status == 0:
            return
        stop_if_disk_is_full(output)
        if "/whl/cpu" in output:  # the address of PyTorch's own index
            say("PyTorch's own index can't be reached: taking the usual build (5.5 GB), not the CPU build.")
            if not done(VENV):
                need_space(FULL_SPACE)
    status, output = run_uv(uv, environment)
    if status and network_failure(output):
        # What pip reached a moment ago, it may reach again: it knows ways that uv does not.
        stop_if_disk_is_full(output)
        status, more = run_pip(python, packages, environment)
        output += more
    succeed((status, output))


def run_uv(command, environment):
    """Trust the system's certificates, as browsers do; and uv's own list where the system has none."""
    result = run(command, environment)
    if speaks_of_certificates(result) and environment.get("UV_SYSTEM_CERTS") == "true":
        result = run(command, dict(environment, UV_SYSTEM_CERTS="false"))
    return result


def run_pip(python, packages, environment):
    """Trust pip's own list of certificates, and then the system's; newer pips ask both."""
    command = [python, "-m", "pip", "install", *packages]
    status, output = run(command, environment)
    system = certificates_of_the_system()
    if speaks_of_certificates((status, output)) and system and "PIP_CERT" not in environment:
        environment = dict(environment, PIP_CERT=system)
        status, output = run(command, environment)
    if status and "No matching distribution" in output:  # pip tells why it found nothing only if asked again
        asked_again = run([*command, "-vv"], environment)[1]
        output += "\n".join(line for line in asked_again.splitlines() if "Could not fetch URL" in line)
    return status, output


def brings_cuda():
    """Elsewhere than on Linux the usual build of PyTorch has no CUDA libraries beside it."""
    return sys.platform.startswith("linux") and not wants_cpu_build()


def wants_cpu_build():
    """On Linux the usual PyTorch brings 4 GB of CUDA libraries, of no use without an NVIDIA GPU."""
    has_gpu = shutil.which("nvidia-smi") or os.path.exists("/proc/driver/nvidia")
    return sys.platform.startswith("linux") and not has_gpu


def clean_environment():
    """What the user's shell knows, without what was set for other Pythons, environments and projects."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(NOT_OURS)}


def network_settings(python):
    """The environment for pip and uv: the user's ways to the network, pip's for uv too, and nothing else of theirs."""
    environment = clean_environment()
    pip = pip_settings(python)
    for name, value in pip.items():
        environment["PIP_" + name.upper().replace("-", "_")] = value
    environment.update(PIP_CONFIG_FILE=os.devnull, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", NO_COLOR="1")

    uv = {name: value for name, value in os.environ.items() if name.startswith(UV_NETWORK)}
    for name, value in uv_settings().items():
        uv.setdefault(name, value)
    if not any(name in uv for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")):
        uv.update(pips_indexes(pip))
    # lists: pip separates by spaces, uv find-links by commas
    if "find-links" in pip:
        uv.setdefault("UV_FIND_LINKS", ",".join(pip["find-links"].split()))
    if "trusted-host" in pip:
        uv.setdefault("UV_INSECURE_HOST", pip["trusted-host"])
    if "cert" in pip:
        environment.setdefault("SSL_CERT_FILE", pip["cert"])
    elif os.environ.get("SSL_CERT_FILE"):
        environment["PIP_CERT"] = os.environ["SSL_CERT_FILE"]
    if "proxy" in pip:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            if name.lower() not in environment:
                environment.setdefault(name, pip["proxy"])
    if "UV_NATIVE_TLS" not in uv:
        uv.setdefault("UV_SYSTEM_CERTS", "true")
    if not can_be_written(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")):
        uv.setdefault("UV_CACHE_DIR", CACHE)
    environment.update(uv, UV_NO_CONFIG="1")
    return environment


def pip_settings(python):
    """What pip's files and variables say about the network; a section for one command is above [global]."""
    environment = dict(clean_environment(), **{n: v for n, v in os.environ.items() if n.startswith("PIP_")})
    _, output = run([python, "-m", "pip", "config", "list"], environment)
    found = {}
    for line in sorted(output.splitlines(), key=lambda line: [":env:" in line, line.startswith("install.")]):
        match = re.match(r"(?:global|install|:env:)\.([\w-]+)=(.*)", line)
        if match and match.group(1) in PIP_NETWORK:
            found[match.group(1)] = " ".join(str(ast.literal_eval(match.group(2))).split())
    return found


def pips_indexes(pip):
    """pip looks into all its indexes and takes the best version; uv would stop at the first that knows the name."""
    uv = {}
    if "index-url" in pip:
        uv["UV_DEFAULT_INDEX"] = pip["index-url"]
    if "extra-index-url" in pip:
        uv.update(UV_INDEX=pip["extra-index-url"], UV_INDEX_STRATEGY="unsafe-best-match")
    return uv


def uv_settings():
    """The same from the user's and the system's uv.toml; a uv.toml in a folder above is another project's."""
    home = os.environ.get("APPDATA") if os.name == "nt" else os.environ.get("XDG_CONFIG_HOME")
    system = os.path.join(os.environ.get("PROGRAMDATA", ""), "uv") if os.name == "nt" else "/etc/uv"
    paths = [os.environ.get("UV_CONFIG_FILE"), os.path.join(home or os.path.expanduser("~/.config"), "uv", "uv.toml"),
             os.path.join(system, "uv.toml")]
    found = {}
    for path in paths:
        try:
            import tomllib
            with open(path or os.devnull, "rb") as file:
                settings = tomllib.load(file)
        except (OSError, ValueError, ImportError):
            continue
        for name, variable in UV_TOML.items():
            value = settings.get(name, settings.get("pip", {}).get(name))
            if value:
                separator = "," if name == "find-links" else " "
                found.setdefault(variable, value if isinstance(value, str) else separator.join(value))
        indexes = settings.get("index", [])
        default = [index["url"] for index in indexes if index.get("default")]
        others = [index["url"] for index in indexes if not index.get("default") and not index.get("explicit")]
        if default:
            found.setdefault("UV_DEFAULT_INDEX", default[0])
        if others:
            found.setdefault("UV_INDEX", " ".join(others))
    return found


def certificates_of_the_system():
    places = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
              "/etc/ssl/cert.pem")
    return next(filter(os.path.isfile, places), None)


def can_be_written(folder):
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    return os.path.isdir(folder) and os.access(folder, os.W_OK)


def need_space(gigabytes):
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < gigabytes:
        message = "Too little disk space: the course needs {} GB, {:.1f} GB are free in {}."
        raise Failure(message.format(gigabytes, free, ROOT))


def run(command, environment):
    """Run, pass on the lines that tell how far it is, and return the exit status and all that was said."""
    inherited = {} if os.name == "nt" else {"pass_fds": [only_one.file.fileno()]}  # so the lock outlives us
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", **inherited)
    output = ""
    try:
        for line in process.stdout:
            output += line
            if line.strip().startswith(("Downloading ", "Downloaded ", "Installed ")):
                say(line.rstrip())
        return process.wait(), output
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def succeed(result):
    status, output = result
    if status == 0:
        return
    stop_if_disk_is_full(output)
    raise Failure(network_failure(output) or "The installation failed:\n" + output.strip())


def stop_if_disk_is_full(output):
    if any(sign in output for sign in ("No space left", "not enough space", "Disk quota exceeded")):
        message = "The disk is full: the course needs up to {} GB, in {} and in uv's cache."
        raise Failure(message.format(FULL_SPACE, ROOT))


def speaks_of_certificates(result):
    status, output = result
    return status != 0 and re.search("certificate|UnknownIssuer|SSLError", output, re.IGNORECASE)


def network_failure(output):
    """The sentence for what stands between this machine and the packages, or None."""
    if speaks_of_certificates((1, output)):
        return ("The network's certificate is not trusted (does your organisation look into encrypted traffic?): "
                "set SSL_CERT_FILE to its file of certificates, and run the same command again.")
    if re.search(r"\b407\b|proxy auth", output, re.IGNORECASE):
        return ("The proxy asks for a name and a password (407): put them into HTTPS_PROXY, as "
                "http://name:password@host:port, and run the same command again.")
    answer = re.search(r"HTTP status (?:client|server) error \((\d{3} ?[\w ]*)\)|\b([45]\d\d) (?:Client|Server) Error|"
                       r"Tunnel connection failed: (\d{3} ?[\w ]*)|\b(401 Unauthorized|403 Forbidden)|"
                       r"too many (\d{3}) error responses", output)
    if answer:
        return ("The packages can't be downloaded: the package index, or a proxy before it, answers {}. Ask who runs "
                "this network, and run the same command again.".format(next(filter(None, answer.groups())).strip()))
    if "tunnel error" in output:
        return "The packages can't be downloaded: the proxy refuses. Ask who runs this network."
    signs = ("Failed to fetch", "sending request", "new connection", "timed out", "NewConnectionError", "ProxyError",
             "name resolution", "Name or service not known", "Connection refused", "unreachable")
    if any(sign in output for sign in signs):
        return "No network: the packages can't be downloaded. Run the same command again when there is one."
    return None


def cannot_write(error):
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full: {}.".format(error.filename or ROOT)
    return "The set-up can't write to {} ({}).".format(error.filename or ROOT, error.strerror or error)


def out_of_date():
    """Which of the pinned packages .venv has not, in a sentence."""
    folder = os.path.join(VENV, "Lib" if os.name == "nt" else "lib")
    there = {re.sub("[-_.]+", "-", name).lower()
             for _, folders, _ in os.walk(folder) for name in folders if name.endswith(".dist-info")}
    with open(os.path.join(ROOT, "requirements.txt"), encoding="utf-8") as file:
        pins = re.findall(r"^([\w-]+)==([\w.]+)", file.read(), re.MULTILINE)
    lacking = [" ".join(pin) for pin in pins
               if not any(re.match(re.escape(re.sub("[-_.]+", "-", "-".join(pin)).lower()) + "(\\+|-)", name)
                          for name in there)]
    return " Out of date: it should have {}.".format(", ".join(lacking)) if lacking else ""


def say(line):
    print(line)
    sys.stdout.flush()


def fail(line):
    sys.stderr.write(line + "\n")
    sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
