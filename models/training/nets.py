"""What the trainers share: layers written with NumPy, differentiated by the autograd package, and the Adam optimiser.

Weights are a dict of arrays; a layer is a function of a dict, a prefix and its input. Everything is seeded: training again gives the
same weights on the same machine.
"""

import autograd
import autograd.numpy as np
import numpy


def dense_weights(rng, weights, name, inputs, outputs):
    weights[f"{name}.w"] = (rng.standard_normal((inputs, outputs)) * numpy.sqrt(2 / (inputs + outputs))).astype(numpy.float32)
    weights[f"{name}.b"] = numpy.zeros(outputs, numpy.float32)


def dense(weights, name, x):
    return np.dot(x, weights[f"{name}.w"]) + weights[f"{name}.b"]


def embed(table, indices):
    """Rows of the table, as a product with one-hot rows: the gradient of an indexed read is many times slower."""
    one_hot = (indices[..., None] == numpy.arange(table.shape[0])).astype(numpy.float32)
    return np.dot(one_hot, table)


def conv_weights(rng, weights, name, inputs, outputs):
    """A 3x3 convolution: rows (dy, dx, input channel), columns output channels."""
    scale = numpy.sqrt(2 / (9 * inputs))
    weights[f"{name}.w"] = (rng.standard_normal((9 * inputs, outputs)) * scale).astype(numpy.float32)
    weights[f"{name}.b"] = numpy.zeros(outputs, numpy.float32)


def conv3x3(weights, name, x):
    """[n, h, w, c] to [n, h, w, outputs], zero padding of one."""
    h, w = x.shape[1:3]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "constant")
    patches = np.concatenate([padded[:, dy : dy + h, dx : dx + w] for dy in range(3) for dx in range(3)], axis=3)
    return np.dot(patches, weights[f"{name}.w"]) + weights[f"{name}.b"]


def max_pool(x):
    n, h, w, c = x.shape
    return np.max(np.max(np.reshape(x, (n, h // 2, 2, w // 2, 2, c)), axis=4), axis=2)


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return 0.5 * (np.tanh(0.5 * x) + 1)


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def layer_norm(weights, name, x):
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5) * weights[f"{name}.w"] + weights[f"{name}.b"]


def cross_entropy(logits, labels, keep=None):
    """Mean over the elements of labels, or over those where keep is 1."""
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    one_hot = labels[..., None] == numpy.arange(logits.shape[-1])
    loss = np.log(np.sum(np.exp(shifted), axis=-1)) - np.sum(shifted * one_hot, axis=-1)
    return np.mean(loss) if keep is None else np.sum(loss * keep) / numpy.sum(keep)


def train(weights, loss, batches, steps, rate, report=500):
    """Adam with a rate that falls to zero along a cosine; `batches` is a function of the step."""
    gradient = autograd.value_and_grad(loss)
    first = {name: numpy.zeros_like(value) for name, value in weights.items()}
    second = {name: numpy.zeros_like(value) for name, value in weights.items()}
    running = None
    for step in range(steps):
        value, grads = gradient(weights, *batches(step))
        running = value if running is None else 0.98 * running + 0.02 * value
        now = rate * 0.5 * (1 + numpy.cos(numpy.pi * step / steps)) * min(1, (step + 1) / 100)
        for name, g in grads.items():
            first[name] = (0.9 * first[name] + 0.1 * g).astype(numpy.float32)
            second[name] = (0.99 * second[name] + 0.01 * g * g).astype(numpy.float32)
            m, v = first[name] / (1 - 0.9 ** (step + 1)), second[name] / (1 - 0.99 ** (step + 1))
            weights[name] = (weights[name] - now * m / (numpy.sqrt(v) + 1e-8)).astype(numpy.float32)
        if (step + 1) % report == 0:
            print(f"step {step + 1}: loss {running:.4f}", flush=True)
    return weights
