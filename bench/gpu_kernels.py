#!/usr/bin/env python3
"""Single kernels on this machine's GPU beside PyTorch's (cuBLAS, cuDNN, FlashAttention): are they right, and how fast?

  bench/gpu_kernels.py [REGEX] [--build=build/release] [--json=FILE] [--networks]
Needs PyTorch with CUDA, and onnx. Each case is an ONNX model of one operator; its reference is PyTorch's in f64. nncc's time is the sum of its kernels' times by
events, one launch at a time, so that 2 to 3 us of each launch count; PyTorch's is that of a replayed CUDA graph of five runs. PyTorch may not use tf32.
--networks times whole networks of torchvision and transformers instead, as CUDA graphs, for bench/gpu.py's times to be held against.
"""

import argparse
import dataclasses
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import typing

import numpy as np
import onnx
import torch
import torch.nn.functional as functional
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
TYPES = {"f32": (TensorProto.FLOAT, torch.float32), "f16": (TensorProto.FLOAT16, torch.float16), "bf16": (TensorProto.BFLOAT16, torch.bfloat16)}
TOLERANCE = {"f32": 1e-4, "f16": 4e-3, "bf16": 3e-2}
generator = torch.Generator().manual_seed(1)


@dataclasses.dataclass
class Case:
    name: str
    kind: str
    inputs: dict
    node: onnx.NodeProto
    function: typing.Callable
    operations: float = 0
    bytes: float = 0
    flags: tuple = ()
    weights: tuple = ()  # inputs that are constants of the model


def data(shape, kind, scale=1.0):
    return (torch.randn(shape, generator=generator) * scale).to(TYPES[kind][1])


def proto(tensor, name):
    tensor = tensor.contiguous()
    if tensor.dtype == torch.bfloat16:
        return helper.make_tensor(name, TensorProto.BFLOAT16, list(tensor.shape), tensor.view(torch.int16).numpy().view(np.uint16).tobytes(), raw=True)
    return numpy_helper.from_array(tensor.numpy(), name)


