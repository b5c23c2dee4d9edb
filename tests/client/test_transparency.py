"""With everything allowed nobody can tell: names, signatures, pickles, results, exceptions; and all of it comes back."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import inspect
import os
import pickle
import subprocess
import sys
import threading
import urllib.request

import httpx
import pytest
import requests

import governor
from governor._patcher import Patcher
from governor.patches import find_patches


def touched():
    """Every attribute that a patch replaced, with what stands there now."""
    return {(getattr(owner, "__name__", str(owner)), name): vars(owner).get(name) for owner, name, _, _ in governor._enable._patcher._records}


def test_names_and_signatures_stay(enabled):
    signature, doc = inspect.signature(requests.Session.send), requests.Session.send.__doc__
    # What respx reads to give a stand-in its arguments.
    specification = inspect.getfullargspec(httpx.HTTPTransport.handle_request)
    enabled()
    assert inspect.getfullargspec(httpx.HTTPTransport.handle_request) == specification
    assert hasattr(requests.Session.send, "__governor__")
    assert inspect.signature(requests.Session.send) == signature and requests.Session.send.__doc__ == doc
    assert requests.Session.send.__qualname__ == "Session.send" and requests.Session.send.__module__ == "requests.sessions"
    assert inspect.iscoroutinefunction(httpx.AsyncHTTPTransport.handle_async_request)
    assert not inspect.iscoroutinefunction(httpx.HTTPTransport.handle_request)
    assert pickle.loads(pickle.dumps(os.system)) is os.system
    assert pickle.loads(pickle.dumps(requests.Session.send)) is requests.Session.send
    assert isinstance(pickle.loads(pickle.dumps(requests.Session())), requests.Session)

    class Holder:
        system = os.system

    assert Holder().system("exit 3") == 3 << 8


def test_everything_comes_back(enabled):
    enabled(families="all")
    owners = [(owner, name, own) for owner, name, own, _ in governor._enable._patcher._records]
    assert len(owners) > 20
    governor.disable()
    for owner, name, own in owners:
        assert vars(owner).get(name) is own or name not in vars(owner), (owner, name)
    assert not any(isinstance(finder, type(governor._imports._finder)) for finder in sys.meta_path)


def test_what_others_replaced_meanwhile_stays(enabled, monkeypatch):
    enabled()

    def theirs(*args, **kwargs):
        return None

    monkeypatch.setattr(requests.Session, "send", theirs)
    governor.disable()
    assert requests.Session.send is theirs


def test_results_and_exceptions_are_the_library_s_own(enabled, web):
    def everything():
        results = []
        for url in (web.url + "/a", "http://127.0.0.1:9/", "nonsense", "http://[bad/"):
            try:
                results.append(requests.get(url, timeout=2).text)
            except Exception as error:
                results.append((type(error), str(error)[:40]))
        for command in (["true"], ["no-such-program"], ["false"], []):
            try:
                results.append(subprocess.run(command, check=True).returncode)
            except Exception as error:
                results.append((type(error), str(error)[:40]))
        try:
            urllib.request.urlopen("http://127.0.0.1:9/", timeout=2)
        except Exception as error:
            results.append((type(error), str(error)))
        return results

    before = everything()
    enabled()
    assert everything() == before


def test_post_import_hook(enabled, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "patched_later.py").write_text("def act(): return 'original'\n")
    enabled()
    seen = []
    governor._imports.when_imported("patched_later", lambda module: seen.append(module.act()))
    assert importlib.util.find_spec("patched_later") is not None and seen == []
    module = importlib.import_module("patched_later")
    assert seen == ["original"]
    assert type(module.__loader__).__name__ == "SourceFileLoader" and module.__spec__.loader is module.__loader__
    assert inspect.getsource(module.act).startswith("def act")
    importlib.reload(module)
    assert seen == ["original"] * 2

    class Nosy:
        @staticmethod
        def find_spec(name, path=None, target=None):
            return None

    sys.meta_path.insert(0, Nosy)
    try:
        del sys.modules["patched_later"]
        import patched_later  # noqa: F401

        assert sys.meta_path[0] is governor._imports._finder and len(seen) == 3
    finally:
        sys.meta_path.remove(Nosy)


def test_a_library_that_lost_its_seam_is_refused(enabled, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "stranger.py").write_text("x = 1\n")
    enabled()
    patch = next(patch for patch in find_patches() if patch.library == "urllib3")

    class Lost:
        library, family = "stranger", "http"

        @staticmethod
        def load():
            class Module:
                @staticmethod
                def install(module, patcher):
                    patcher.wrap(module, "gone", lambda *_: None)

            return Module

    governor._imports.when_imported("stranger", governor._enable._installer(Lost))
    with pytest.raises(governor.ConfigurationError, match="stranger.gone"):
        importlib.import_module("stranger")
    assert "stranger" not in sys.modules and patch.family == "http"


def test_every_patch_names_itself_and_imports_nothing():
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules)\n"
        "from governor.patches import find_patches\n"
        "for patch in find_patches():\n"
        "    module = patch.load()\n"
        "    assert (module.LIBRARY, module.MODULES, module.FAMILY) == (patch.library, patch.modules, patch.family), patch.stem\n"
        "    assert module.__doc__ and callable(module.install), patch.stem\n"
        "roots = {name.partition('.')[0] for name in set(sys.modules) - before} - {'governor'}\n"
        "print(sorted(root for root in roots if 'site-packages' in (getattr(sys.modules[root], '__file__', None) or '')))"
    )
    snippets = os.path.dirname(os.path.dirname(governor.__file__))
    done = subprocess.run([sys.executable, "-I", "-c", program, snippets], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_threads_that_end_leave_nothing(enabled):
    enabled()
    with governor.intent(governor.intent_from(action="read")):
        threads = [threading.Thread(target=lambda: None) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not any("_governor_scope" in vars(thread) for thread in threads)
    del threads
    gc.collect()
    assert not [scope for scope in gc.get_objects() if isinstance(scope, governor._scope.Scope)]


def test_errors_travel(enabled, web):
    enabled().answer = "DENY"
    with pytest.raises(governor.PolicyDenied) as caught:
        requests.get(web.url, timeout=5)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is governor.PolicyDenied and copy.to_dict() == caught.value.to_dict()
    assert isinstance(caught.value, RuntimeError) and not isinstance(caught.value, OSError)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_a_second_name_for_a_function_is_patched_with_it():
    class Connection:
        def command(self):
            return "sent"

        _execute = command

    patcher = Patcher(lambda: True)
    patcher.wrap(Connection, "command", lambda wrapped, instance, args, kwargs: "asked, " + wrapped())
    assert Connection().command() == Connection()._execute() == "asked, sent"
    patcher.restore()
    assert Connection().command() == Connection()._execute() == "sent" and vars(Connection)["_execute"] is vars(Connection)["command"]
