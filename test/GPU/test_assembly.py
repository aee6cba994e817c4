"""The readers of machine code, and that assemble.py can fail."""

import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "bench")]
import ptxas
import sass

needs_tools = pytest.mark.skipif(not ptxas.tool("ptxas-12.9") or not ptxas.tool("nvdisasm-12.8"), reason="scripts/bootstrap.sh --cuda installs ptxas")


def kernels():
    return sass.read((HERE / "Inputs/tile.sass").read_text())


def test_loops_are_found():
    code, loops = kernels()["tile"]
    assert [code[last].opcode for _, last in loops] == ["BRA"], "the loop over tiles; ptxas unrolls the inner one, and pads behind EXIT"
    main = sass.main_loop(code, loops)
    assert not main.whole and main.count({"FFMA"}) == 16 and main.count({"BAR"}) == 2
    assert main.mix() == (16, 24, main.issued - 40)


def test_kernel_without_loops_is_its_own():
    main = sass.main_loop(*kernels()["scale"])
    assert main.whole and main.count({"LDG"}) == 1
    assert next(i for i in main.instructions if i.opcode == "LDG").bytes() == 512


def test_loop_without_those_inside():
    text = """.text.k:
.L_1:
        /*0000*/ FADD R0, R0, R1 ;
.L_2:
        /*0010*/ FFMA R0, R0, R1, R2 ;
        /*0020*/ FFMA R0, R0, R1, R2 ;
        /*0030*/ @P0 BRA `(.L_2) ;
        /*0040*/ @P1 BRA `(.L_1) ;
        /*0050*/ EXIT ;
.L_3:
        /*0060*/ BRA `(.L_3);
"""
    code, loops = sass.read(text)["k"]
    assert loops == [(0, 4), (1, 3)]
    assert [i.opcode for i in sass.own(code, loops, (0, 4))] == ["FADD", "BRA"]
    assert [i.opcode for i in sass.main_loop(code, loops).instructions] == ["FFMA", "FFMA", "BRA"]


def test_issued_together():
    """Maxwell and Pascal issue two instructions at once: braces are around them."""
    text = """.text.k:
.L_1:
        /*0008*/         {         FFMA R0, R0, R1, R2 ;
        /*0010*/               @P1 LDG.E.CI.128 R28, [R20+0x40]         }
        /*0018*/         {         IADD.X R9, RZ, R9 ;
        /*0028*/               @P0 BRA `(.L_1)         }
        /*0030*/                   EXIT ;
"""
    code, loops = sass.read(text)["k"]
    assert loops == [(0, 3)]
    assert [(i.opcode, i.guard) for i in code[:4]] == [("FFMA", ""), ("LDG", "@P1"), ("IADD", ""), ("BRA", "@P0")]


def loop_of(*lines):
    return sass.Loop(sass.read(".text.k:\n" + "".join(f"        /*{16 * n:04x}*/ {line} ;\n" for n, line in enumerate(lines)))["k"][0])


def test_bounds():
    mma = "HMMA.16816.F32 R0, R4, R8, R0"
    assert sass.bound(loop_of(*[mma] * 8), 80) == (1.0, "tensor", "tensor")
    # 8 matrix instructions keep the tensor cores busy for 16 clocks; 8 x 512 bytes of ldmatrix take 32.
    assert sass.bound(loop_of(*[mma] * 8, *["LDSM.16.M88.4 R0, [R4]"] * 8), 80) == (0.5, "tensor", "shared")
    # Half of an issue slot a clock: 64 lanes on sm_80 are the limit, 128 on sm_86 are reached with FFMA alone.
    assert sass.bound(loop_of(*["FFMA R0, R1, R2, R0"] * 10), 80) == (1.0, "fp32", "fp32")
    assert sass.bound(loop_of(*["FFMA R0, R1, R2, R0"] * 10, *["S2R R0, SR_TID.X"] * 10), 86)[0] == pytest.approx(0.5)
    assert sass.bound(loop_of("LDG.E.128 R0, [R4]", "FADD R0, R0, R1", "STG.E.128 [R4], R0"), 80) == (1.0, "memory", "l2")


def test_dot_products_are_math():
    loop = loop_of(*["IDP.4A.U8.U8 R0, R1, R2, R0"] * 6, "LDS R4, [R8]", "IADD3 R9, R9, 0x1, RZ")
    assert loop.mix() == (6, 1, 1) and sass.bound(loop, 70) == (pytest.approx(6 / 7), "dp4a", "integer")
    assert loop_of("IMMA.16832.U8.U8 R0, R4.ROW, R8.COL, R0").mix() == (1, 0, 0)


def test_padding_is_not_issued():
    assert loop_of("@!PT LDS RZ, [RZ]", "FFMA R0, R1, R2, R0").issued == 1


def test_occupancy():
    assert sass.occupancy(80, 128, 0, 256) == 2
    assert sass.occupancy(80, 255, 0, 512) == 0, "131072 registers are not there"
    assert sass.occupancy(75, 32, 0, 256) == 4, "32 warps on Turing"
    assert sass.occupancy(80, 32, 48 * 1024, 128) == 3
    assert sass.occupancy(90, 32, 0, 32) == 32


def test_report():
    found = ptxas.parse_report("""ptxas info    : Compiling entry function 'a' for 'sm_80'
ptxas info    : Function properties for a
    16 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 255 registers, used 1 barriers, 2048 bytes smem, 384 bytes cmem[0]
ptxas info    : Compiling entry function 'b' for 'sm_80'
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 20 registers, 376 bytes cmem[0]
ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized due to insufficient registers in function 'b'
""")
    assert (found["a"].registers, found["a"].shared, found["a"].stack, found["a"].spills, found["a"].notes) == (255, 2048, 16, 20, [])
    assert (found["b"].registers, found["b"].spills) == (20, 0) and "C7510" in found["b"].notes[0]


