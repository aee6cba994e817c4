"""Compiled models: loading, describing, running."""

import ctypes as c
import dataclasses
import os
import threading

import numpy as np

from nncc import capi, dtypes

TENSOR = 0


class RunError(Exception):
    """What the runtime refused; `code` is one of nnccrt.h's (2: an input does not fit, 5: bad data in it, ...)."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


@dataclasses.dataclass(frozen=True)
class Value:
    """An input or output: dims are numbers, or texts as the model names them ("batch")."""

    name: str
    dtype: object  # NumPy's, or None for text
    dims: tuple
    number: int  # of the dtype, as ONNX counts them


def check(code, status):
    if code:
        raise RunError(code, status.message.decode(errors="replace"))


def version():
    return capi.library.nnccrt_version().decode()


def describe(value):
    dims = tuple(value.dims[i].size if value.dims[i].size >= 0 else value.dims[i].text.decode(errors="replace") for i in range(value.rank))
    return Value(value.name.decode(errors="replace"), dtypes.to_numpy(value.dtype), dims, value.dtype)


class Model:
    """A compiled model. Threads may share it: each runs in a context of its own."""

    def __init__(self, path, threads=0, keep=None):
        """`keep` is anything that has to live as long as the model, such as the temporary folder of its library."""
        status, program = capi.Status(), c.c_void_p()
        self._program, self._keep, self._threads, self._local = None, keep, threads, threading.local()
        self._contexts, self._lock = [], threading.Lock()
        check(capi.library.nnccrt_open(os.fsencode(path), None, None, c.byref(program), c.byref(status)), status)
        self._program = program
        model = capi.library.nnccrt_describe(program).contents
        self.name = model.name.decode(errors="replace")
        self.producer = model.producer.decode(errors="replace")
        self.cpu_level = capi.library.nnccrt_cpu_level(program).decode()
        self.inputs = [describe(model.inputs[i]) for i in range(model.num_inputs)]
        self.outputs = [describe(model.outputs[i]) for i in range(model.num_outputs)]
        pairs = [model.metadata[i].decode(errors="replace") for i in range(2 * model.num_metadata)]
        self.metadata = dict(zip(pairs[::2], pairs[1::2]))

    def __del__(self):
        for context in getattr(self, "_contexts", []):
            capi.library.nnccrt_destroy(context)
        if getattr(self, "_program", None):
            capi.library.nnccrt_unload(self._program)

    def __repr__(self):
        def show(values):
            return ", ".join(f"{v.name}: {v.dtype or 'text'}{list(v.dims)}" for v in values)

        return f"<nncc.Model {self.name}: ({show(self.inputs)}) -> ({show(self.outputs)})>"

    def _context(self):
        context = getattr(self._local, "context", None)
        if context is None:
            status, context = capi.Status(), c.c_void_p()
            options = capi.ContextOptions(size=c.sizeof(capi.ContextOptions), threads=self._threads)
            check(capi.library.nnccrt_create(self._program, c.byref(options), c.byref(context), c.byref(status)), status)
            self._local.context = context
            with self._lock:
                self._contexts.append(context)
        return context

    def run(self, inputs):
        """{output: array} for {input: array}, or for a sequence in the order of the inputs. Dtypes are never converted."""
        if not isinstance(inputs, dict):
            inputs = dict(zip([value.name for value in self.inputs], inputs, strict=True))
        unknown = [name for name in inputs if name not in [value.name for value in self.inputs]]
        missing = [value.name for value in self.inputs if value.name not in inputs]
        if unknown or missing:
            known = ", ".join(value.name for value in self.inputs)
            problem = f"there is no input {unknown[0]!r}" if unknown else f"input {missing[0]!r} is missing"
            raise RunError(1, f"{problem}; the inputs are {known}")
        context, status, alive = self._context(), capi.Status(), []
        for i, value in enumerate(self.inputs):
            tensor = self._tensor(value, np.asarray(inputs[value.name]), alive)
            check(capi.library.nnccrt_bind_input(context, i, c.byref(tensor), c.byref(status)), status)
        try:
            check(capi.library.nnccrt_run(context, c.byref(status)), status)
            return {value.name: self._output(context, i, value) for i, value in enumerate(self.outputs)}
        finally:  # the arrays may be gone before the next run
            for i in range(len(self.inputs)):
                capi.library.nnccrt_bind_input(context, i, None, None)

    @staticmethod
    def _tensor(value, array, alive):
        """A view of the array; `alive` gets what has to live as long as the view."""
        if value.dtype is None or array.dtype != value.dtype:
            raise RunError(2, f"input {value.name!r}: expected {value.dtype or 'text, which is not supported'}, got {array.dtype}")
        dims = (c.c_int64 * array.ndim)(*array.shape)
        data = np.ascontiguousarray(array)
        if value.number in dtypes.PACKED:
            data = dtypes.pack(data, dtypes.PACKED[value.number])
        if not data.flags.aligned:
            data = data.copy()
        alive += [dims, data]
        return capi.Tensor(size=c.sizeof(capi.Tensor), kind=TENSOR, dtype=value.number, rank=array.ndim, dims=dims,
                           data=data.ctypes.data if array.size else None)

    @staticmethod
    def _output(context, index, value):
        status, tensor = capi.Status(), capi.Tensor(size=c.sizeof(capi.Tensor))
        check(capi.library.nnccrt_output(context, index, c.byref(tensor), c.byref(status)), status)
        shape = [tensor.dims[i] for i in range(tensor.rank)]
        dtype, count = dtypes.to_numpy(tensor.dtype), int(np.prod(shape, dtype=np.int64))
        if dtype is None:
            raise RunError(7, f"output {value.name!r}: NumPy has no type for {capi.library.nnccrt_dtype_name(tensor.dtype).decode()}")
        bits = dtypes.PACKED.get(tensor.dtype, 8 * dtype.itemsize)
        data = c.string_at(tensor.data, (count * bits + 7) // 8) if count else b""
        if tensor.dtype in dtypes.PACKED:
            return dtypes.unpack(np.frombuffer(data, np.uint8), count, bits, dtype).reshape(shape)
        return np.frombuffer(bytearray(data), dtype).reshape(shape)


def load(path, threads=0):
    """A shared library that `nncc --emit=so` wrote. `threads`: at most so many; 0: all cores that the process may use."""
    return Model(path, threads)
