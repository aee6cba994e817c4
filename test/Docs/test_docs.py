"""What is written down is so: generated pages are current, the links and the commands of the README lead somewhere."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NNCC_BUILD") or ROOT / "build/release")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("models/*.md"), *ROOT.glob("examples/*.md")])


def test_operators_are_current():
    done = subprocess.run([sys.executable, ROOT / "scripts/operators.py", "--check", f"--build={BUILD}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_table_of_gpus_is_current():
    table = subprocess.run([BUILD / "bin/nncc", "gpus"], capture_output=True, text=True, check=True).stdout
    assert table in (ROOT / "docs/GPUs.md").read_text(), "docs/GPUs.md: replace the table by what `nncc gpus` prints"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        assert "://" in target or (page.parent / target).exists(), target


@pytest.mark.parametrize("tool", ["nncc", "nncc-run", "nncc-bench", "nncc-reduce"])
def test_options_that_pages_name_exist(tool):
    """`tool ... --option`: each option of such a line is one that the tool tells of."""
    helped = "".join(subprocess.run([BUILD / "bin" / tool, *command, "--help"], capture_output=True, text=True).stdout
                     for command in ([[], ["check"], ["info"]] if tool == "nncc" else [[]]))
    known = set(re.findall(r"^ +--?([A-Za-z][\w-]*)", helped, re.M)) | {"O", "j", "march"}
    for page in PAGES:
        for line in page.read_text().splitlines():
            for command in re.findall(rf"(?:^|`)(?:\S*/)?{tool}(?: [^`|&]*)?", line):
                for option in re.findall(r"(?<= )--?([A-Za-z][\w-]*)", command):
                    assert option in known or option[0] in "Oj", f"{page.name}: {line.strip()}"


def test_evidence_names_what_exists():
    """`lit F` selects a test, `Tests` (A, B) are parts of names of the unit tests, and files are there."""
    text = (ROOT / "docs/Evidence.md").read_text()
    paths = [str(path.relative_to(ROOT / "test")) for path in ROOT.glob("test/**/*") if path.suffix in (".mlir", ".test", ".onnxtxt")]
    for wanted in re.findall(r"`lit ([\w/-]+)`", text):
        assert wanted == "F" or any(re.search(wanted, path) for path in paths), f"lit {wanted}"
    for path in re.findall(r"`((?:test|bench|scripts|emulator)/[\w/.-]+\.(?:py|sh))", text):
        assert (ROOT / path).exists(), path
    for binary, names in re.findall(r"`([\w-]+[tT]ests)`(?: \(|:? )?((?:`?[A-Z]\w+(?:\.\w*)?\*?`?(?:, )?)*)", text):
        built = [path for path in BUILD.glob(f"**/{binary}") if path.is_file()]
        assert built, f"{binary}: built by check-unit?"
        listed = subprocess.run([built[0], "--gtest_list_tests"], capture_output=True, text=True, check=True).stdout
        for name in re.findall(r"[A-Z]\w+(?:\.\w+)?", names):
            assert name.split(".")[-1] in listed, f"{binary}: {name}"
