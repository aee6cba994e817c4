"""Which language is this phrase? A bidirectional GRU over UTF-8 bytes; the words ship in the faker package.

Phrases are 1 to 6 words, padded with zeros. A fifth of each language's words is kept for the test: there no word was seen before.
"""

import importlib
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "training"))
import export  # noqa: E402
import nets  # noqa: E402

LANGUAGES = {"Czech": "cs_CZ", "Danish": "da_DK", "Dutch": "nl_NL", "English": "en_US", "French": "fr_FR", "German": "de_DE",
             "Italian": "it_IT", "Polish": "pl_PL", "Spanish": "es_ES"}
EMBEDDING, HIDDEN, LONGEST = 16, 32, 48
np_t = nets.np  # NumPy as autograd sees it


def words():
    """{language: (train words, test words)}"""
    split = {}
    for language, locale in LANGUAGES.items():
        listed = importlib.import_module(f"faker.providers.lorem.{locale}").Provider.word_list
        shuffled = np.random.default_rng(1).permutation(sorted({word.lower() for word in listed}))
        split[language] = (shuffled[len(shuffled) // 5 :], shuffled[: len(shuffled) // 5])
    return split


def pad(phrases):
    """(bytes [batch, length] uint8, lengths [batch] int32)"""
    encoded = [phrase.encode()[:LONGEST] for phrase in phrases]
    lengths = np.array([len(e) for e in encoded], np.int32)
    out = np.zeros((len(encoded), lengths.max()), np.uint8)
    for row, e in zip(out, encoded):
        row[: len(e)] = np.frombuffer(e, np.uint8)
    return out, lengths


def sample(rng, split, part, count):
    labels = rng.integers(0, len(LANGUAGES), count)
    lists = [split[language][part] for language in LANGUAGES]
    phrases = [" ".join(rng.choice(lists[label], rng.integers(1, 7))) for label in labels]
    return *pad(phrases), labels


def gru(weights, name, text, lengths):
    """The last state of each sequence. text is [batch, length]; gates are in ONNX's order: update, reset, candidate."""
    h = np.zeros((len(text), HIDDEN), np.float32)
    # One table from bytes to what they add to the gates: the embedding times the input weights.
    table = np_t.dot(weights["embedding"], weights[f"{name}.w"]) + weights[f"{name}.b"]
    for t in range(text.shape[1]):
        given, recurrent = nets.embed(table, text[:, t]), np_t.dot(h, weights[f"{name}.r"]) + weights[f"{name}.rb"]
        gates = nets.sigmoid(given[:, : 2 * HIDDEN] + recurrent[:, : 2 * HIDDEN])
        update, reset = gates[:, :HIDDEN], gates[:, HIDDEN:]
        candidate = np_t.tanh(given[:, 2 * HIDDEN :] + reset * recurrent[:, 2 * HIDDEN :])
        alive = (t < lengths)[:, None].astype(np.float32)
        h = h + alive * (1 - update) * (candidate - h)
    return h


def logits(weights, text, lengths):
    positions = np.arange(text.shape[1])
    backwards = np.where(positions < lengths[:, None], lengths[:, None] - 1 - positions, positions)
    reversed_ = np.take_along_axis(text, backwards, axis=1)
    last = np_t.concatenate([gru(weights, "forward", text, lengths), gru(weights, "backward", reversed_, lengths)], axis=1)
    return nets.dense(weights, "head", last)


def train(split):
    rng = np.random.default_rng(0)
    weights = {"embedding": rng.normal(0, 0.5, (256, EMBEDDING)).astype(np.float32)}
    for name in ("forward", "backward"):
        for part, inputs in (("w", EMBEDDING), ("r", HIDDEN)):
            weights[f"{name}.{part}"] = rng.normal(0, inputs**-0.5, (inputs, 3 * HIDDEN)).astype(np.float32)
        weights[f"{name}.b"], weights[f"{name}.rb"] = np.zeros((2, 3 * HIDDEN), np.float32)
    nets.dense_weights(rng, weights, "head", 2 * HIDDEN, len(LANGUAGES))

    def loss(w, text, lengths, labels):
        return nets.cross_entropy(logits(w, text, lengths), labels)

    return nets.train(weights, loss, lambda _: sample(rng, split, 0, 96), steps=1600, rate=4e-3)


def build(weights):
    graph = export.Graph("languages")
    text, lengths = graph.input("bytes", np.uint8, ["batch", "length"]), graph.input("lengths", np.int32, ["batch"])
    symbols = graph.add("Cast", graph.add("Transpose", text, perm=[1, 0]), to=6)  # int32, [length, batch]
    x = graph.add("Gather", graph.weight("embedding", weights["embedding"]), symbols, name="embedding")

    def both(part, axis):
        return np.stack([weights[f"{name}.{part}"].T if axis else weights[f"{name}.{part}"] for name in ("forward", "backward")])

    biases = np.concatenate([both("b", 0), both("rb", 0)], axis=1)
    last = graph.add("GRU", x, graph.weight("gru.w", both("w", 1)), graph.weight("gru.r", both("r", 1)), graph.weight("gru.b", biases),
                     lengths, name="gru", outputs=["", "gru_last"], hidden_size=HIDDEN, direction="bidirectional", linear_before_reset=1)
    last = "gru_last"  # [2, batch, HIDDEN]
    shape = graph.weight("rows", np.array([0, -1]))
    rows = graph.add("Reshape", graph.add("Transpose", last, perm=[1, 0, 2]), shape)
    scores = graph.add("Gemm", rows, graph.weight("head.weight", weights["head.w"]), graph.weight("head.bias", weights["head.b"]), name="head")
    graph.add("Softmax", scores, outputs=["probabilities"], axis=1)
    graph.output("probabilities", np.float32, ["batch", len(LANGUAGES)])
    return graph


def main():
    split = words()
    weights = train(split)
    build(weights).save(HERE, "Language of a phrase: UTF-8 bytes [batch, length] padded with 0, their lengths [batch]; probabilities of "
                        + ", ".join(LANGUAGES))
    text, lengths, labels = sample(np.random.default_rng(2), split, 1, 1000)
    export.write_test_set(HERE, {"bytes": text, "lengths": lengths}, labels)
    export.report_accuracy(HERE, HERE / "test_set")

    wide = {name: value.astype(np.float64) for name, value in weights.items()}
    sets = []
    for phrases in (["where is the next station", "kde je nejbližší nádraží", "wo ist der nächste bahnhof", "où est la prochaine gare"],
                    ["dov'è la prossima stazione"], ["gdzie jest następny dworzec", "ja"]):
        text, lengths = pad(phrases)
        probabilities = nets.softmax(logits(wide, text, lengths))
        print([list(LANGUAGES)[i] for i in probabilities.argmax(1)])
        sets.append(({"bytes": text, "lengths": lengths}, {"probabilities": probabilities}))
    export.write_data_sets(HERE, sets)


if __name__ == "__main__":
    main()
