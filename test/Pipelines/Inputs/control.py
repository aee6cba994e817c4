"""control.py MODEL.so NNCC-RUN: runs the model of control-flow.test on several inputs, and compares with NumPy."""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np

random = np.random.default_rng(3)


def small(*shape):
    """Numbers whose sums are exact."""
    return random.integers(-8, 9, shape).astype(np.float32)


def expect(c, m, k, limit, x, a):
    trips = max(int(m), 0)
    doubled, sums, goes = x, [], bool(c)
    while goes and len(sums) < trips:
        doubled = doubled + doubled
        sums.append(np.abs(doubled).sum())
        goes = sums[-1] < limit
    rows = [[np.full(3, i * j) for j in range(int(k))] for i in range(trips)]
    state, back = np.zeros(3), []
    for element in a[::-1]:
        state = 2 * state + element
        back.insert(0, state)
    return [np.concatenate([x, x]) if c else -x, np.concatenate([x] * (trips + 1)), doubled, np.array(sums),
            np.array(rows).reshape(trips, int(k) if trips else 0, 3), state, np.array(back).reshape(-1, 3).T]


CASES = [
    dict(c=True, m=5, k=2, limit=1e6, x=small(4, 3), a=small(6, 3)),
    dict(c=False, m=3, k=4, limit=0, x=small(1, 3), a=small(1, 3)),
    dict(c=True, m=9, k=1, limit=500, x=small(2, 3), a=small(3, 3)),
    dict(c=True, m=0, k=3, limit=1, x=small(3, 3), a=small(0, 3)),
    dict(c=True, m=-4, k=0, limit=1, x=small(0, 3), a=small(2, 3)),
    dict(c=True, m=2, k=0, limit=1, x=small(0, 3), a=small(2, 3)),
]


def run(library, runner, inputs, threads):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        command = [runner, library, f"--threads={threads}", f"--output={folder / 'out'}", "--output-format=npy"]
        for name, value in inputs.items():
            np.save(folder / f"{name}.npy", value)
            command.append(f"--input={name}=@{folder / name}.npy")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return [np.load(folder / f"out/output_{number}.npy") for number in range(7)]


def main(library, runner):
    for case in CASES:
        inputs = {**case, "c": np.bool_(case["c"]), "m": np.int64(case["m"]), "k": np.int64(case["k"]), "limit": np.float32(case["limit"])}
        wanted = expect(**case)
        for threads in (1, 3):
            for number, (got, want) in enumerate(zip(run(library, runner, inputs, threads), wanted)):
                assert got.shape == want.shape, (number, got.shape, want.shape)
                np.testing.assert_array_equal(got, want.astype(np.float32), str(number))


main(*sys.argv[1:])
