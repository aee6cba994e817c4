"""nnccrt/nnccrt.h and nnccrt/abi.h as ctypes; test/Python/test_capi.py compares every size and offset with the C compiler's."""

import ctypes as c
import os
import pathlib

i32, u32, i64, u64, p, s = c.c_int32, c.c_uint32, c.c_int64, c.c_uint64, c.c_void_p, c.c_char_p


def struct(name, fields):
    """A ctypes structure from (field names, type) pairs."""
    return type(name, (c.Structure,), {"_fields_": [(field, kind) for names, kind in fields for field in names.split()]})


Status = struct("nnccrt_status", [("code reserved", i32), ("needed", u64), ("message", c.c_char * 496)])
Tensor = struct("nnccrt_tensor", [("size kind dtype rank", u32), ("dims strides", c.POINTER(i64)), ("data", p), ("capacity", u64),
                                  ("device_kind device_index", u32)])
ContextOptions = struct("nnccrt_context_options", [("size threads", u32), ("executor executor_user profiler profiler_user", p)])
Dim = struct("nnccrt_dim", [("size", i64), ("symbol reserved", i32), ("text", s)])
Value = struct("nnccrt_value", [("name identifier", s), ("kind dtype rank reserved", u32), ("dims", c.POINTER(Dim))])
Model = struct("nnccrt_model", [
    ("size abi_version", u32), ("name producer", s),
    ("num_inputs num_outputs num_symbols num_kernels num_levels num_slots num_carries num_metadata", u32),
    ("inputs outputs", c.POINTER(Value)), ("symbols", c.POINTER(s)), ("kernel_infos levels slots", p), ("arena_bytes scratch_bytes", i64),
    ("weights", p), ("weights_bytes", u64), ("weights_file", s), ("weights_hash", c.c_uint8 * 32), ("sizes run", p),
    ("metadata", c.POINTER(s)), ("cuda fallback", p)])

FUNCTIONS = {
    "nnccrt_version": (s, []),
    "nnccrt_dtype_name": (s, [u32]),
    "nnccrt_open": (i32, [s, s, p, c.POINTER(p), c.POINTER(Status)]),
    "nnccrt_unload": (None, [p]),
    "nnccrt_describe": (c.POINTER(Model), [p]),
    "nnccrt_cpu_level": (s, [p]),
    "nnccrt_create": (i32, [p, c.POINTER(ContextOptions), c.POINTER(p), c.POINTER(Status)]),
    "nnccrt_destroy": (None, [p]),
    "nnccrt_bind_input": (i32, [p, u32, c.POINTER(Tensor), c.POINTER(Status)]),
    "nnccrt_run": (i32, [p, c.POINTER(Status)]),
    "nnccrt_output": (i32, [p, u32, c.POINTER(Tensor), c.POINTER(Status)]),
}


def library_path():
    """The runtime beside this file (installed, or in the build tree), or in the tree that $NNCC_BUILD names."""
    here = pathlib.Path(__file__).resolve().parent
    build = pathlib.Path(os.environ.get("NNCC_BUILD") or here.parents[1] / "build/release")
    for path in (here / "libnnccrt.so", build / "python/nncc/libnnccrt.so"):
        if path.exists():
            return path
    raise ImportError(f"libnnccrt.so is not in {here} nor in {build}/python/nncc: build nncc, or name its build tree in NNCC_BUILD")


def open_library():
    library = c.CDLL(str(library_path()))
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


library = open_library()
