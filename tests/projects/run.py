#!/usr/bin/env python3
"""Puts every mode of `integrate` through real projects, and says what does not hold.

    cargo build --release
    python3 tests/projects/run.py --cache DIR [--binary target/release/governor-mcp] [PROJECT...]

The sdists of `projects.txt` are fetched once into `--cache` from the package index; a folder or a git clone can be given instead of a
name. For each project and mode:

- the diff applies by `git apply` from the root, by the command that stderr names from a folder of a larger repo whose
  path has a space and a letter beyond ASCII, and by `patch -p1` without git, with the same result;
- every changed module parses, and is the old one without the client's statements;
- a second run has nothing to do;
- `--undo` gives the bytes that were there, as a diff and by `--write`;
- in a repo of a thousand Python files or more, the plan and the diff compute for less than a fifth of the scan's time.

Prints a table; exits with 1 where anything failed.
"""

import argparse
import hashlib
import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import tree

HERE = pathlib.Path(__file__).resolve().parent
MODES = ("enable", "sitecustomize", "scopes", "hybrid")
# Python files of a repo whose plan and diff are measured against its scan.
LARGE = 1000


class Failure(Exception):
    pass


def plain(name):
    """A distribution's name as an index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def fetch(requirement, cache):
    """The sdist of `name==version` in the cache. Read from the index itself: `pip download` would build it."""
    name, _, version = requirement.partition("==")
    stem = f"{plain(name)}-{plain(version)}"

    def is_it(file):
        return any(file.endswith(kind) and plain(file.removesuffix(kind)) == stem for kind in (".tar.gz", ".zip"))

    for path in sorted(cache.iterdir()):
        if is_it(path.name):
            return path
    page = f"{os.environ.get('PIP_INDEX_URL', 'https://pypi.org/simple').rstrip('/')}/{plain(name)}/"
    with urllib.request.urlopen(page, timeout=60) as answer:
        links = re.findall(r'<a[^>]*?href="([^"]+)"', answer.read().decode())
    for link in links:
        address, _, check = html.unescape(urllib.parse.urljoin(page, link)).partition("#sha256=")
        file = urllib.parse.unquote(address.rpartition("/")[2])
        if is_it(file):
            with urllib.request.urlopen(address, timeout=300) as answer:
                content = answer.read()
            if check and hashlib.sha256(content).hexdigest() != check:
                raise Failure(f"{file} is not what the index says it is")
            (cache / file).write_bytes(content)
            return cache / file
    raise Failure(f"the index has no sdist of {requirement}")


def unpack(source, into):
    if source.is_dir():
        shutil.copytree(source, into, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        return
    with tempfile.TemporaryDirectory(dir=into.parent) as folder:
        if source.suffix == ".zip":
            shutil.unpack_archive(source, folder)
        else:
            with tarfile.open(source) as archive:
                archive.extractall(folder, filter="data")
        (inner,) = pathlib.Path(folder).iterdir()
        inner.rename(into)


def bytes_of(root):
    """Every file with the hash of its bytes, and every link with its target."""
    found = {}
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name != ".git"]
        for name in files:
            path = pathlib.Path(folder, name)
            if path.is_symlink():
                found[str(path)] = os.readlink(path)
            else:
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def run(command, cwd, given=None, env=None):
    done = subprocess.run(command, cwd=cwd, input=given, capture_output=True, timeout=600, env=env)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def processor_time(command, cwd):
    """The seconds that a command computes, in all its threads: what else the machine does counts for nothing."""
    with open(os.devnull, "wb") as nowhere:
        child = subprocess.Popen(command, cwd=cwd, stdout=nowhere, stderr=nowhere)
        _, _, used = os.wait4(child.pid, 0)
        child.returncode = 0
    return used.ru_utime + used.ru_stime


class Project:
    def __init__(self, binary, root):
        self.binary, self.root = str(binary), root

    def tool(self, *arguments, expect=(0,)):
        code, out, said = run([self.binary, *arguments], self.root)
        if code not in expect:
            raise Failure(f"`{' '.join(arguments)}` exits with {code}: {said.strip()[:300]}")
        if "panicked" in said:
            raise Failure(f"`{' '.join(arguments)}` panicked: {said[:300]}")
        return out, said

    def must(self, command, cwd, given=None, env=None):
        code, out, said = run(command, cwd, given, env)
        if code:
            raise Failure(f"{' '.join(command)}: {(out.decode(errors='replace') + said).strip()[:300]}")

    def check_same(self, before, what):
        after = bytes_of(self.root)
        if after != before:
            wrong = [path for path in {**before, **after} if before.get(path) != after.get(path)]
            raise Failure(f"{what}: {len(wrong)} files differ, {sorted(wrong)[:3]}")

    def check_modules(self, originals):
        """Every changed Python file against its old bytes; the number of them."""
        changed = 0
        for folder, names, files in os.walk(self.root):
            names[:] = [name for name in names if name not in (".git", "governor")]
            for name in files:
                path = pathlib.Path(folder, name)
                if path.suffix != ".py" or path.is_symlink() or path not in originals:
                    continue
                old, new = originals[path], path.read_bytes()
                if old != new:
                    changed += 1
                    wrong = tree.difference(old, new)
                    if wrong:
                        raise Failure(f"{path.relative_to(self.root)}: {wrong}")
        return changed

    def mode(self, mode, row):
        before = bytes_of(self.root)
        originals = {}
        for path in before:
            if path.endswith(".py") and not os.path.islink(path):
                originals[pathlib.Path(path)] = pathlib.Path(path).read_bytes()
        diff, said = self.tool("integrate", ".", "--mode", mode)
        row.integrate = max(row.integrate, processor_time([self.binary, "integrate", ".", "--mode", mode], self.root))
        self.check_same(before, "integrate without --write changed the files")
        if diff:
            self.must(["git", "apply", "--check"], self.root, diff)
            self.must(["git", "apply"], self.root, diff)
            changed = self.check_modules(originals)
            row.changed[mode] = changed
            row.lines[mode] = sum(
                1 for line in diff.splitlines() if line.startswith((b"+", b"-")) and line[:3] not in (b"+++", b"---")
            )
            again, _ = self.tool("integrate", ".", "--mode", mode)
            if again:
                raise Failure(f"{mode}: a second run has something to do:\n{again.decode(errors='replace')[:600]}")
            applied = bytes_of(self.root)
            undo, _ = self.tool("integrate", ".", "--mode", mode, "--undo")
            self.must(["git", "apply"], self.root, undo)
            self.check_same(before, f"{mode}: undo")
            # Without git.
            aside = self.root / ".git"
            aside.rename(self.root.parent / "git-aside")
            try:
                plain, _ = self.tool("integrate", ".", "--mode", mode)
                self.must(["patch", "-p1", "--binary", "-s", "--no-backup-if-mismatch"], self.root, plain)
                self.check_same(applied, f"{mode}: patch -p1")
                undo, _ = self.tool("integrate", ".", "--mode", mode, "--undo")
                self.must(["patch", "-p1", "--binary", "-s", "--no-backup-if-mismatch"], self.root, undo)
                self.check_same(before, f"{mode}: undo by patch -p1")
            finally:
                (self.root.parent / "git-aside").rename(aside)
        # By the tool itself, with the client's files.
        self.tool("integrate", ".", "--mode", mode, "--write")
        again, said = self.tool("integrate", ".", "--mode", mode)
        if again:
            raise Failure(f"{mode}: a second run after --write has something to do:\n{again.decode(errors='replace')[:600]}")
        self.tool("integrate", ".", "--mode", mode, "--undo", "--write")
        self.check_same(before, f"{mode}: --undo --write")

    def from_a_subdirectory(self, mode):
        """The stated command, as a person pastes it, where the project is a folder of a larger repo."""
        before = bytes_of(self.root)
        outer = self.root.parent
        aside = outer / "git-aside"
        (self.root / ".git").rename(aside)
        self.must(["git", "init", "-q"], outer)
        try:
            diff, said = self.tool("integrate", ".", "--mode", mode)
            if not diff:
                return
            commands = [line.strip() for line in said.splitlines() if line.startswith("  governor-mcp ")]
            if not commands:
                raise Failure("stderr names no command")
            path = f"{pathlib.Path(self.binary).parent}{os.pathsep}{os.environ['PATH']}"
            for command in commands:
                self.must(["bash", "-euo", "pipefail", "-c", command], "/", env={**os.environ, "PATH": path})
            again, _ = self.tool("integrate", ".", "--mode", mode)
            if again:
                raise Failure("the stated command leaves something to do")
            self.tool("integrate", ".", "--mode", mode, "--undo", "--write")
            self.check_same(before, "the stated command, undone")
        finally:
            shutil.rmtree(outer / ".git")
            aside.rename(self.root / ".git")


class Row:
    def __init__(self, name):
        self.name, self.failures = name, []
        self.files = self.entrypoints = self.effects = 0
        self.scan = self.integrate = 0.0
        self.changed, self.lines = {}, {}

    def __str__(self):
        counts = " ".join(f"{self.changed.get(mode, 0):>4}/{self.lines.get(mode, 0):<5}" for mode in MODES)
        state = "ok" if not self.failures else "FAILED"
        return (
            f"{self.name:<32} {self.files:>5} {self.entrypoints:>5} {self.effects:>5} "
            f"{self.scan * 1000:>6.0f} {self.integrate * 1000:>6.0f}  {counts}  {state}"
        )


def one(requirement, options):
    row = Row(requirement)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pr\u00f6ject of ", dir=options.work))
    root = folder / "the repo"
    try:
        source = pathlib.Path(requirement)
        if not source.is_dir():
            source = fetch(requirement, options.cache)
        else:
            row.name = source.name
        unpack(source, root)
        project = Project(options.binary, root)
        project.must(["git", "init", "-q"], root)
        out, _ = project.tool("scan", ".", "--format", "json")
        row.scan = processor_time([project.binary, "scan", ".", "--format", "json"], root)
        scan = json.loads(out)
        row.files = scan["files"]["python"]
        row.entrypoints, row.effects = scan["summary"]["entrypoints"], scan["summary"]["effects"]
        for mode in MODES:
            try:
                project.mode(mode, row)
            except Failure as failure:
                row.failures.append(f"{mode}: {failure}")
                if (root / ".git").is_dir():
                    shutil.rmtree(root)
                    unpack(source, root)
                    project.must(["git", "init", "-q"], root)
        try:
            project.from_a_subdirectory("hybrid")
        except Failure as failure:
            row.failures.append(f"from a subdirectory: {failure}")
        project.tool("check", ".", expect=(0, 1))
        if row.files >= LARGE and row.integrate - row.scan > 0.2 * row.scan:
            row.failures.append(f"plan and diff take {row.integrate - row.scan:.2f} s beside a scan of {row.scan:.2f} s")
    except Exception as failure:  # one project must not end the run
        row.failures.append(f"{type(failure).__name__}: {failure}")
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--binary", type=pathlib.Path, default=HERE.parent.parent / "target/release/governor-mcp")
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", action="store_true", help="leave the copies in place")
    parser.add_argument("projects", nargs="*", help="names of projects.txt, or folders; all of projects.txt by default")
    options = parser.parse_args()
    options.binary = options.binary.resolve()
    if options.binary.name != "governor-mcp":
        parser.error("--binary: the commands that a diff names call it `governor-mcp`, and so must the file be called")
    options.cache = options.cache.resolve()
    options.cache.mkdir(parents=True, exist_ok=True)
    known = [line.strip() for line in (HERE / "projects.txt").read_text().splitlines()]
    known = [line for line in known if line and not line.startswith("#")]
    named = {line.partition("==")[0].lower(): line for line in known}
    wanted = [named.get(name.lower(), name) for name in options.projects] or known
    with tempfile.TemporaryDirectory(prefix="governor-projects-") as work:
        options.work = work
        print(f"{'project':<32} {'files':>5} {'entry':>5} {'calls':>5} {'scan':>6} {'integ':>6}  " + " ".join(f"{mode[:10]:<10}" for mode in MODES))
        print(f"{'':<32} {'':>5} {'':>5} {'':>5} {'ms':>6} {'ms':>6}  " + "changed modules / lines of the diff")
        rows = []
        with ThreadPoolExecutor(options.jobs) as pool:
            for row in pool.map(lambda requirement: one(requirement, options), wanted):
                print(row, flush=True)
                for failure in row.failures:
                    print(f"    {failure}", flush=True)
                rows.append(row)
    failed = sum(1 for row in rows if row.failures)
    modules = sum(sum(row.changed.values()) for row in rows)
    diffs = sum(len(row.lines) for row in rows)
    print(
        f"{len(rows)} projects, {sum(row.files for row in rows)} Python files, {diffs} diffs, {modules} changed modules; "
        f"{len(rows) - failed} passed, {failed} failed"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
