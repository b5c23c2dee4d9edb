"""Settings: where they come from, which wins, and what is refused."""

from __future__ import annotations

import pytest
import requests

import governor
from governor._config import load_settings
from governor._toml import load_toml, read_subset

TOML = """
# A comment
[defaults]
actor_id = "from-file"   # another
tenant_id = 'acme'
[families]
filesystem = true
browser = false

[governor]
timeout_ms = 1_500
cache_ttl_ms = 250.5
allow_hosts = [
  "a.example",  # one
  "b.example",
]

[[destination]]
pattern = "api.internal/*"
resource_type = "external_api"
resource_name = "billing"
pii = true
sensitivity = ["financial"]

[[destination]]
pattern = "*.corp"
resource_name = "corp \\u00fc"
"""


def test_arguments_win_over_environment_over_file(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text(TOML)
    environ = {"GOVERNOR_CONFIG": str(path), "GOVERNOR_TIMEOUT_MS": "700", "GOVERNOR_ACTOR_ID": "from-environment"}
    settings = load_settings({"actor_id": "from-argument"}, environ)
    assert (settings.actor_id, settings.timeout_ms, settings.cache_ttl_ms, settings.tenant_id) == ("from-argument", 700, 250.5, "acme")
    assert "filesystem" in settings.families and "browser" not in settings.families and "http" in settings.families
    assert settings.allow_hosts == ("a.example", "b.example")
    assert load_settings({}, {}).families == tuple(name for name in load_settings({"families": "all"}, {}).families if name != "filesystem")


def test_the_subset_reader_agrees_with_tomllib():
    tomllib = pytest.importorskip("tomllib")
    assert read_subset(TOML, "x") == tomllib.loads(TOML)


@pytest.mark.parametrize(
    "text", ['a = """x"""', "a = 1979-05-27", "a = {b = 1}", "a.b = 1", "a = 1\na = 2", "[t]\n[t]", "a = ", "a = 1 2", "[t", "a = [1", "a = 0x10", "nonsense"]
)
def test_the_subset_reader_refuses_the_rest(text):
    with pytest.raises(governor.ConfigurationError, match="line "):
        read_subset(text, "governor.toml")


@pytest.mark.parametrize(
    "settings",
    [
        {"fail_mod": "open"}, {"mode": "maybe"}, {"timeout_ms": 0}, {"timeout_ms": "soon"}, {"timeout_ms": -1}, {"timeout_ms": float("nan")},
        {"families": "http,teleport"}, {"backstop": "on"}, {"enabled": "perhaps"}, {"enforce_url": 7}, {"enforce_url": "ftp://x"},
        {"enforce_url": "http://"}, {"enforce_url": "http://h:99999"}, {"enforce_url": "http://user:pw@h"}, {"api_key": "a\r\nX: y", "enforce_url": "http://h"},
        {"decision_key": "hmac:!!!"}, {"decision_key": "ed25519:AAAA"}, {"allow_hosts": 5},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_an_error(settings):
    with pytest.raises(governor.ConfigurationError):
        governor.enable(**settings)


@pytest.mark.parametrize("text", ["[defaults]\nfail_mod = 'x'", "[families]\nhttp = 1", "[families]\nteleport = true", "[[destination]]\nresource_name = 'x'", "[[destination]]\npattern = 'x'\ncolour = 'red'"])
def test_a_file_that_is_not_understood_is_an_error(tmp_path, text):
    (tmp_path / "governor.toml").write_text(text)
    with pytest.raises(governor.ConfigurationError):
        governor.enable()


def test_a_named_file_has_to_be_there(monkeypatch):
    monkeypatch.setenv("GOVERNOR_CONFIG", "missing.toml")
    with pytest.raises(governor.ConfigurationError):
        load_toml("missing.toml")
    with pytest.raises(governor.ConfigurationError):
        governor.enable()


def test_destinations_name_resources_and_markers(enabled, web, tmp_path):
    (tmp_path / "governor.toml").write_text('[[destination]]\npattern = "127.0.0.1:*/pay*"\nresource_type = "external_api"\nresource_name = "billing"\npii = true\nsensitivity = ["financial"]\n')
    plane = enabled()
    requests.post(web.url + "/pay/1", timeout=5)
    requests.post(web.url + "/other", timeout=5)
    assert plane.requests[0]["resource"] == {"type": "external_api", "name": "billing"}
    assert plane.requests[0]["data"] == {"sensitivity": ["financial"], "pii": True, "volume": "single"}
    assert plane.requests[1]["resource"]["name"] == "127.0.0.1"


def test_a_hosts_rule_leaves_mail_to_the_same_host_what_it_is(enabled, tmp_path):
    from governor._call import Call

    (tmp_path / "governor.toml").write_text('[[destination]]\npattern = "shared.example"\nresource_type = "external_api"\nresource_name = "shop"\n')
    plane = enabled()
    for call in (
        Call("smtplib.SMTP.sendmail", "email", "send", ("email", "shared.example"), "smtp://shared.example:25", "DATA", "hello"),
        Call("requests.Session.send", "http", "write", None, "https://shared.example/orders", "POST"),
    ):
        with governor._gate.governed_call(call):
            pass
    assert [request["resource"] for request in plane.requests] == [{"type": "email", "name": "shop"}, {"type": "external_api", "name": "shop"}]


def test_the_bypass_is_loud_and_refused_in_production(web, monkeypatch, capfd):
    monkeypatch.setenv("GOVERNOR_DEV_BYPASS", "1")
    governor.enable(backstop="off")
    assert "NOTHING IS GOVERNED" in capfd.readouterr().err
    assert requests.get(web.url, timeout=5).status_code == 200
    governor.disable()
    monkeypatch.setenv("APP_ENV", "production")
    with pytest.raises(governor.ConfigurationError, match="production"):
        governor.enable(backstop="off")


def test_a_misspelt_variable_is_an_error(monkeypatch):
    monkeypatch.setenv("GOVERNOR_PORT_80_TCP", "tcp://10.0.0.1:80")
    governor.enable(backstop="off")
    governor.disable()
    monkeypatch.setenv("GOVERNOR_FAILMODE", "open")
    with pytest.raises(governor.ConfigurationError, match="GOVERNOR_FAIL_MODE"):
        governor.enable(backstop="off")


def test_disabled_by_the_environment(web, monkeypatch):
    monkeypatch.setenv("GOVERNOR_ENABLED", "0")
    governor.enable()
    assert requests.get(web.url, timeout=5).status_code == 200


def test_enable_twice_is_enable_once(enabled, web):
    plane = enabled()
    governor.enable()
    enabled()
    requests.get(web.url, timeout=5)
    assert len(plane.requests) == 1
    original = requests.Session.send.__wrapped__
    assert not hasattr(original, "__governor__")
    governor.disable()
    governor.disable()
    assert requests.Session.send is original


def test_the_request_carries_who_and_what(enabled, web):
    plane = enabled(api_key="key-1")
    governor.configure_defaults(actor_id="svc", actor_type="agent", layer="l7", tenant_id="acme")
    requests.post(web.url + "/a", json={"secret": "s"}, timeout=5)
    body = plane.requests[0]
    assert plane.headers[0]["Authorization"] == "Bearer key-1"
    assert body["actor"] == {"id": "svc", "type": "agent"} and body["layer"] == "l7"
    assert body["risk"] == {"authn": "required"} and body["data"] == {"sensitivity": [], "pii": False, "volume": "single"}
    assert "tenant" not in str(body) and "acme" not in str(body)
    assert len(body["context"]["call"]["arguments"]) == 64
