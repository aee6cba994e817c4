"""The kernels of warps.cu and groups.cu against NumPy."""

import functools

import numpy as np
from case import N, Case, f32, i32, integers, normal
from device import Out, unwritten


def eighths(rng, *shape):
    """Numbers whose sums are exact in any order."""
    return (rng.integers(-64, 64, shape) / 8).astype(f32)


def warp_sum(rng):
    x = eighths(rng, 5, 32)
    return Case("warps", "warpSum", [unwritten(5, f32), x], [x.sum(1)], block=(32,), grid=(5,))


def block_sum(rng):
    x = eighths(rng, 3, 1000)
    return Case("warps", "blockSum", [unwritten(3, f32), x, i32(1000)], [x.sum(1)], block=(256,), grid=(3,))


def group_softmax(rng):
    x = normal(rng, 3, 300)
    e = np.exp(x.astype(np.float64))
    return Case("groups", "softmax", [unwritten((3, 300), f32), x, i32(300)], [(e / e.sum(1, keepdims=True)).astype(f32)],
                block=(128,), grid=(3,), shared=1200, rtol=1e-6)


def layer_norm(rng):
    x, scale, bias = rng.standard_normal((4, 192)).astype(np.float16), normal(rng, 192), normal(rng, 192)
    v = x.astype(np.float64)
    expected = (v - v.mean(1, keepdims=True)) / np.sqrt(v.var(1, keepdims=True) + 1e-5) * scale + bias
    return Case("warps", "layerNorm", [unwritten((4, 192), np.float16), x, scale, bias, i32(192)], [expected.astype(np.float16)],
                block=(32,), grid=(4,), rtol=2e-3, atol=1e-3)


def votes(rng):
    x = integers(rng, 32, low=-8, high=9)
    mask = lambda bits: sum(1 << i for i, b in enumerate(bits) if b)
    positive = [v > 0 for v in x]
    rows = [[mask(positive), int(7 in x), 1, mask((x & 3) == (v & 3)), 2**32 - 1, mask(p and o & 1 for p, o in zip(positive, x)) if v > 0 else i]
            for i, v in enumerate(x)]
    return Case("warps", "votes", [unwritten((32, 6), np.uint32), x], [np.array(rows, np.uint32)], block=(32,), grid=(1,))


def shuffles(rng):
    x, lane = integers(rng, 32), np.arange(32)
    down = np.where(lane % 8 + 2 < 8, lane + 2, lane)
    wide = (x.astype(np.int64) << 20)[lane // 16 * 16 + 3]
    expected = [x[5] + 0 * x, x[np.where(lane < 3, lane, lane - 3)], x[down % 32], x[lane ^ 9], x[lane * 7 % 32],
                (wide & 0xFFFFFFFF).astype(np.uint32).view(i32)]
    return Case("warps", "shuffles", [unwritten((32, 6), i32), x], [np.stack(expected, 1).astype(i32)], block=(32,), grid=(1,))


def reduce_sync(rng):
    x = integers(rng, 32).view(np.uint32)
    row = [int(x.astype(np.uint64).sum()) & 0xFFFFFFFF, int(x.view(i32).max()) & 0xFFFFFFFF, int(x.min()),
           int(np.bitwise_and.reduce(x)), int(np.bitwise_or.reduce(x)), int(np.bitwise_xor.reduce(x))]
    return Case("warps", "reduceSync", [unwritten((32, 6), np.uint32), x], [np.tile(np.array(row, np.uint32), (32, 1))], block=(32,), grid=(1,), since=80)


def scan(rng):
    x = integers(rng, 256, low=-99, high=99)
    return Case("warps", "scan", [unwritten(256, i32), x, i32(256)], [np.concatenate([[0], np.cumsum(x)[:-1]]).astype(i32)],
                block=(128,), grid=(1,), shared=1024)


def bitonic_sort(rng):
    x = normal(rng, 2, 128)
    return Case("warps", "bitonicSort", [Out(x), i32(128)], [np.sort(x, 1)], block=(128,), grid=(2,), shared=512)


def histogram(rng):
    x = integers(rng, 3000, low=0, high=256, dtype=np.uint8)
    return Case("warps", "histogram", [Out(np.zeros(64, np.uint32)), x, i32(3000)], [np.bincount(x & 63, minlength=64).astype(np.uint32)], block=(128,), grid=(4,))


def atomics(rng):
    x, start = integers(rng, N, low=-(2**29), high=2**29), integers(rng, 9, low=-99, high=99)
    start[5:7] = [7, 20]
    inc, dec = 7, 20
    for _ in range(N):
        inc, dec = 0 if inc >= 99 else inc + 1, 50 if dec == 0 or dec > 50 else dec - 1
    u = x.view(np.uint32).astype(np.uint64)
    fold = functools.reduce
    y = [max(start[0], x.max()), min(start[1], x.min()), fold(np.bitwise_xor, x, start[2]), fold(np.bitwise_or, x, start[3]),
         fold(np.bitwise_and, x | 0xFF00FF, start[4]), inc, dec, int(start[7]) - int(x.astype(np.int64).sum()), max(int(start[8]), int(x.max()) * 3)]
    y = (np.array([int(v) for v in y], np.int64) & 0xFFFFFFFF).astype(np.uint32).view(i32)
    sums = (0.25 * (x & 15)).sum().astype(f32)
    return Case("warps", "atomics", [Out(start), Out(np.array([5, 0], np.uint64)), Out(np.array([1], f32)), x, i32(N)],
                [y, np.array([5 + u.sum(), u.max()], np.uint64), np.array([1 + sums], f32)])


def atomic_doubles(rng):
    x = rng.integers(-99, 99, N) / 4
    return Case("warps", "atomicDoubles", [Out(np.array([0.5])), x, i32(N)], [np.array([0.5 + x.sum()])])


def atomic_halves(rng):
    return Case("halves", "atomicHalves", [Out(np.zeros(2, np.float16)), i32(N)], [np.array([N, N / 2], np.float16)])


def last_block(rng):
    x = eighths(rng, 6, 32)
    return Case("warps", "lastBlock", [unwritten(1, f32), unwritten(6, f32), x], [x.sum().reshape(1), x.sum(1)], block=(32,), grid=(6,))


def transpose(rng):
    x = normal(rng, 64, 64)
    return Case("warps", "transpose", [unwritten((64, 64), f32), x, i32(64)], [x.T.copy()], block=(32, 8), grid=(2, 2))


def sync_counts(rng):
    x = integers(rng, 96, low=-8, high=9)
    row = [(x > 0).sum(), 1, int(3 in x)]
    return Case("warps", "syncCounts", [unwritten((96, 3), i32), x], [np.tile(np.array(row, i32), (96, 1))], block=(96,), grid=(1,))


def stencil(rng):
    x = eighths(rng, 40, 50)
    padded = np.pad(x, 1)
    expected = sum((dy * 3 + dx + 1) * padded[dy:dy + 40, dx:dx + 50] for dy in range(3) for dx in range(3))
    return Case("warps", "stencil", [unwritten((40, 50), f32), x, i32(50), i32(40)], [expected.astype(f32)], block=(16, 16), grid=(4, 3))


CASES = [warp_sum, block_sum, group_softmax, layer_norm, votes, shuffles, reduce_sync, scan, bitonic_sort, histogram, atomics, atomic_doubles,
         atomic_halves, last_block, transpose, sync_counts, stencil]
