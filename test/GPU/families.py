"""A small model for each family of kernels. No size is a multiple of a tile, so that edges are there, and there is more than one block; ONNX Runtime says what is right.

Inputs are such that a wrong kernel gives a wrong result: large ones where a maximum keeps exponentials in range, ties, negative indices.
"""

import subprocess

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def normal(rng, *shape, dtype=np.float32):
    return rng.standard_normal(shape).astype(dtype)


def graph(nodes, inputs, weights=None, outputs=("y",)):
    """`inputs`: {name: array}. A node is (operator, [inputs], {attributes}[, outputs])."""
    made = []
    for n, (operator, names, attributes, *results) in enumerate(nodes):
        last = n == len(nodes) - 1
        domain = "com.microsoft" if attributes.pop("contrib", False) else ""
        made.append(helper.make_node(operator, names, results[0] if results else [outputs[0] if last else f"t{n}"], domain=domain, **attributes))
    values = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in inputs.items()]
    results = [helper.make_tensor_value_info(k, TensorProto.UNDEFINED, None) for k in outputs]
    model = helper.make_model(helper.make_graph(made, "family", values, results, [numpy_helper.from_array(v, k) for k, v in (weights or {}).items()]),
                              opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    del inferred.graph.value_info[:]
    return inferred, inputs


def families(rng):
    """{name: (model, inputs)}."""
    n = lambda *shape: normal(rng, *shape)
    h = lambda *shape: normal(rng, *shape, dtype=np.float16)
    indices = rng.integers(-37, 37, (30, 7))
    indices[:3] = np.array([[0], [36], [-37]])  # every column has the first and the last
    wrong = indices[:5].copy()
    wrong[2, 3], wrong[4, 1] = 37, -38
    with_nan = lambda x: np.where(rng.random(x.shape) < 0.015, np.float32(np.nan), x)
    # Infinities where only zeros of the other operand, or no thread, may come: zeros hide what is read in place of them.
    def endless(x, *places):
        for place in places:
            x[place] = np.inf
        return x

    far = lambda x: x << np.where(rng.random(x.shape) < 0.3, 35, 0)  # some beyond 32 bits
    few = lambda *shape: rng.integers(-4, 5, shape).astype(np.float32)  # ties
    # Some lines so spread that one weight of a softmax is 1 and a wrong maximum overflows, the others so near that all weights count.
    spread = lambda *shape: np.where(np.arange(int(np.prod(shape))).reshape(shape) % 2, np.float32(4000), np.float32(0.4))
    # The same for the two heads of an attention; products of the second are exact, since small errors of large scores are large ones of weights.
    queries = lambda *shape: np.concatenate([n(1, 1, *shape) * np.float32(0.4), np.round(n(1, 1, *shape) * 400)], 1)
    keys = lambda *shape: np.round(n(1, 2, *shape) * 4) / 4
    whole = lambda largest, *shape: rng.integers(-largest, largest + 1, shape).astype(np.float16)  # products are exact, and far apart
    # Of the second tile of keys the first head sees nothing, and it has no numbers there. The second and third see one key of it in each of the two blocks of rows. The
    # last one sees nothing of it either, but has a row in each block from which everything is hidden by a number, and which weighs all keys alike.
    def partly_seen(mask, value):
        mask[..., 64:] = np.array([-np.inf, -np.inf, -np.inf, -3e38], np.float32).reshape(4, 1, 1)
        mask[0, 3, [7, 68]] = np.float32(-3e38)
        mask[0, [1, 1, 2, 2], [0, 69, 63, 66], [64, 91, 88, 109]] = 100000
        value[0, 0, 64:] = np.nan
        return {"v": value, "m": mask}

    codes = lambda *shape: rng.integers(0, 256, shape).astype(np.uint8)
    lstm = {"W": n(1, 4 * 20, 12), "R": n(1, 4 * 20, 20), "B": n(1, 8 * 20)}
    return {
        "elementwise": graph([("Mul", ["x", "s"], {}), ("Gelu", ["t0"], {}), ("Add", ["t1", "z"], {})], {"x": n(13, 70), "z": n(13, 1)}, {"s": n(70)}),
        "elementwise_f16": graph([("Sigmoid", ["x"], {}), ("Mul", ["t0", "x"], {})], {"x": h(5, 131)}),
        "integers": graph([("Div", ["x", "z"], {}), ("Max", ["t0", "z"], {}), ("Where", ["c", "t1", "x"], {})],
                          {"x": far(rng.integers(-99, 99, (9, 37))), "z": far(rng.integers(1, 9, (9, 37))), "c": rng.random((9, 37)) > 0.5}),
        "softmax": graph([("Softmax", ["x"], {"axis": -1})], {"x": n(17, 301) * spread(17, 1)}),
        "softmax_columns": graph([("Softmax", ["x"], {"axis": 1})], {"x": n(3, 19, 45) * spread(3, 1, 45)}),
        "layer_norm": graph([("Add", ["x", "z"], {}), ("LayerNormalization", ["t0", "s", "b"], {})], {"x": n(7, 250), "z": n(7, 250)}, {"s": n(250), "b": n(250)}),
        "reduce_rows": graph([("ReduceMean", ["x", "a1"], {"keepdims": 0})], {"x": n(33, 517)}, {"a1": np.array([1])}),
        "reduce_columns": graph([("ReduceMax", ["x", "a0"], {})], {"x": n(217, 35)}, {"a0": np.array([0])}),
        "matmul": graph([("Gemm", ["x", "w", "b"], {}), ("Relu", ["t0"], {})], {"x": n(70, 45)}, {"w": n(45, 101), "b": n(101)}),
        "matmul_large": graph([("MatMul", ["x", "w"], {})], {"x": n(150, 67)}, {"w": n(67, 140)}),
        "matmul_aligned": graph([("MatMul", ["x", "w"], {})], {"x": n(128, 64)}, {"w": n(64, 128)}),
        "matmul_deep": graph([("MatMul", ["x", "w"], {}), ("Relu", ["t0"], {})], {"x": n(33, 1030)}, {"w": n(1030, 37)}),  # K is cut
        "matmul_batched": graph([("MatMul", ["x", "z"], {})], {"x": n(3, 33, 20), "z": n(3, 20, 41)}),
        "matmul_vector": graph([("MatMul", ["x", "w"], {})], {"x": n(1, 300)}, {"w": n(300, 270)}),
        "matmul_f16": graph([("MatMul", ["x", "w"], {})], {"x": h(70, 72)}, {"w": endless(h(72, 88), (8, 3), (71, 5), (63, 86))}),
        "matmul_i8": graph([("MatMulInteger", ["x", "w", "zx", "zw"], {})], {"x": codes(33, 67)},
                           {"w": codes(67, 50), "zx": np.array(120, np.uint8), "zw": np.array(131, np.uint8)}),
        "convolution": graph([("Conv", ["x", "w", "b"], {"pads": [1] * 4, "strides": [2, 2]}), ("Relu", ["t0"], {})], {"x": n(2, 9, 21, 17)},
                             {"w": n(19, 9, 3, 3), "b": n(19)}),
        "pointwise": graph([("Conv", ["x", "w"], {})], {"x": n(1, 24, 11, 13)}, {"w": n(35, 24, 1, 1)}),
        "depthwise": graph([("Conv", ["x", "w", "b"], {"group": 21, "pads": [1] * 4})], {"x": n(1, 21, 13, 10)}, {"w": n(21, 1, 3, 3), "b": n(21)}),
        "transposed": graph([("ConvTranspose", ["x", "w"], {"strides": [2, 2]})], {"x": n(1, 6, 7, 5)}, {"w": n(6, 5, 3, 3)}),
        "pooling": graph([("MaxPool", ["x"], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1] * 4})], {"x": n(1, 40, 19, 15)}),
        "attention": graph([("MatMul", ["q", "k"], {}), ("Mul", ["t0", "s"], {}), ("Softmax", ["t1"], {"axis": -1}), ("MatMul", ["t2", "v"], {})],
                           {"q": queries(35, 32), "k": keys(32, 126), "v": endless(n(1, 2, 126, 32), (0, 0, 125, 0))}, {"s": np.float32(0.17).reshape(())}),
        "attention_hidden": graph([("MatMul", ["q", "k"], {}), ("Add", ["t0", "m"], {}), ("Softmax", ["t1"], {"axis": -1}), ("MatMul", ["t2", "v"], {})],
                                  {"q": np.tile(queries(70, 20), (1, 2, 1, 1)), "k": np.tile(keys(20, 110), (1, 2, 1, 1)), **partly_seen(n(1, 4, 70, 110), n(1, 4, 110, 36))}),
        "attention_row": graph([("MatMul", ["q", "k"], {}), ("Softmax", ["t0"], {"axis": -1}), ("MatMul", ["t1", "v"], {})],
                               {"q": queries(1, 32), "k": keys(32, 300), "v": n(1, 2, 300, 32)}),
        "attention_f16": graph([("Transpose", ["k"], {"perm": [0, 1, 3, 2]}), ("MatMul", ["q", "t0"], {}), ("Softmax", ["t1"], {"axis": -1}), ("MatMul", ["t2", "v"], {})],
                               {"q": np.concatenate([h(1, 1, 75, 32), whole(8, 1, 1, 75, 32)], 1), "k": np.concatenate([h(1, 1, 141, 32), whole(2, 1, 1, 141, 32)], 1),
                                "v": 1 + np.abs(h(1, 2, 141, 40))}),
        "transpose": graph([("Transpose", ["x"], {"perm": [0, 2, 1]}), ("Neg", ["t0"], {})], {"x": n(3, 35, 41)}),
        "gather": graph([("Gather", ["x", "i"], {"axis": 0})], {"x": n(37, 19), "i": indices}),
        "scatter": graph([("ScatterElements", ["x", "i", "u"], {"axis": 0, "reduction": "add"})],
                         {"x": n(37, 7), "i": indices, "u": n(30, 7)}),
        "cumulative": graph([("CumSum", ["x", "one"], {})], {"x": n(140, 11)}, {"one": np.array(1)}),
        "top_k": graph([("TopK", ["x", "k"], {"axis": -1}, ["y", "i"])], {"x": few(150, 23)}, {"k": np.array([7])}, ("y", "i")),
        "top_k_long": graph([("TopK", ["x", "k"], {"axis": -1}, ["y", "i"])], {"x": np.round(n(2, 4500) * 40)}, {"k": np.array([70])}, ("y", "i")),
        "cumulative_long": graph([("CumSum", ["x", "one"], {"exclusive": 1, "reverse": 1})], {"x": np.append(few(71999), np.float32(100))[None]}, {"one": np.array(1)}),
        "unique": graph([("Unique", ["x"], {}, ["y", "i", "j", "c"])], {"x": rng.permutation(np.concatenate([np.arange(235), np.arange(165)])).astype(np.float32) - 90}, outputs=("y", "i", "j", "c")),
        "arg_max": graph([("ArgMax", ["x"], {"axis": 1})], {"x": np.round(n(17, 133) * 9)}),
        "concat": graph([("Concat", ["x", "z"], {"axis": 1}), ("Pad", ["t0", "p"], {})], {"x": n(150, 9), "z": n(150, 14)}, {"p": np.array([1, 2, 0, 3])}),
        "resize": graph([("Resize", ["x", "", "s"], {"mode": "linear"})], {"x": n(1, 3, 9, 11)}, {"s": np.array([1, 1, 1.5, 2], np.float32)}),
        # Faults: the run fails, and says which index it was.
        "gather_fault": graph([("Gather", ["x", "i"], {"axis": 0})], {"x": n(37, 3), "i": wrong[:3]}),
        "scatter_fault": graph([("ScatterElements", ["x", "i", "u"], {"axis": 0})], {"x": n(37, 7), "i": wrong[3:], "u": n(2, 7)}),
        # ONNX does not say what becomes of NaN: nncc's CPU target is the reference.
        "top_k_nan": graph([("TopK", ["x", "k"], {"axis": -1}, ["y", "i"])], {"x": with_nan(few(150, 23))}, {"k": np.array([7])}, ("y", "i")),
        "arg_max_nan": graph([("ArgMax", ["x"], {"axis": 1})], {"x": with_nan(np.round(n(17, 133) * 9))}),
        "lstm": graph([("LSTM", ["x", "W", "R", "B"], {"hidden_size": 20}, ["y"])], {"x": n(6, 3, 12)}, lstm),
    }


