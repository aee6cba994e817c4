"""Each card that nncc names: the emulator poses as it, and runs the image that is for it."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NNCC_BUILD") or ROOT / "build/release")
MODEL = '<ir_version: 8, opset_import: ["" : 17]>\ng (float[64] x) => (float[64] y) { y = Exp(x) }\n'


def cards():
    """[(card, its family)]"""
    table = subprocess.run([BUILD / "bin/nncc", "gpus"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^\| `sm_(\d+)` \| [\d.]+ \| ([^|]*) \|", table, re.M)
    return [(name, int(sm)) for sm, names in rows for name in names.split()]


@pytest.mark.skipif(not (BUILD / "lib/nncc/libcuda.so.1").exists(), reason="no emulator in the build tree")
def test_the_emulator_poses_as_every_card(tmp_path):
    (tmp_path / "model.onnxtxt").write_text(MODEL)
    subprocess.run([BUILD / "bin/nncc", "model.onnxtxt", "-target=cuda", "-gpu=all", "--emit=so", "-o", "model.so"], check=True, cwd=tmp_path)
    known = cards()
    assert len(known) > 40 and {"k40", "t4", "a100", "rtx5090"} <= {name for name, _ in known}
    for name, sm in known:
        done = subprocess.run([BUILD / "bin/nncc-bench", "model.so", f"--emulate={name}", "--device=cuda", "--seconds=0", "--warmup=0", "--json"], capture_output=True,
                              text=True, cwd=tmp_path)
        assert done.returncode == 0 and re.search(rf'"device": "cuda:0 \(.*, sm_{sm}\)"', done.stdout), f"{name}: {done.stdout}{done.stderr}"
