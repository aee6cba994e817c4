"""Mutation of PTX texts: each kind, and that a text without instructions has none."""

import random

import mutate

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
