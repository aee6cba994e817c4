"""The package under test is the one of the source tree, with the runtime of the build tree that $NNCC_BUILD names."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))


@pytest.fixture(scope="session")
def handmade(tmp_path_factory):
    """The library of handmade.c."""
    library = tmp_path_factory.mktemp("handmade") / "handmade.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-I", ROOT / "runtime/include", pathlib.Path(__file__).with_name("handmade.c"), "-o", library],
                   check=True)
    return library