# What --tf32 changes.
SINGLE_PRODUCTS = {"matmul", "matmul_large", "matmul_aligned", "matmul_deep", "matmul_batched", "convolution", "pointwise", "transposed", "pointwise_24", "pointwise_512",
                   "matmul_1024", "convolution_64"}


def assembled(rng):
    """{name: (model, inputs)}: of sizes that are too large for the emulator, for what assemblers make of them. A mask of each row where registers are few; few parts of K,
    which they would do at once, and parts of K that are joined."""
    n = lambda *shape: normal(rng, *shape)
    h = lambda *shape: normal(rng, *shape, dtype=np.float16)
    pointwise = lambda channels, outputs, size: graph([("Conv", ["x", "w", "b"], {}), ("Relu", ["t0"], {})], {"x": n(1, channels, size, size)},
                                                      {"w": n(outputs, channels, 1, 1), "b": n(outputs)})
    return {
        "attention_rows_f16": graph([("MatMul", ["q", "k"], {}), ("Add", ["t0", "m"], {}), ("Softmax", ["t1"], {"axis": -1}), ("MatMul", ["t2", "v"], {})],
                                    {"q": h(1, 2, 512, 64), "k": h(1, 2, 64, 512), "v": h(1, 2, 512, 64), "m": h(1, 1, 512, 512)}),
        "matmul_1024": graph([("Gemm", ["x", "w", "b"], {"transB": 1})], {"x": n(1024, 1024)}, {"w": n(1024, 1024), "b": n(1024)}),
        "convolution_64": graph([("Conv", ["x", "w"], {"pads": [1] * 4})], {"x": n(1, 64, 56, 56)}, {"w": n(64, 64, 3, 3)}),
        "pointwise_24": pointwise(24, 144, 56),
        "pointwise_512": pointwise(512, 128, 28),
        "depthwise_144": graph([("Conv", ["x", "w", "b"], {"group": 144, "pads": [1] * 4}), ("Clip", ["t0", "low", "high"], {})], {"x": n(1, 144, 56, 56)},
                               {"w": n(144, 1, 3, 3), "b": n(144), "low": np.float32(0).reshape(()), "high": np.float32(6).reshape(())}),
    }


