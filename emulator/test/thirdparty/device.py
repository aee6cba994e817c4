"""A CUDA device through the driver API: the emulated libcuda.so.1, or a real one."""

import ctypes
import os
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]
MAJOR, MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*
MAX_DYNAMIC_SHARED = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
ERROR_LOG, ERROR_LOG_BYTES = 5, 6  # CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES


class CudaError(RuntimeError):
    pass


class Out:
    """An argument that the kernel writes; it begins as `array` says."""

    def __init__(self, array):
        self.array = np.ascontiguousarray(array)


def unwritten(shape, dtype):
    """An output that begins as nothing that a kernel would write."""
    array = np.empty(shape, dtype)
    array.view(np.uint8).fill(0xA5)
    return Out(array)


def emulator():
    """The emulated driver of a build tree."""
    named = os.environ.get("NNCC_EMULATOR")
    found = [pathlib.Path(named)] if named else sorted(ROOT.glob("build/*/**/libcuda.so.1"))
    if not found:
        raise FileNotFoundError("no libcuda.so.1 in build/: build the target nnccemu_cuda, or set NNCC_EMULATOR")
    return found[0]


class Device:
    def __init__(self, library, card=None):
        if card:
            os.environ["NNCC_EMU"] = card
        self.cuda = ctypes.CDLL(str(library))
        self.call("cuInit", ctypes.c_uint(0))
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.call("cuCtxSetCurrent", context)
        self.modules = {}

    def call(self, name, *arguments):
        status = getattr(self.cuda, name)(*arguments)
        if status:
            text = ctypes.c_char_p()
            self.cuda.cuGetErrorString(status, ctypes.byref(text))
            raise CudaError(f"{name}: {(text.value or b'?').decode()} ({status})")

    def attribute(self, number):
        """A CUdevice_attribute of the device."""
        value = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(value), number, 0)
        return value.value

    def name(self):
        text = ctypes.create_string_buffer(256)
        self.call("cuDeviceGetName", text, len(text), 0)
        return text.value.decode()

    def module(self, text):
        if text not in self.modules:
            module, log = ctypes.c_void_p(), ctypes.create_string_buffer(4096)
            options = (ctypes.c_int * 2)(ERROR_LOG, ERROR_LOG_BYTES)
            values = (ctypes.c_void_p * 2)(ctypes.cast(log, ctypes.c_void_p), len(log))
            try:
                self.call("cuModuleLoadDataEx", ctypes.byref(module), text.encode(), 2, options, values)
            except CudaError as error:
                raise CudaError(f"{error}: {log.value.decode()}") from None
            self.modules[text] = module
        return self.modules[text]

    def upload(self, array):
        address = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(max(array.nbytes, 1)))
        self.call("cuMemcpyHtoD_v2", address, ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes))
        return address

    def run(self, text, entry, grid, block, arguments, shared=0):
        """Arrays go to the device and Outs come back; NumPy's scalars are passed by value. -> the Outs' contents."""
        function = ctypes.c_void_p()
        self.call("cuModuleGetFunction", ctypes.byref(function), self.module(text), entry.encode())
        if shared > 48 * 1024:
            self.call("cuFuncSetAttribute", function, MAX_DYNAMIC_SHARED, ctypes.c_int(shared))
        values, buffers, outs = [], [], []
        for argument in arguments:
            if isinstance(argument, (Out, np.ndarray)):
                array = argument.array if isinstance(argument, Out) else np.ascontiguousarray(argument)
                buffers.append(self.upload(array))
                values.append(buffers[-1])
                if isinstance(argument, Out):
                    outs.append((buffers[-1], array))
            else:
                values.append(ctypes.create_string_buffer(argument.tobytes(), argument.nbytes))
        pointers = (ctypes.c_void_p * max(len(values), 1))(*[ctypes.addressof(v) for v in values])
        try:
            three = [ctypes.c_uint(n) for size in (grid, block) for n in (tuple(size) + (1, 1))[:3]]
            self.call("cuLaunchKernel", function, *three, ctypes.c_uint(shared), None, pointers, None)
            self.call("cuCtxSynchronize")
            results = []
            for address, array in outs:
                result = np.empty_like(array)
                self.call("cuMemcpyDtoH_v2", ctypes.c_void_p(result.ctypes.data), address, ctypes.c_size_t(result.nbytes))
                results.append(result)
            return results
        finally:
            for address in buffers:
                self.cuda.cuMemFree_v2(address)
