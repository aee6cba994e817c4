"""A kernel of another compiler with its launch and what NumPy says of its outputs."""

import dataclasses

import numpy as np

f32, i32, N = np.float32, np.int32, 200


@dataclasses.dataclass
class Case:
    file: str  # the stem of the .cu, or "triton_NAME"
    entry: str
    arguments: list
    expected: list
    block: tuple = (64,)
    grid: tuple = (4,)
    shared: int = 0
    rtol: float = 0  # 0 with atol 0: equal bits
    atol: float = 0
    since: int = 75


def normal(rng, *shape):
    return rng.standard_normal(shape).astype(f32)


def integers(rng, *shape, low=-(2**31), high=2**31, dtype=i32):
    return rng.integers(low, high, shape, dtype=np.int64).astype(dtype)
