"""One peer with one model, in a process of its own: reads `SECONDS` lines, runs that long, answers the milliseconds of each run.

  peer.py onnxruntime|openvino MODEL DATA_SET THREADS
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


def main():
    peer, model_path, data_set, threads = sys.argv[1:]
    inputs = read_inputs(model_path, data_set)
    start = time.perf_counter()
    try:
        run = {"onnxruntime": load_onnxruntime, "openvino": load_openvino}[peer](model_path, inputs, int(threads))
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
