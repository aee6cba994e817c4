"""Finds dates in text: a transformer says of each character whether it belongs to a day, a month, a year, or to no date.

The data is generated: a date written in one of many ways inside a sentence of everyday words and numbers. Batch and sequence are
dynamic; 0 pads.
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "training"))
import export  # noqa: E402
import nets  # noqa: E402

TAGS = ["other", "day", "month", "year"]
MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
WORDS = ("the meeting on invoice from until room paid call order due since about train leaves platform we arrived born in for items "
         "pages costs euros number street old new report sent signed may march people at to by of with").split()
ALPHABET = "\0 abcdefghijklmnopqrstuvwxyz0123456789,.-/'"
WIDTH, HEADS, LAYERS, LONGEST = 32, 4, 2, 64
np_t = nets.np


def date_parts(rng):
    """[(text, tag)] of a date in one of many ways to write it."""
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(1, 13)), int(rng.integers(1950, 2050))
    ending = {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day // 10 != 1 else 0, "th")
    name = MONTHS[month - 1] if rng.random() < 0.6 else MONTHS[month - 1][:3]
    d, m, y = (str(day), 1), (name, 2), (str(year), 3)
    dd, mm, yy = (f"{day:02}", 1), (f"{month:02}", 2), (f"{year % 100:02}", 3)
    gap = lambda text: (text, 0)  # noqa: E731
    ways = [[d, gap(" "), m, gap(" "), y], [m, gap(" "), d, gap(", "), y], [y, gap("-"), mm, gap("-"), dd],
            [dd, gap("."), mm, gap("."), y], [d, gap("."), mm, gap("."), yy], [mm, gap("/"), dd, gap("/"), y],
            [(str(day), 1), gap(ending + " of "), m, gap(" "), y], [m, gap(" "), y], [d, gap(" "), m, gap(" '"), yy]]
    return ways[rng.integers(len(ways))]


def filler(rng, count):
    words = [str(rng.integers(1, 3000)) if rng.random() < 0.2 else WORDS[rng.integers(len(WORDS))] for _ in range(count)]
    return " ".join(words)


def sentence(rng):
    before, after = filler(rng, rng.integers(0, 5)), filler(rng, rng.integers(0, 4))
    parts = ([(before + " ", 0)] if before else []) + date_parts(rng) + ([(" " + after, 0)] if after else [])
    text = "".join(part for part, _ in parts)[:LONGEST]
    tags = [tag for part, tag in parts for _ in part][:LONGEST]
    return text, tags


def encode(texts):
    out = np.zeros((len(texts), max(map(len, texts))), np.int64)
    for row, text in zip(out, texts):
        row[: len(text)] = [ALPHABET.index(c) for c in text]
    return out


def sample(rng, count):
    pairs = [sentence(rng) for _ in range(count)]
    characters = encode([text for text, _ in pairs])
    tags = np.zeros(characters.shape, np.int64)
    for row, (_, wanted) in zip(tags, pairs):
        row[: len(wanted)] = wanted
    return characters, tags


def logits(weights, characters):
    batch, length = characters.shape
    x = nets.embed(weights["embedding"], characters) + weights["positions"][:length]
    hidden = np.where(characters == 0, np.float32(-1e4), np.float32(0))[:, None, None, :]
    for i in range(LAYERS):
        y = nets.layer_norm(weights, f"norm{i}a", x)
        split = np_t.reshape(nets.dense(weights, f"qkv{i}", y), (batch, length, 3, HEADS, WIDTH // HEADS))
        q, k, v = (np_t.transpose(split[:, :, j], (0, 2, 1, 3)) for j in range(3))
        scores = np_t.matmul(q, np_t.transpose(k, (0, 1, 3, 2))) * (WIDTH // HEADS) ** -0.5 + hidden
        mixed = np_t.transpose(np_t.matmul(nets.softmax(scores), v), (0, 2, 1, 3))
        x = x + nets.dense(weights, f"mix{i}", np_t.reshape(mixed, (batch, length, WIDTH)))
        y = nets.layer_norm(weights, f"norm{i}b", x)
        x = x + nets.dense(weights, f"down{i}", nets.relu(nets.dense(weights, f"up{i}", y)))
    return nets.dense(weights, "head", nets.layer_norm(weights, "norm", x))


def train():
    rng = np.random.default_rng(0)
    weights = {"embedding": rng.normal(0, 0.3, (len(ALPHABET), WIDTH)).astype(np.float32),
               "positions": rng.normal(0, 0.3, (LONGEST, WIDTH)).astype(np.float32)}
    for name in ["norm"] + [f"norm{i}{part}" for i in range(LAYERS) for part in "ab"]:
        weights[f"{name}.w"], weights[f"{name}.b"] = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)
    for i in range(LAYERS):
        for name, inputs, outputs in (("qkv", 1, 3), ("mix", 1, 1), ("up", 1, 4), ("down", 4, 1)):
            nets.dense_weights(rng, weights, f"{name}{i}", inputs * WIDTH, outputs * WIDTH)
    nets.dense_weights(rng, weights, "head", WIDTH, len(TAGS))

    def loss(w, characters, tags):
        return nets.cross_entropy(logits(w, characters), tags, characters != 0)

    return nets.train(weights, loss, lambda _: sample(rng, 48), steps=1600, rate=4e-3)


def build(weights):
    g = export.Graph("dates")
    constant = lambda name, value: g.weight(name, np.array(value))  # noqa: E731
    weight = lambda name: g.weight(name, weights[name])  # noqa: E731
    dense = lambda name, x: g.add("Add", g.add("MatMul", x, weight(f"{name}.w"), name=name), weight(f"{name}.b"))  # noqa: E731

    def norm(name, x):  # opset 17 has an operator for it
        return g.add("LayerNormalization", x, weight(f"{name}.w"), weight(f"{name}.b"), name=name, axis=-1, epsilon=1e-5)

    characters = g.input("characters", np.int64, ["batch", "sequence"])
    length = g.add("Gather", g.add("Shape", characters), constant("axis1", [1]))
    positions = g.add("Slice", weight("positions"), constant("start", [0]), length, constant("axis0", [0]))
    x = g.add("Add", g.add("Gather", weight("embedding"), characters, name="embedding"), positions)
    padding = g.add("Cast", g.add("Equal", characters, constant("zero", 0)), to=1)
    hidden = g.add("Unsqueeze", g.add("Mul", padding, constant("hide", np.float32(-1e4))), constant("heads_rows", [1, 2]))
    heads, merged = constant("heads", [0, 0, HEADS, WIDTH // HEADS]), constant("merged", [0, 0, WIDTH])
    scale = constant("scale", np.float32((WIDTH // HEADS) ** -0.5))
    for i in range(LAYERS):
        qkv = [f"qkv{i}.{part}" for part in "qkv"]
        g.add("Split", dense(f"qkv{i}", norm(f"norm{i}a", x)), outputs=qkv, axis=2)
        q, k, v = (g.add("Transpose", g.add("Reshape", part, heads), perm=perm)
                   for part, perm in zip(qkv, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])))
        scores = g.add("Add", g.add("Mul", g.add("MatMul", q, k), scale), hidden)
        mixed = g.add("MatMul", g.add("Softmax", scores, axis=-1), v)
        x = g.add("Add", x, dense(f"mix{i}", g.add("Reshape", g.add("Transpose", mixed, perm=[0, 2, 1, 3]), merged)))
        x = g.add("Add", x, dense(f"down{i}", g.add("Relu", dense(f"up{i}", norm(f"norm{i}b", x)))))
    scores = dense("head", norm("norm", x))
    g.add("Softmax", scores, outputs=["probabilities"], axis=-1)
    g.add("ArgMax", scores, outputs=["tags"], axis=-1, keepdims=0)
    g.output("probabilities", np.float32, ["batch", "sequence", len(TAGS)])
    g.output("tags", np.int64, ["batch", "sequence"])
    return g


def show(text, tags):
    return text + "\n  " + "".join(" dmy"[tag] for tag in tags[: len(text)])


def main():
    weights = train()
    build(weights).save(HERE, "Dates in text: characters [batch, sequence], 0 pads; of each, the probabilities of and the most likely of "
                        + ", ".join(TAGS))
    characters, wanted = sample(np.random.default_rng(2), 300)
    export.write_test_set(HERE, {"characters": characters}, np.where(characters == 0, -1, wanted))
    export.report_accuracy(HERE, HERE / "test_set")

    wide = {name: value.astype(np.float64) for name, value in weights.items()}
    sets = []
    for texts in (["invoice 1042 from 3 may 2026 for 12 items"], ["since 24.12.1999", "we arrived on july 1, 2031 by train"],
                  ["born 29/02/2024", "the 7th of aug 1987", "room 12", "due 2026-11-26 in 14 euros"]):
        characters = encode(texts)
        scores = logits(wide, characters)
        for text, row in zip(texts, scores.argmax(-1)):
            print(show(text, row))
        sets.append(({"characters": characters}, {"probabilities": nets.softmax(scores), "tags": scores.argmax(-1)}))
    export.write_data_sets(HERE, sets)


if __name__ == "__main__":
    main()
