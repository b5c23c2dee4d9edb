"""Whether two versions of a module are the same program once the client's statements are left out of the second.

As a command: compares `old.py` with `new.py` in the working directory, and each `NAME.old.py` with its other versions.
"""

import ast
import os
import sys

NAMES = {"governor", "_governor"}


def of_client(node):
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id in NAMES:
            return True
    return False


class Strip(ast.NodeTransformer):
    def visit_Import(self, node):
        return None if any(a.name == "governor" for a in node.names) else node

    def visit_ImportFrom(self, node):
        return None if node.module == "celery.signals" else node

    def visit_Expr(self, node):
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        return None if isinstance(call, ast.Call) and of_client(call) else self.generic_visit(node)

    def visit_FunctionDef(self, node):
        if node.name == "_enable_governor_in_worker":
            return None
        node.decorator_list = [d for d in node.decorator_list if not of_client(d)]
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_With(self, node):
        if any(of_client(item.context_expr) for item in node.items):
            return [self.visit(child) for child in node.body]
        return self.generic_visit(node)

    visit_AsyncWith = visit_With


def difference(old, new):
    """What is wrong with `new` (bytes of a module) as an edit of `old`; `None` where nothing is."""
    try:
        before = ast.parse(old)
    except (SyntaxError, ValueError):
        return None
    try:
        after = ast.parse(new)
    except (SyntaxError, ValueError) as error:
        return f"does not parse: {error}"
    # A project that calls the very names of the client would lose its own statements on one side only.
    strip = Strip()
    if ast.dump(before) == ast.dump(strip.visit(after)) or ast.dump(Strip().visit(before)) == ast.dump(after):
        return None
    return "the tree without the client's statements is not the old one"


def main():
    pairs = [("old.py", "new.py")] if os.path.exists("old.py") else []
    for name in sorted(os.listdir()):
        parts = name.split(".")
        if len(parts) == 3 and parts[1] != "old":
            pairs.append((f"{parts[0]}.old.py", name))
    for old, new in pairs:
        with open(old, "rb") as before, open(new, "rb") as after:
            text = after.read()
            wrong = difference(before.read(), text)
        if wrong:
            sys.exit(f"{new} against {old}: {wrong}\n{text.decode('latin-1')}")


if __name__ == "__main__":
    main()
