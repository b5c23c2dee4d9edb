"""Zero-code activation: a `.pth` file in a venv's site-packages, which imports the client only if GOVERNOR_ENABLED=1.

A `.pth` works beside a `sitecustomize` that is already there, and under `-E` and `-I`. A client that is vendored,
not installed, is put on the path by the same file. `-S` skips both.
"""

from __future__ import annotations

import os
import sys

from governor._errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FILE_NAME", "activate", "install", "site_packages", "uninstall"]

# Late in the alphabet: the paths that other `.pth` files add (editable installs) are there by then.
FILE_NAME = "zz_governor.pth"


def install(venv: str = "") -> str:
    lines = []
    for directory in site_packages(venv):
        path = os.path.join(directory, FILE_NAME)
        temporary = f"{path}.{os.getpid()}.tmp"
        with open(temporary, "w", encoding="utf-8", newline="\n") as file:
            file.write(content(directory))
        os.replace(temporary, path)
        lines.append(f"wrote {path}")
    return "\n".join([*lines, "set GOVERNOR_ENABLED=1 and GOVERNOR_ENFORCE_URL where the processes start; `doctor` proves that it works"])


def uninstall(venv: str = "") -> str:
    lines = []
    for directory in site_packages(venv):
        path = os.path.join(directory, FILE_NAME)
        if os.path.exists(path):
            os.remove(path)
            lines.append(f"removed {path}")
    return "\n".join(lines) or "nothing was installed"


def content(directory: str) -> str:
    """One line, because `site` executes only single lines that start with `import`."""
    package = os.path.dirname(os.path.abspath(__file__))
    parent = os.path.dirname(package)
    add_path = "" if os.path.realpath(parent) == os.path.realpath(directory) else f"sys.path.append({parent!r}) if {parent!r} not in sys.path else None; "
    condition = "__import__('os').environ.get('GOVERNOR_ENABLED', '').strip().lower() in ('1', 'true', 'yes', 'on')"
    step = f"{add_path}__import__('governor._activation')._activation.activate()"
    return f"import sys; exec({step!r}) if {condition} else None\n"


def activate() -> None:
    """What the `.pth` runs. A client that cannot be enabled must not let the process run ungoverned."""
    from governor._enable import enable

    try:
        enable()
    except Exception as error:
        # `site` prints and swallows exceptions of a `.pth`; the process would go on without a gate.
        print(f"governor: not enabled, the process stops: {error}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(78)


def site_packages(venv: str = "") -> Iterator[str]:
    """Each site-packages folder of the venv, once (lib64 is often a link to lib)."""
    if not venv:
        import sysconfig

        found = [sysconfig.get_path("purelib")]
    else:
        import glob

        found = glob.glob(os.path.join(venv, "lib*", "python3*", "site-packages")) + glob.glob(os.path.join(venv, "Lib", "site-packages"))
    real: dict[str, str] = {}
    for directory in sorted(found):
        if os.path.isdir(directory):
            real.setdefault(os.path.realpath(directory), directory)
    if not real:
        raise ConfigurationError(f"no site-packages folder in `{venv}`: give the folder of a venv")
    yield from real.values()
