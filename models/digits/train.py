"""A convolutional classifier of handwritten digits, 8 x 8 pixels; the data (UCI's optical recognition set) ships in scikit-learn.

Writes model.onnx, test_data_set_*, and images/*.pgm: one image of each digit, none of which the training saw.
"""

import pathlib
import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "training"))
import export  # noqa: E402
import nets  # noqa: E402

CHANNELS = (16, 32, 32)


def data():
    """(train images, test images, train labels, test labels); an image is [8, 8, 1] from 0 to 1."""
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[..., None]
    return train_test_split(images, digits.target, test_size=0.25, random_state=0, stratify=digits.target)


def logits(weights, x):
    x = nets.relu(nets.conv3x3(weights, "conv1", x))
    x = nets.max_pool(nets.relu(nets.conv3x3(weights, "conv2", x)))
    x = nets.max_pool(nets.relu(nets.conv3x3(weights, "conv3", x)))
    return nets.dense(weights, "head", x.reshape(x.shape[0], -1))


def train(images, labels):
    rng = np.random.default_rng(0)
    weights = {}
    for i, (inputs, outputs) in enumerate(zip((1,) + CHANNELS, CHANNELS), 1):
        nets.conv_weights(rng, weights, f"conv{i}", inputs, outputs)
    nets.dense_weights(rng, weights, "head", 4 * CHANNELS[-1], 10)

    def batch(_):
        chosen = rng.integers(0, len(images), 64)
        dy, dx = rng.integers(-1, 2, 2)  # a digit moved by a pixel is the same digit
        noise = rng.normal(0, 0.05, (64, 8, 8, 1))
        return (np.roll(images[chosen], (dy, dx), (1, 2)) + noise).astype(np.float32), labels[chosen]

    return nets.train(weights, lambda w, x, y: nets.cross_entropy(logits(w, x), y), batch, steps=3000, rate=2e-3)


def oihw(matrix):
    """The trainer's (dy, dx, input) x output as ONNX's output, input, dy, dx."""
    return matrix.reshape(3, 3, -1, matrix.shape[1]).transpose(3, 2, 0, 1)


def build(weights):
    graph = export.Graph("digits")
    x = graph.input("image", np.float32, [1, 1, 8, 8])
    for i in (1, 2, 3):
        w, b = graph.weight(f"conv{i}.weight", oihw(weights[f"conv{i}.w"])), graph.weight(f"conv{i}.bias", weights[f"conv{i}.b"])
        x = graph.add("Relu", graph.add("Conv", x, w, b, name=f"conv{i}", kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
        if i > 1:
            x = graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    # The trainer flattens height, width, channel; ONNX channel, height, width.
    head = weights["head.w"].reshape(2, 2, CHANNELS[-1], 10).transpose(2, 0, 1, 3).reshape(-1, 10)
    x = graph.add("Gemm", graph.add("Flatten", x), graph.weight("head.weight", head), graph.weight("head.bias", weights["head.b"]),
                  name="head")
    graph.add("Softmax", x, outputs=["probabilities"], axis=1)
    graph.output("probabilities", np.float32, [1, 10])
    return graph


def write_pgm(path, image):
    rows = "\n".join(" ".join(f"{int(v):2}" for v in row) for row in np.round(image[..., 0] * 16))
    path.write_text(f"P2\n# scikit-learn's digits, a test image\n8 8\n16\n{rows}\n")


def main():
    train_images, test_images, train_labels, test_labels = data()
    weights = train(train_images, train_labels)
    build(weights).save(HERE, "Handwritten digits: image [1, 1, 8, 8] from 0 (paper) to 1 (ink), probabilities of 0 to 9")
    export.write_test_set(HERE, {"image": test_images.transpose(0, 3, 1, 2)}, test_labels)
    export.report_accuracy(HERE, HERE / "test_set")

    wide = {name: value.astype(np.float64) for name, value in weights.items()}
    chosen = [int(np.flatnonzero(test_labels == digit)[0]) for digit in range(10)]
    sets = [({"image": test_images[i].transpose(2, 0, 1)[None]},
             {"probabilities": nets.softmax(logits(wide, test_images[i][None].astype(np.float64)))}) for i in chosen]
    export.write_data_sets(HERE, sets)
    (HERE / "images").mkdir(exist_ok=True)
    for digit, i in enumerate(chosen):
        write_pgm(HERE / f"images/{digit}.pgm", test_images[i])


if __name__ == "__main__":
    main()
