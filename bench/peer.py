"""One peer with one model, in a process of its own: reads `SECONDS` lines, runs that long, answers the milliseconds of each run.

  peer.py NAME MODEL DATA_SET THREADS        NAME: onnxruntime, openvino; on GPUs onnxruntime-cuda, onnxruntime-tensorrt, tensorrt, torch
The first line it prints is {"load_ms": ...} or {"error": ...}.
"""

import json
import pathlib
import sys
import time


def read_inputs(model_path, data_set):
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(model_path, load_external_data=False).graph
    initial = {tensor.name for tensor in graph.initializer}
    names = [info.name for info in graph.input if info.name not in initial]
    return {name: numpy_helper.to_array(onnx.load_tensor(str(pathlib.Path(data_set) / f"input_{i}.pb"))) for i, name in enumerate(names)}


def load_onnxruntime(model_path, inputs, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model_path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, inputs)


def load_openvino(model_path, inputs, threads):
    import openvino

    core = openvino.Core()
    model = core.read_model(model_path)
    # As its own benchmark tool does for latency; f32 because it may choose bf16 by itself where the CPU has it.
    compiled = core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads,
                                                 "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    tensors = [openvino.Tensor(inputs[port.get_any_name()]) for port in compiled.inputs]
    return lambda: request.infer(tensors)


def load_on_gpu(provider):
    """ONNX Runtime that has to run on the GPU: a silent fall back to the CPU would be a wrong figure."""
    def load(model_path, inputs, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        session = onnxruntime.InferenceSession(model_path, options, providers=[provider, "CPUExecutionProvider"])
        if session.get_providers()[0] != provider:
            raise RuntimeError(f"{provider} is not in this onnxruntime, or finds no GPU")
        return lambda: session.run(None, inputs)

    return load


def load_tensorrt(model_path, inputs, threads):
    import numpy
    import tensorrt
    import torch  # for memory on the device

    logger = tensorrt.Logger(tensorrt.Logger.ERROR)
    builder = tensorrt.Builder(logger)
    network, config = builder.create_network(0), builder.create_builder_config()
    config.clear_flag(tensorrt.BuilderFlag.TF32)  # as exact as the others
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse_from_file(model_path):
        raise RuntimeError(str(parser.get_error(0)))
    engine = tensorrt.Runtime(logger).deserialize_cuda_engine(builder.build_serialized_network(network, config))
    context, stream = engine.create_execution_context(), torch.cuda.Stream()
    host = {name: torch.from_numpy(numpy.ascontiguousarray(array)).pin_memory() for name, array in inputs.items()}
    held = {name: tensor.cuda() for name, tensor in host.items()}
    names = [engine.get_tensor_name(k) for k in range(engine.num_io_tensors)]
    for name in (n for n in names if n in held):
        context.set_input_shape(name, tuple(held[name].shape))
    outputs = [n for n in names if engine.get_tensor_mode(n) == tensorrt.TensorIOMode.OUTPUT]
    for name in outputs:
        kind = torch.from_numpy(numpy.empty(0, tensorrt.nptype(engine.get_tensor_dtype(name)))).dtype
        held[name] = torch.empty(tuple(context.get_tensor_shape(name)), dtype=kind, device="cuda")
    for name in names:
        context.set_tensor_address(name, held[name].data_ptr())

    def run():
        with torch.cuda.stream(stream):
            for name, tensor in host.items():
                held[name].copy_(tensor, non_blocking=True)
            context.execute_async_v3(stream.cuda_stream)
            results = [held[name].to("cpu", non_blocking=True) for name in outputs]
        stream.synchronize()
        return results

    return run


def load_torch(model_path, inputs, threads):
    import onnx2torch
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    model = torch.compile(onnx2torch.convert(model_path).cuda().eval(), mode="max-autotune")
    tensors = [torch.from_numpy(array).pin_memory() for array in inputs.values()]

    def run():
        with torch.no_grad():
            results = model(*[tensor.cuda(non_blocking=True) for tensor in tensors])
        return [r.cpu() for r in (results if isinstance(results, (tuple, list)) else [results])]

    return run


LOADERS = {"onnxruntime": load_onnxruntime, "openvino": load_openvino, "onnxruntime-cuda": load_on_gpu("CUDAExecutionProvider"),
           "onnxruntime-tensorrt": load_on_gpu("TensorrtExecutionProvider"), "tensorrt": load_tensorrt, "torch": load_torch}


def main():
    peer, model_path, data_set, threads = sys.argv[1:]
    inputs = read_inputs(model_path, data_set)
    start = time.perf_counter()
    try:
        run = LOADERS[peer](model_path, inputs, int(threads))
        run()
    except Exception as error:  # a peer that cannot run a model is a result
        print(json.dumps({"error": str(error).splitlines()[0][:200]}), flush=True)
        return
    print(json.dumps({"load_ms": (time.perf_counter() - start) * 1e3}), flush=True)
    for line in sys.stdin:
        end, times = time.perf_counter() + float(line), []
        while not times or time.perf_counter() < end:
            begun = time.perf_counter()
            run()
            times.append((time.perf_counter() - begun) * 1e3)
        print(json.dumps(times), flush=True)


main()
