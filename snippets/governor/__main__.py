"""`python -m governor`: audit verify, doctor, install-sitecustomize, uninstall-sitecustomize."""

from __future__ import annotations

import argparse
import sys

from governor._errors import GovernorError

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m governor", description="The enforce client's own commands.")
    commands = parser.add_subparsers(dest="command", required=True)
    audit = commands.add_parser("audit", help="work on an audit log").add_subparsers(dest="audit_command", required=True)
    verify = audit.add_parser("verify", help="find changed, dropped, doubled or reordered lines")
    verify.add_argument("file", nargs="+")
    commands.add_parser("doctor", help="prove with one harmless governed call that enforcement is live").add_argument(
        "--format", choices=("text", "json"), default="text"
    )
    for name, text in (
        ("install-sitecustomize", "enable the client in every Python process of a venv that has GOVERNOR_ENABLED=1"),
        ("uninstall-sitecustomize", "take that back"),
    ):
        commands.add_parser(name, help=text).add_argument("--venv", default="", help="the venv's folder; default: this Python's")
    options = parser.parse_args(arguments)
    try:
        if options.command == "audit":
            return _verify(options.file)
        if options.command == "doctor":
            from governor._doctor import examine

            return examine(options.format)
        from governor import _activation

        act = _activation.install if options.command == "install-sitecustomize" else _activation.uninstall
        print(act(options.venv))
        return 0
    except (GovernorError, OSError) as error:
        print(f"governor: {error}", file=sys.stderr)
        return 2


def _verify(paths: list[str]) -> int:
    from governor._audit import verify

    found = 0
    for path in paths:
        before = found
        for problem in verify(path):
            found += 1
            print(f"{path}: {problem}")
        if found == before:
            print(f"{path}: the chain holds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