def test_header():
    text = (HERE / "Inputs/tile.ptx").read_text()
    assert ptxas.header(text) == (70, 80)
    assert ptxas.block_sizes(text) == {"tile": 256, "scale": 128}


def test_versions_are_those_of_the_design():
    table = ptxas.PTX_VERSIONS
    assert all(table[sm] == 60 for sm in (35, 37, 50, 52, 60, 61, 70)) and (table[75], table[80], table[90]) == (65, 70, 78)


def assemble(*arguments):
    return subprocess.run([sys.executable, HERE / "assemble.py", *map(str, arguments)], capture_output=True, text=True)


@needs_tools
def test_good_kernels_pass():
    done = assemble(HERE / "Inputs/tile.ptx", "-v")
    assert done.returncode == 0 and "tile scale ptxas 12.9: " in done.stdout, done.stdout


@needs_tools
@pytest.mark.parametrize("name, reason", [("local", "64 bytes of local memory"), ("refused", "requires .target sm_80 or higher")])
def test_bad_kernels_fail(name, reason):
    done = assemble(HERE / f"Inputs/{name}.ptx")
    assert done.returncode == 1 and reason in done.stdout, done.stdout


@needs_tools
def test_wrong_version_fails(tmp_path):
    (tmp_path / "new.ptx").write_text((HERE / "Inputs/tile.ptx").read_text().replace(".version 7.0", ".version 7.8"))
    done = assemble(tmp_path / "new.ptx")
    assert done.returncode == 1 and "states PTX 7.8 for sm_80, not 7.0" in done.stdout


BENCH, BUILD = HERE.parents[1] / "bench", pathlib.Path(os.environ.get("NNCC_BUILD") or HERE.parents[1] / "build/release")


@needs_tools
def test_the_page_is_written(tmp_path):
    """Of one kernel: what stands before the table stays, and another run changes nothing."""
    page = tmp_path / "page.md"
    page.write_text("# Kernels\n\nWords.\n| from | kernel |\n|---|---|\n| old | row |\n")
    command = [sys.executable, BENCH / "static.py", "--only=softmax_f32", "--gpu=sm_80", f"--nncc={BUILD}/bin/nncc", f"--markdown={page}"]
    subprocess.run(command, check=True)
    text = page.read_text()
    assert text.startswith("# Kernels\n\nWords.\n| from | kernel | card |") and "old" not in text
    columns, row = ([cell.strip() for cell in line.split("|")] for line in (text.splitlines()[3], text.splitlines()[5]))
    found = dict(zip(columns, row))
    assert (found["from"], found["card"], found["spills"], found["conflicts"], found["moved"]) == ("nncc", "sm_80", "0", "0", "1.00"), found
    assert "LDG 8 STG 8" in found["mix"], "128 bits of a row of 1024 in a thread of 32"
    subprocess.run(command, check=True)
    assert page.read_text() == text


@needs_tools
def test_products_reach_what_is_wanted(tmp_path):
    """The main loops: of f32 at least 88 % multiply-adds; of f16 matrix instructions of the card's shape, and on sm_80 at most 1.15 others for each. Those of
    tf32 round a register for each, by two instructions, and load words of an operand: 3.45 others."""
    page = tmp_path / "page.md"
    subprocess.run([sys.executable, BENCH / "static.py", "--only=gemm_(f32|tf32|f16)", "--gpu=sm_70,sm_75,sm_80", f"--nncc={BUILD}/bin/nncc", f"--markdown={page}", "--anchors=none"],
                   check=True)
    columns, _, *rows = ([cell.strip() for cell in line.split("|")] for line in page.read_text().splitlines())
    found = {(row["kernel"].split()[0], row["card"]): row for row in (dict(zip(columns, row)) for row in rows)}
    for (model, card), row in found.items():
        assert (row["spills"], row["conflicts"]) == ("0", "0") and "LDL" not in row["mix"] and "STL" not in row["mix"], row
        loop, math = int(row["loop"]), int(row["math"].split()[0])
        if model == "gemm_f32":
            assert f"FFMA {math} " in row["mix"] and math >= 0.88 * loop, row
        elif model == "gemm_tf32":
            assert f"HMMA.1688 {math} " in row["mix"] and loop - math <= 3.45 * math, row
        elif card != "sm_70":
            assert f"HMMA.{'16816' if card == 'sm_80' else '1688'} {math} " in row["mix"], row
            assert card == "sm_75" or loop - math <= 1.15 * math, row
    assert len(found) == 7


@needs_tools
def test_nncc_bench_shows_it(tmp_path):
    """--static: of a model and of an object, the same."""
    model, library = HERE.parents[1] / "models/digits/model.onnx", tmp_path / "digits.o"
    subprocess.run([BUILD / "bin/nncc", model, "-target=cuda", "-gpu=sm_75", "-o", library], check=True, capture_output=True)
    of_model, of_object = (subprocess.run([BUILD / "bin/nncc-bench", "--static", *source], check=True, capture_output=True, text=True).stdout.split("\n")
                           for source in ((model, "-gpu=sm_75"), (library,)))
    assert of_model == of_object and any("FFMA" in line and "sm_75" in line for line in of_model)
    failed = subprocess.run([BUILD / "bin/nncc-bench", "--static", tmp_path / "none.onnx"], capture_output=True, text=True)
    assert failed.returncode == 3 and "none.onnx: no such file" in failed.stderr
