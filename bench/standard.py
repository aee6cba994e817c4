"""The models of the static table: one kernel each, in the sizes that the kernels of others in ../shared/gpu/anchors.tsv are made for."""

import pathlib
import re
import sys

import numpy as np
import onnx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "test/GPU"))
import families

# Which rows of others compute the same, by their names.
PEERS = {"gemm_f32": "gemm_f32|mm_shlo|matmul_f32", "gemm_tf32": "matmul_tf32", "gemm_f16": "gemm_f16|mm_d0|matmul(tma)?_f16", "gemm_i8": "",
         "convolution_f32": "", "convolution_tf32": "", "attention_f32": "fa_f32", "attention_f16": "fa_f16_d64", "softmax_f32": "softmax_(f32|d0)", "layer_norm_f32": "layernorm_f32", "gemv_f32": ""}

# Options of nncc, and the first card that they are for.
OPTIONS = {"gemm_tf32": (["--tf32"], 80), "convolution_tf32": (["--tf32"], 80)}


def standard():
    """{name: model}"""
    zeros = lambda *shape, kind=np.float32: np.zeros(shape, kind)
    half = np.float16
    attention = lambda kind: families.graph(
        [("Transpose", ["k"], {"perm": [0, 1, 3, 2]}), ("MatMul", ["q", "t0"], {}), ("Mul", ["t1", "s"], {}), ("Softmax", ["t2"], {"axis": -1}), ("MatMul", ["t3", "v"], {})],
        {"q": zeros(1, 12, 512, 64, kind=kind), "k": zeros(1, 12, 512, 64, kind=kind), "v": zeros(1, 12, 512, 64, kind=kind)}, {"s": np.array(0.125, kind)})
    models = {
        "gemm_f32": families.graph([("MatMul", ["x", "w"], {})], {"x": zeros(2048, 256)}, {"w": zeros(256, 2048)}),
        "gemm_f16": families.graph([("MatMul", ["x", "w"], {})], {"x": zeros(2048, 256, kind=half)}, {"w": zeros(256, 2048, kind=half)}),
        "gemm_i8": families.graph([("MatMulInteger", ["x", "w"], {})], {"x": zeros(2048, 256, kind=np.uint8)}, {"w": zeros(256, 2048, kind=np.uint8)}),
        "convolution_f32": families.graph([("Conv", ["x", "w"], {"pads": [1] * 4})], {"x": zeros(1, 64, 56, 56)}, {"w": zeros(64, 64, 3, 3)}),
        "softmax_f32": families.graph([("Softmax", ["x"], {"axis": -1})], {"x": zeros(4096, 1024)}),
        "layer_norm_f32": families.graph([("LayerNormalization", ["x", "s", "b"], {})], {"x": zeros(4096, 1024)}, {"s": zeros(1024), "b": zeros(1024)}),
        "attention_f32": attention(np.float32),
        "attention_f16": attention(half),
        "gemv_f32": families.graph([("MatMul", ["x", "w"], {})], {"x": zeros(1, 4096)}, {"w": zeros(4096, 4096)}),
    }
    models["gemm_tf32"], models["convolution_tf32"] = models["gemm_f32"], models["convolution_f32"]
    return {name: model for name, (model, _) in models.items()}


def write(folder, only=""):
    """-> the paths of the models, or of those that `only` names where it names some."""
    paths, models = [], standard()
    for name, model in ({k: v for k, v in models.items() if re.search(only, k)} or models).items():
        paths.append(folder / f"{name}.onnx")
        onnx.save(model, paths[-1])
    return paths