def matmul(kind, rows, columns, depth, batch=(), flags=()):
    a, b = data((*batch, rows, depth), kind), data((*batch, depth, columns), kind, depth**-0.5)
    count, moved = int(np.prod(batch)), a.element_size() * (a.numel() + b.numel() + a.numel() // depth * columns)
    name = f"matmul_{kind}_{'x'.join(map(str, (*batch, rows, columns, depth)))}{''.join(flags)}"
    return Case(name, kind, {"a": a, "b": b}, helper.make_node("MatMul", ["a", "b"], ["y"]), lambda a, b: a @ b, 2.0 * rows * columns * depth * count, moved, flags)


def conv(kind, batch, channels, size, outputs, taps, stride=1, groups=1):
    x, w = data((batch, channels, size, size), kind), data((outputs, channels // groups, taps, taps), kind, (channels // groups * taps * taps) ** -0.5)
    pad = taps // 2
    node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[taps] * 2, pads=[pad] * 4, strides=[stride] * 2, group=groups)
    pixels = batch * ((size + 2 * pad - taps) // stride + 1) ** 2
    return Case(f"conv_{kind}_{batch}x{channels}x{size}x{size}_{outputs}x{taps}x{taps}_stride{stride}_groups{groups}", kind, {"x": x, "w": w}, node,
                lambda x, w: functional.conv2d(x, w, stride=stride, padding=pad, groups=groups), 2.0 * pixels * outputs * w[0].numel(),
                x.element_size() * (x.numel() + w.numel() + pixels * outputs), weights=("w",))


def softmax(kind, rows, columns):
    x = data((rows, columns), kind)
    return Case(f"softmax_{kind}_{rows}x{columns}", kind, {"x": x}, helper.make_node("Softmax", ["x"], ["y"]), lambda x: torch.softmax(x, -1), 0, 2 * x.nbytes)


def layer_norm(kind, rows, columns):
    x, w, b = data((rows, columns), kind), data((columns,), kind), data((columns,), kind)
    return Case(f"layernorm_{kind}_{rows}x{columns}", kind, {"x": x, "w": w, "b": b}, helper.make_node("LayerNormalization", ["x", "w", "b"], ["y"]),
                lambda x, w, b: functional.layer_norm(x, (columns,), w, b), 0, 2 * x.nbytes)


def attention(kind, batch, heads, length, depth, causal=False):
    q, k, v = (data((batch, heads, length, depth), kind) for _ in range(3))
    return Case(f"attention_{kind}_{batch}x{heads}x{length}x{depth}{'_causal' if causal else ''}", kind, {"q": q, "k": k, "v": v},
                helper.make_node("Attention", ["q", "k", "v"], ["y"], is_causal=int(causal)),
                lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, is_causal=causal), 4.0 * batch * heads * length**2 * depth / (1 + causal), 4 * q.nbytes)


def each(kind, operator, function, count):
    x = data((count,), kind)
    return Case(f"{operator.lower()}_{kind}_{count}", kind, {"x": x}, helper.make_node(operator, ["x"], ["y"]), function, 0, 2 * x.nbytes)


def transpose(kind, shape, order):
    x = data(shape, kind)
    return Case(f"transpose_{kind}_{'x'.join(map(str, shape))}_{''.join(map(str, order))}", kind, {"x": x}, helper.make_node("Transpose", ["x"], ["y"], perm=order),
                lambda x: x.permute(order).contiguous(), 0, 2 * x.nbytes)


def reduce_sum(kind, shape, axis):
    x = data(shape, kind)
    return Case(f"reducesum_{kind}_{'x'.join(map(str, shape))}_axis{axis}", kind, {"x": x, "axes": torch.tensor([axis])},
                helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=0), lambda x, axes: x.sum(axis), 0, x.nbytes, weights=("axes",))


CASES = [
    *(lambda s=s: matmul("f32", *s) for s in ((4096, 4096, 4096), (1024, 1024, 1024), (512, 3072, 768), (128, 768, 3072), (1, 4096, 4096), (128, 64, 128, (96,)))),
    *(lambda s=s: matmul("f16", *s) for s in ((4096, 4096, 4096), (1024, 1024, 1024), (512, 3072, 768), (16, 4096, 4096), (1, 8192, 8192))),
    lambda: matmul("bf16", 4096, 4096, 4096),
    lambda: matmul("f32", 4096, 4096, 4096, flags=("--tf32",)),
    *(lambda s=s: conv("f32", *s) for s in ((8, 64, 56, 64, 3), (8, 256, 14, 256, 3), (8, 256, 56, 64, 1), (8, 3, 224, 64, 7, 2), (8, 144, 56, 144, 3, 1, 144), (1, 512, 7, 512, 3))),
    *(lambda s=s: conv("f16", *s) for s in ((8, 64, 56, 64, 3), (32, 256, 14, 256, 3))),
    *(lambda k=k, c=c, f=f: f(k, 8192, c) for f in (softmax, layer_norm) for k, c in (("f32", 1024), ("f16", 4096))),
    lambda: layer_norm("f32", 512, 768),
    *(lambda s=s: attention(*s) for s in (("f16", 8, 16, 1024, 64), ("f16", 4, 16, 2048, 128, True), ("f32", 8, 12, 128, 64), ("f32", 2, 16, 1024, 64))),
    lambda: each("f32", "Gelu", functional.gelu, 1 << 26),
    lambda: each("f16", "Exp", torch.exp, 1 << 26),
    lambda: transpose("f32", (8192, 8192), (1, 0)),
    lambda: transpose("f32", (8, 128, 12, 64), (0, 2, 1, 3)),
    *(lambda a=a: reduce_sum("f32", (8192, 8192), a) for a in (0, 1)),
]


def write(case, folder):
    """model.onnx and a data set, whose reference PyTorch computes in f64."""
    code, torch_type = TYPES[case.kind]
    given = {name: tensor for name, tensor in case.inputs.items() if name not in case.weights}
    exact = case.function(**{name: (t.double() if t.is_floating_point() else t).cuda() for name, t in case.inputs.items()})
    graph = helper.make_graph([case.node], "kernel", [helper.make_tensor_value_info(name, code, list(t.shape)) for name, t in given.items()],
                              [helper.make_tensor_value_info("y", code, list(exact.shape))], [proto(case.inputs[name], name) for name in case.weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10), folder / "model.onnx")
    (folder / "data").mkdir()
    for number, (name, tensor) in enumerate(given.items()):
        (folder / f"data/input_{number}.pb").write_bytes(proto(tensor, name).SerializeToString())
    (folder / "data/output_0.pb").write_bytes(proto(exact.to(torch_type).cpu(), "y").SerializeToString())


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError((done.stderr + done.stdout).strip().splitlines()[-1][:200])
    return done.stdout


def microseconds(case, tools):
    """Of nncc's kernels, whose results are right."""
    with tempfile.TemporaryDirectory(prefix="nncc-kernels-") as name:
        folder, device = pathlib.Path(name), ["--device=cuda", f"--test-data={name}/data"]
        write(case, folder)
        major, minor = torch.cuda.get_device_capability()
        run(tools / "nncc", folder / "model.onnx", "-o", folder / "model.so", "--emit=so", "-target=cuda", f"-gpu=sm_{major}{minor}", *case.flags)
        bound = 3e-3 if case.flags else TOLERANCE[case.kind]
        run(tools / "nncc-run", folder / "model.so", *device, f"--rtol={bound}", f"--atol-rel={bound}")
        return sum(kernel["us"] for kernel in json.loads(run(tools / "nncc-bench", folder / "model.so", *device, "--json", "--seconds=0.15"))["kernels"])


def graph_milliseconds(function, repeats):
    """Of one call, as a CUDA graph of `repeats`."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream), torch.no_grad():
        for _ in range(3):
            function()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph), torch.no_grad():
        for _ in range(repeats):
            function()
    times = []
    for _ in range(20):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end) / repeats)
    return statistics.median(times)


def peer_microseconds(case):
    inputs = {name: tensor.cuda() for name, tensor in case.inputs.items()}
    if case.node.op_type == "Conv":
        inputs = {name: tensor.contiguous(memory_format=torch.channels_last) for name, tensor in inputs.items()}
    return 1e3 * graph_milliseconds(lambda: case.function(**inputs), 5)


def kernels(options):
    rows, failed = [], 0
    for make in CASES:
        case = make()
        if not re.search(options.only, case.name):
            continue
        try:
            own, peer = microseconds(case, options.build / "bin"), peer_microseconds(case)
            rows.append({"case": case.name, "us": own, "torch_us": peer, "ratio": own / peer})
            print(f"{case.name:54} {own:9.1f} us, PyTorch {peer:9.1f} us, ratio {own / peer:5.2f}, {case.operations / own / 1e6:6.1f} TFLOP/s, {case.bytes / own / 1e3:6.0f} GB/s", flush=True)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            failed += 1
            print(f"{case.name:54} error: {error}", flush=True)
        torch.cuda.empty_cache()
    print(f"{len(rows)} passed, {failed} failed")
    return rows, failed


def networks(options):
    import torchvision
    import transformers

    def vision(name):
        model = getattr(torchvision.models, name)().cuda().eval().to(memory_format=torch.channels_last)
        image = torch.randn(1, 3, 224, 224, device="cuda").contiguous(memory_format=torch.channels_last)
        return lambda: model(image)

    def language(model):
        model, words = model.cuda().eval(), torch.randint(0, 1000, (1, 128), device="cuda")
        return lambda: model(words).last_hidden_state

    makers = {name: lambda name=name: vision(name) for name in ("resnet50", "mobilenet_v2", "vit_b_16", "convnext_tiny", "efficientnet_b0")}
    makers["bert_base"] = lambda: language(transformers.BertModel(transformers.BertConfig()))
    makers["gpt2"] = lambda: language(transformers.GPT2Model(transformers.GPT2Config(use_cache=False)))
    rows = []
    for name in (n for n in makers if re.search(options.only, n)):
        rows.append({"network": name, "torch_ms": graph_milliseconds(makers[name](), 1)})
        print(f"{name:20} {rows[-1]['torch_ms']:8.3f} ms", flush=True)
    return rows, 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="?", default="", help="a regular expression of names")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build/release")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--networks", action="store_true")
    options = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    print(torch.cuda.get_device_name(), "PyTorch", torch.__version__, flush=True)
    rows, failed = (networks if options.networks else kernels)(options)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
