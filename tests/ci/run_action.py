"""Runs the shell steps of a composite action as GitHub's runner does: `python run_action.py action.yml name=value ...`.

The working directory is the checkout. Prints the outputs as `name=value`, and exits as the first step that fails.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

action_file = Path(sys.argv[1]).resolve()
action = yaml.safe_load(action_file.read_text())
given = dict(argument.split("=", 1) for argument in sys.argv[2:])
assert given.keys() <= action["inputs"].keys(), "unknown input"
inputs = {name: given.get(name, entry.get("default", "")) for name, entry in action["inputs"].items()}
known = {f"inputs.{name}": value for name, value in inputs.items()}
known["github.action_path"] = str(action_file.parent)


def filled(text: str) -> str:
    return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", lambda found: known[found[1]], text)


assert action["runs"]["using"] == "composite"
with tempfile.TemporaryDirectory() as temporary:
    for index, step in enumerate(action["runs"]["steps"]):
        assert step["shell"] == "bash"
        # What comes from a workflow goes in by the environment: in the script it would be code.
        assert "${{" not in step["run"], step["run"]
        script, output, path = (Path(temporary, f"{index}.{name}") for name in ("sh", "output", "path"))
        script.write_text(step["run"])
        output.touch()
        path.touch()
        environment = {
            **os.environ,
            "GITHUB_OUTPUT": str(output),
            "GITHUB_PATH": str(path),
            "RUNNER_TEMP": temporary,
            **{name: filled(value) for name, value in step.get("env", {}).items()},
        }
        done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)], env=environment)
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            known[f"steps.{step['id']}.outputs.{name}"] = value
        if done.returncode:
            sys.exit(done.returncode)
for name, entry in action["outputs"].items():
    print(f"{name}={filled(entry['value'])}")
