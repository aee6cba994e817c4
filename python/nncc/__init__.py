"""nncc for Python: compiles ONNX models to machine code and runs them, NumPy arrays in and out.

    import nncc
    model = nncc.compile("model.onnx")
    outputs = model.run({"image": image})     # {"probabilities": array}

A library that `nncc --emit=so` wrote is opened with nncc.load. nncc.backend implements onnx.backend.base.Backend.
"""

from nncc.compiler import CompileError, compile, compile_proto
from nncc.model import Model, RunError, Value, load, version

__all__ = ["CompileError", "Model", "RunError", "Value", "compile", "compile_proto", "load", "version"]
