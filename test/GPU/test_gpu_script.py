"""bench/gpu.sh: every part of it on the emulator, and the page that it writes."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NNCC_BUILD", ROOT / "build/release"))
sys.path.insert(0, str(ROOT / "bench"))
import gpu


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="no shellcheck")
def test_shellcheck():
    subprocess.run(["shellcheck", ROOT / "bench/gpu.sh"], check=True, cwd=ROOT)


@pytest.mark.skipif(not (BUILD / "lib/nncc/libcuda.so.1").exists(), reason="no emulator in the build tree")
def test_parts_on_the_emulator(tmp_path):
    environment = dict(os.environ, NNCC_BUILD=str(BUILD), NNCC_BENCH_PYTHON=sys.executable, NNCC_GPU_KERNELS="^matrices/gemm64|^triton_softmax/",
                       NNCC_GPU_OPERATORS="test_softmax_axis_*")
    done = subprocess.run([ROOT / "bench/gpu.sh", "--emulate=a100", f"--out={tmp_path}", "models/digits"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "12 passed, 0 failed"
    page, data = (tmp_path / "gpu.html").read_text(), json.loads((tmp_path / "gpu.json").read_text())
    assert "<td>models/digits<td>right" in page and data["card"]["sm"] == 80
    assert data["card"]["flops"] == pytest.approx(19.5e12, rel=0.01), "what NVIDIA states of an A100"


def test_no_driver_is_said(tmp_path):
    if subprocess.run("ldconfig -p | grep -q libcuda.so.1", shell=True).returncode == 0:
        pytest.skip("there is a driver")
    for folder in ("bin", "lib"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bin/nncc").write_text("#!/bin/sh\n")
    (tmp_path / "bin/nncc").chmod(0o755)
    done = subprocess.run([ROOT / "bench/gpu.sh"], capture_output=True, text=True, env=dict(os.environ, NNCC_BUILD=str(tmp_path), NNCC_BENCH_PYTHON=sys.executable))
    assert done.returncode == 1 and "no CUDA driver found (libcuda.so.1)" in done.stderr


CARD = {"name": "a <card>", "sm": 80, "flops": 1e12, "bytes": 1e11}


def test_roof():
    assert gpu.with_roof({"us": 10.0, "operations": 5e6, "bytes": 2e5}, CARD)["roof"] == pytest.approx(0.5), "operations bound it: 5 of 10 us"
    assert gpu.with_roof({"us": 10.0, "operations": 0, "bytes": 8e5}, CARD)["roof"] == pytest.approx(0.8)
    assert gpu.with_roof({"us": 10.0}, CARD)["roof"] == 0


def test_page():
    kernel = {"name": "k<0>", "launches": 1, "us": 10.0, "share": 1.0, "roof": 0.5}
    rows = [{"model": "fast", "problem": None, "ms": {"nncc": 1.0, "torch": 2.0, "tensorrt": "no <plan>"}, "kernels": [kernel]},
            {"model": "bad", "problem": "wrong: output 3", "ms": {}, "kernels": []}]
    page = gpu.page(CARD, rows, ["torch", "tensorrt"])
    assert "2.000 (0.50)" in page and "no &lt;plan&gt;" in page and "k&lt;0&gt;" in page and '<td class="bad">wrong: output 3' in page
