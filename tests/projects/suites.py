#!/usr/bin/env python3
"""Runs real projects' own tests without the client and with it, and says which come out differently.

    cargo build --release
    python3 tests/projects/suites.py --cache DIR [--binary target/release/governor-mcp] [PROJECT...]

The second run has the client vendored into the project and enabled in every Python process of its virtual environment
(`python -m governor install-sitecustomize`), against `governor-mcp policy serve` with one policy that permits all; the
audit log counts what was asked. A test that differs is run again in both ways: one that comes out either way by
itself is not counted. Prints a table; exits with 1 where a test that passed without the client does not pass with it.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import run

HERE = pathlib.Path(__file__).resolve().parent
PERMIT_ALL = '@id("permit-all")\npermit (principal, action, resource);\n'


def environment(name, spec, source, cache):
    """A virtual environment with what the tests need, made once."""
    venv = cache / "venvs" / name.lower()
    python, mark = venv / "bin" / "python", venv / "installed"
    wanted = json.dumps(spec, sort_keys=True)
    if mark.is_file() and mark.read_text() == wanted:
        return python
    shutil.rmtree(venv, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    install = [*pip, spec.get("pytest", "pytest<9"), *spec.get("needs", ())]
    install.append(f"{name}=={spec['version']}" if "version" in spec else None)
    install += [part for file in spec.get("requirements", ()) for part in ("-r", str(source / file))]
    done = subprocess.run([part for part in install if part], capture_output=True, text=True)
    if done.returncode:
        raise run.Failure(f"pip: {done.stderr.strip()[-300:]}")
    mark.write_text(wanted)
    return python


def outcomes(python, root, arguments, env, report, timeout):
    """Each test's outcome, by its name."""
    report.unlink(missing_ok=True)
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short"]
    command += [f"--junitxml={report}", "-o", "junit_family=xunit1", *arguments]
    try:
        done = subprocess.run(
            command, cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        raise run.Failure(f"no end after {timeout} s") from None
    if not report.is_file():
        raise run.Failure(f"pytest reports nothing: {done.stdout.decode(errors='replace')[-400:]}")
    found = {}
    for case in xml.parse(report).iter("testcase"):
        state = "passed"
        for kind in ("failure", "error", "skipped"):
            if case.find(kind) is not None:
                state = kind
        # A parameter may be a path of this copy.
        name = case.get("name").replace(str(root), "")
        found[f"{case.get('classname')}::{name}"] = state
    return found, done.stdout.decode(errors="replace")


class Plane:
    """`policy serve`, permitting all."""

    def __init__(self, binary, folder):
        (folder / "policies").mkdir()
        (folder / "policies" / "all.cedar").write_text(PERMIT_ALL)
        self.process = subprocess.Popen(
            [str(binary), "policy", "serve", "--listen", "127.0.0.1:0", "--policies", str(folder / "policies")],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for line in self.process.stdout:
            said = re.search(r"http://127\.0\.0\.1:\d+", line)
            if said:
                self.url = said.group()
                return
        raise run.Failure("the plane does not start")

    def close(self):
        self.process.terminate()
        self.process.wait()


def one(name, spec, options, work):
    if "path" in spec:
        source = pathlib.Path(spec["path"])
    else:
        source = run.fetch(f"{name}=={spec['version']}", options.cache)
    folder = work / name.lower()
    folder.mkdir()
    run.unpack(source, folder / "without")
    run.unpack(source, folder / "with")
    python = environment(name, spec, folder / "without", options.cache)
    env = {key: value for key, value in os.environ.items() if not key.startswith(("GOVERNOR_", "PYTHONPATH"))}
    env.update({"PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "*", **spec.get("env", {})})
    arguments = spec["tests"]
    timeout = options.timeout
    plane = Plane(options.binary, folder)
    try:
        root = folder / "with"
        subprocess.run([str(options.binary), "client", "vendor", str(root)], check=True, capture_output=True)
        audit = folder / "audit.jsonl"
        governed = {
            **env,
            "PYTHONPATH": str(root),
            "GOVERNOR_ENABLED": "1",
            "GOVERNOR_ENFORCE_URL": plane.url,
            "GOVERNOR_ACTOR_ID": "suite",
            "GOVERNOR_AUDIT_LOG": str(audit),
        }

        def both(arguments):
            without, _ = outcomes(python, folder / "without", arguments, env, folder / "without.xml", timeout)
            subprocess.run([str(python), "-m", "governor", "install-sitecustomize"], cwd=root, env={**env, "PYTHONPATH": str(root)}, check=True, capture_output=True)
            try:
                with_client, said = outcomes(python, root, arguments, governed, folder / "with.xml", timeout)
            finally:
                subprocess.run([str(python), "-m", "governor", "uninstall-sitecustomize"], cwd=root, env={**env, "PYTHONPATH": str(root)}, check=True, capture_output=True)
            return without, with_client, said

        without, with_client, said = both(arguments)
        changed = {test for test in {*without, *with_client} if without.get(test) != with_client.get(test)}
        flaky = set()
        if changed:
            again_without, again_with, _ = both(arguments)
            flaky = {test for test in changed if again_without.get(test) == again_with.get(test) or again_without.get(test) != without.get(test)}
        decisions = sum(1 for _ in audit.open()) if audit.exists() else 0
        if options.keep:
            (options.keep / f"{name}.txt").write_text(said)
        return without, with_client, changed - flaky, flaky, decisions
    finally:
        plane.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--binary", type=pathlib.Path, default=HERE.parent.parent / "target/release/governor-mcp")
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--timeout", type=int, default=900, help="seconds for one run of one suite")
    parser.add_argument("--keep", type=pathlib.Path, help="write what pytest says with the client to this folder")
    parser.add_argument("projects", nargs="*", help="names of suites.toml; all of them by default")
    options = parser.parse_args()
    options.binary, options.cache = options.binary.resolve(), options.cache.resolve()
    options.cache.mkdir(parents=True, exist_ok=True)
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    import tomllib

    known = tomllib.loads((HERE / "suites.toml").read_text())
    wanted = {name: known[name] for name in options.projects} or known
    print(f"{'project':<18} {'without the client':<32} {'with it':<32} {'asked':>6}  differs", flush=True)
    worse = 0
    with tempfile.TemporaryDirectory(prefix="governor-suites-") as work:
        for name, spec in wanted.items():
            try:
                without, with_client, changed, flaky, decisions = one(name, spec, options, pathlib.Path(work))
            except Exception as failure:  # one project must not end the run
                print(f"{name:<18} {type(failure).__name__}: {failure}", flush=True)
                worse += 1
                continue

            def counts(found):
                states = list(found.values())
                bad = states.count("failure") + states.count("error")
                return f"{states.count('passed')} passed, {bad} failed, {states.count('skipped')} skipped"

            lost = sorted(test for test in changed if without.get(test) == "passed")
            worse += bool(lost)
            note = f"{len(lost)} lost" if lost else "none"
            note += f", {len(flaky)} unsteady" if flaky else ""
            print(f"{name:<18} {counts(without):<32} {counts(with_client):<32} {decisions:>6}  {note}", flush=True)
            for test in sorted(changed)[:20]:
                print(f"    {test}: {without.get(test)} -> {with_client.get(test)}", flush=True)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
