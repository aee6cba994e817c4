"""run.py KERNEL MODEL.so NNCC-RUN: runs a kernel of the stage contract on seeded inputs and compares with NumPy in f64."""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np

random = np.random.default_rng(7)


def normal(*shape):
    return random.standard_normal(shape).astype(np.float32)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def convolution(x, r):
    """3 x 3 with equal weights: the sum over channels and neighbours."""
    padded = np.pad(x.sum(1)[0], 1)
    summed = sum(padded[i:i + 14, j:j + 14] for i in range(3) for j in range(3))
    return [np.maximum(summed * 0.03125 - 0.5 + r, 0)]


def top(x):
    order = np.argsort(-x, axis=1, kind="stable")[:, :5]
    return [np.take_along_axis(x, order, 1), order]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, h, c, w, r):
    i, o, f, g = np.split(x @ w + h @ r, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(c), c]


KERNELS = {
    "softmax": ({"x": normal(7, 100)}, lambda x: [softmax(x)]),
    "conv-residual": ({"x": normal(1, 16, 14, 14), "r": normal(1, 32, 14, 14)}, convolution),
    "attention": ({"q": normal(2, 48, 64), "k": normal(2, 48, 64), "v": normal(2, 48, 64)},
                  lambda q, k, v: [softmax(q @ k.swapaxes(1, 2) / 8) @ v]),
    "lstm-step": ({"x": normal(3, 20), "h": normal(3, 24), "c": normal(3, 24), "w": normal(20, 96), "r": normal(24, 96)}, lstm),
    "topk": ({"x": normal(4, 100)}, top),
    "nonzero-gather": ({"mask": normal(40) > 0, "x": normal(40, 8)}, lambda mask, x: [x[mask]]),
}


def main(name, library, runner):
    inputs, reference = KERNELS[name]
    expected = reference(*(value.astype(np.float64) if value.dtype == np.float32 else value for value in inputs.values()))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        command = [runner, library, f"--output={folder / 'out'}", "--output-format=npy"]
        for key, value in inputs.items():
            np.save(folder / f"{key}.npy", value)
            command.append(f"--input={key}=@{folder / key}.npy")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for number, wanted in enumerate(expected):
            got = np.load(folder / f"out/output_{number}.npy")
            assert got.shape == wanted.shape, (got.shape, wanted.shape)
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


main(*sys.argv[1:])
