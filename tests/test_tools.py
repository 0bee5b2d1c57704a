"""The helpers behind `make`: what pip was told reaches uv, and the browser that was named is the one that is used."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.find_chromium import NamedBrowserFails, find_chromium
from tools.install import requirements_for, uv_variables

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("pip_says", "uv_hears"),
    [
        pytest.param("", {}, id="nothing configured"),
        pytest.param("global.index-url='https://mirror.example/simple'\n",
                     {"UV_DEFAULT_INDEX": "https://mirror.example/simple"}, id="a mirror"),
        pytest.param("global.extra-index-url='file:///a/simple file:///b/simple'\n",
                     {"UV_INDEX": "file:///a/simple file:///b/simple"}, id="two more indexes on one line"),
        pytest.param("global.find-links='\\n/a\\n/b'\n", {"UV_FIND_LINKS": "/a,/b"}, id="two folders on two lines"),
        pytest.param("global.cert='/a.pem'\n:env:.cert='/b.pem'\ninstall.cert='/c.pem'\n",
                     {"SSL_CERT_FILE": "/b.pem"}, id="the environment wins over files"),
        pytest.param("global.disable-pip-version-check='1'\ninstall.no-deps='1'\nnonsense\n", {}, id="not for uv"),
        pytest.param("freeze.cert='/a.pem'\n", {}, id="another command's option"),
    ],
)  # fmt: skip
def test_uv_hears_what_pip_was_told(pip_says, uv_hears):
    assert uv_variables(pip_says) == uv_hears


def test_the_demo_installs_no_test_tools():
    assert not any(line.startswith(("pytest", "playwright", "ruff")) for line in requirements_for("main"))
    assert set(requirements_for("main")) < set(requirements_for("dev"))


def test_a_named_browser_that_does_not_run_is_not_silently_replaced(monkeypatch, tmp_path):
    stub = tmp_path / "chromium"
    stub.write_text("#!/bin/sh\necho 'install me from the store' >&2\nexit 1\n")
    stub.chmod(0o755)
    monkeypatch.setenv("CHROMIUM", str(stub))

    with pytest.raises(NamedBrowserFails, match="does not answer --version"):
        find_chromium()


def test_a_program_that_only_bears_the_name_is_passed_over(monkeypatch, tmp_path):
    for name, says in (("chromium", "requires the store"), ("google-chrome", "Google Chrome 150.0")):
        stub = tmp_path / name
        stub.write_text(f"#!/bin/sh\necho '{says}'\n")
        stub.chmod(0o755)
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_chromium() == str(tmp_path / "google-chrome")


def test_a_python_that_is_too_old_is_refused_in_plain_words(tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    answer = subprocess.run(
        ["/bin/sh", str(ROOT / "tools" / "python.sh")], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert answer.returncode == 1
    assert "No Python 3.11 or later was found" in answer.stderr


def test_the_python_named_by_hand_is_taken():
    answer = subprocess.run(
        ["/bin/sh", str(ROOT / "tools" / "python.sh")],
        env={"PATH": "/nowhere", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )
    assert answer.stdout.strip() == sys.executable, answer.stderr