def reference(folder, tools):
    """What nncc's CPU target computes, -O0."""
    library, out = folder / "cpu.so", folder / "cpu"
    subprocess.run([tools / "nncc", folder / "model.onnx", "-O0", "--emit=so", "-o", library], check=True, cwd=folder, capture_output=True)
    names = [f"--input={k.stem}=@{k}" for k in sorted(folder.glob("*.npy"))]
    subprocess.run([tools / "nncc-run", library, *names, f"--output={out}"], check=True, cwd=folder, capture_output=True)
    return [numpy_helper.to_array(onnx.load_tensor(path)) for path in sorted(out.glob("**/output_*.pb"))]


def write(folder, name, model, inputs, tools):
    """FOLDER/model.onnx and FOLDER/test_data_set_0, as the onnx package lays them out."""
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    onnx.save(model, folder / "model.onnx")
    if name.endswith("_fault"):
        outputs = [np.zeros_like(inputs["x"])]  # never looked at
    elif name.endswith("_nan"):
        for key, array in inputs.items():
            np.save(folder / f"{key}.npy", array)
        outputs = reference(folder, tools)
    else:
        seen = {k: np.where(np.isnan(v), np.float32(0), v) for k, v in inputs.items()} if name.endswith("_hidden") else inputs
        outputs = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, seen)
    for kind, arrays in (("input", inputs.values()), ("output", outputs)):
        for k, array in enumerate(arrays):
            (data / f"{kind}_{k}.pb").write_bytes(numpy_helper.from_array(np.asarray(array)).SerializeToString())
