"""Mutation of PTX texts: each kind, and that a text without instructions has none."""

import random

import mutate
import proofs

KERNEL = """.version 7.0
.target sm_80
.visible .entry k(
	.param .u64 out
)
{
	.reg .b32 %r<9>;
	ld.param.u64 %rd1, [out];
	cp.async.wait_group 0;
	bar.sync 0;
	xor.b32 %r1, %r2, %r3;
	ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%r1+16];
	fma.rn.f32 %f5, %f1, %f2, %f3;
	setp.lt.s32 %p1, %r1, %r2;
	@%p1 bra $L1;
	shfl.sync.bfly.b32 %r4, %r5, 16, 31, -1;
	mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f1, %f2, %f3, %f4}, {%r1, %r2}, {%r3}, {%f1, %f2, %f3, %f4};
	add.s32 %r6, %r6, 32;
$L1:
	ret;
}
"""


def of_kind(kind):
    return [m.after.strip() for m in mutate.mutants(KERNEL) if m.kind == kind]


def test_every_kind():
    assert of_kind("barrier") == [""] and of_kind("wait") == [""]
    assert of_kind("swizzle") == ["or.b32 %r1, %r2, %r3;"]
    assert of_kind("index") == ["ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%r1+20];"]
    assert "fma.rn.f32 %f5, %f1, %f3, %f2;" in of_kind("operand") and "setp.lt.s32 %p1, %r2, %r1;" in of_kind("operand")
    assert any("{%r2, %r1}, {%r3}" in after for after in of_kind("operand"))
    assert of_kind("compare") == ["setp.le.s32 %p1, %r1, %r2;"]
    assert of_kind("predicate") == ["@!%p1 bra $L1;"]
    assert of_kind("shuffle") == ["shfl.sync.bfly.b32 %r4, %r5, 0, 31, -1;"]
    assert of_kind("constant") == ["add.s32 %r6, %r6, 33;"] and of_kind("arithmetic") == ["sub.s32 %r6, %r6, 32;"]


def test_only_one_line_changes():
    lines = KERNEL.split("\n")
    for mutant in mutate.mutants(KERNEL):
        other = mutant.apply(lines).split("\n")
        assert [k for k in range(len(lines)) if lines[k] != other[k]] == [mutant.line - 1]


def test_declarations_have_none():
    assert not list(mutate.mutants(".version 7.0\n.target sm_80\n.global .align 4 .u32 x;\n"))


def test_sample_is_seeded():
    assert mutate.sample(KERNEL, 5, random.Random(3)) == mutate.sample(KERNEL, 5, random.Random(3))
    assert len({m.kind for m in mutate.sample(KERNEL, 6, random.Random(3))}) == 6


def test_redundant_barriers():
    text = """{
	st.shared.b32 [%r1], %r2;
	bar.sync 0;
	ld.shared.b32 %r3, [%r4];
	bar.sync 0;
	add.s32 %r5, %r3, 1;
	bar.sync 0;
	st.shared.b32 [%r1], %r5;
	bar.sync 0;
	st.global.b32 [%rd1], %r5;
}
""".split("\n")
    needed = [mutate.redundant_barrier(text, k) for k, line in enumerate(text) if "bar.sync" in line]
    assert needed[0] is None and "behind" in needed[1] and "before" in needed[2] and "nothing behind" in needed[3]


def test_loops_need_their_barriers():
    text = """{
$L1:
	st.shared.b32 [%r1], %r2;
	bar.sync 0;
	@%p1 bra $L1;
}
""".split("\n")
    assert mutate.redundant_barrier(text, 3) is None


def why(body, kind, launches={"k": (2, 64)}, number=0):
    """Why a mutant of a kind, the first or the one of that number, is the same program."""
    text = ".visible .entry k(\n)\n{\n\tmov.u32 \t%r1, %tid.x;\n\tmov.u32 \t%r2, %ctaid.x;\n" + "".join(f"\t{line}\n" for line in body) + "}\n"
    return proofs.why_same([m for m in mutate.mutants(text) if m.kind == kind][number], text.split("\n"), launches)


def test_arithmetic_of_all_threads():
    """127 is the last index of two blocks of 64: nothing is equal to 200, and one thread to 127."""
    row = ["mad.lo.s32 %r3, %r2, 64, %r1;", "setp.{0}.u32 %p1, %r3, {1};", "@%p1 bra $L;", "$L:"]
    assert "every thread" in why([line.format("lt", 200) for line in row], "compare")
    assert why([line.format("lt", 127) for line in row], "compare") is None
    assert why([line.format("lt", 200) for line in row], "compare", {"k": (4, 64)}) is None
    assert "every thread" in why(["shl.b32 %r3, %r1, 2;", "and.b32 %r4, %r3, 252;", "st.shared.b32 [%r4], %r1;"], "constant", number=1)
    assert why(["shl.b32 %r3, %r1, 2;", "and.b32 %r4, %r3, 255;", "st.shared.b32 [%r4], %r1;"], "constant", number=1) is None


def test_bits_in_loops():
    loop = ["mov.b32 %r3, {0};", "$M:", "add.s32 %r3, %r3, 8;", "setp.lt.u32 %p1, %r3, {1};", "@%p1 bra $M;"]
    assert "a bit" in why([line.format(0, 69) for line in loop], "compare") and why([line.format(0, 64) for line in loop], "compare") is None
    assert why([line.format(5, 69) for line in loop], "compare") is None
    beyond = ["mov.b32 %r3, 0;", "$M:", "add.s32 %r3, %r3, 8;", "add.s32 %r4, %r3, {0};", "setp.lt.u32 %p1, %r4, {1};", "@%p1 bra $M;"]
    assert "border" in why([line.format(1, 69) for line in beyond], "constant", number=1)
    assert why([line.format(1, 66) for line in beyond], "constant", number=1) is None, "64 + 1 is below, 64 + 2 is not"


def test_barriers_that_no_data_needs():
    apart = ["shl.b32 %r3, %r1, 2;", "st.shared.b32 [%r3], %r1;", "bar.sync 0;", "ld.shared.b32 %r4, [%r3];"]
    assert "no data" in why(apart, "barrier")
    assert why(apart[:1] + ["ld.global.b32 %r3, [%rd1];"] + apart[1:], "barrier") is None, "data decides where"
    written = ["cvta.to.global.u64 %rd2, %rd1;", "st.global.b32 [%rd2], %r1;", "bar.sync 0;", "ld.global.b32 %r4, [%rd2+4];", "ld.shared.b32 %r5, [%r1];"]
    assert why(written, "barrier") is None, "races in global memory are not looked for"


def test_signs_that_do_not_matter():
    difference = ["sub.rn.f32 %r3, %r1, %r2;", "copysign.f32 %r4, {0};", "st.shared.b32 [%r1], %r4;"]
    assert "copysign" in why([line.format("%r5, %r3") for line in difference], "operand")
    assert why([line.format("%r3, %r5") for line in difference], "operand") is None
