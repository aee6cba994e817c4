"""The node tests of the onnx package, written to disk in two forms.

FOLDER/<form>/<case>/model.onnx and test_data_set_0/{input,output}_I.pb, where the forms are
  asis     the model as the package has it
  weights  every input but the first turned into an initializer: as they are, no case has a weight, so that packing, folding and
           merging would never run. A case with fewer than two such inputs has no second form.
A case whose outputs are random has its outputs in expected/ instead: they are judged by their statistics (judges.py).
"""

import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import warnings

import onnx
from onnx import numpy_helper

FORMS = ("asis", "weights")


@dataclasses.dataclass
class Case:
    name: str
    form: str
    operators: list  # "Add", or "ai.onnx.ml:TreeEnsemble" outside the default domain
    judge: str  # "compare", "random", or "transform" (Fourier: tolerances relative to the output's largest magnitude)
    folder: str

    @property
    def id(self):
        return f"{self.name}@{self.form}"


def graphs_of(graph):
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                yield from graphs_of(inner)


def operators_of(model):
    nodes = [node for graph in graphs_of(model.graph) for node in graph.node]
    nodes += [node for function in model.functions for node in function.node]
    local = {(function.domain, function.name) for function in model.functions}
    names = {f"{n.domain}:{n.op_type}" if n.domain not in ("", "ai.onnx") else n.op_type for n in nodes
             if (n.domain, n.op_type) not in local}
    return sorted(names)


def judge_of(model, inputs):
    """By what the model computes: Dropout is random only where its training_mode input is true and its ratio is not 0."""
    for node in model.graph.node:
        if node.op_type in ("Bernoulli", "RandomUniformLike", "RandomNormalLike", "RandomUniform", "RandomNormal"):
            return "random"
        if node.op_type == "Dropout" and len(node.input) == 3:
            values = {i.name: v for i, v in zip(model.graph.input, inputs)}
            if values[node.input[2]].item() and values[node.input[1]].item() != 0:
                return "random"
        if node.op_type in ("DFT", "STFT"):
            return "transform"
    return "compare"


def to_proto(value, info):
    kind = info.type.WhichOneof("value")
    if isinstance(value, (onnx.TensorProto, onnx.SequenceProto, onnx.OptionalProto)):
        return value
    if kind == "sequence_type":
        return numpy_helper.from_list(value, info.name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name)
    return numpy_helper.from_array(value, info.name)


def write_data(folder, kind, values, infos):
    folder.mkdir(parents=True, exist_ok=True)
    for i, (value, info) in enumerate(zip(values, infos)):
        (folder / f"{kind}_{i}.pb").write_bytes(to_proto(value, info).SerializeToString())


def with_weights(model, inputs):
    """The second form and what is left of its inputs, or None. Sequences and optionals stay inputs: no initializer holds them."""
    kept = [i for i, info in enumerate(model.graph.input) if i == 0 or info.type.WhichOneof("value") != "tensor_type"]
    if len(kept) == len(inputs):
        return None
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    infos = list(model.graph.input)
    del changed.graph.input[:]
    changed.graph.input.extend(infos[i] for i in kept)
    for i, (value, info) in enumerate(zip(inputs, infos)):
        if i not in kept:
            tensor = to_proto(value, info)
            changed.graph.initializer.add().CopyFrom(tensor)
            changed.graph.initializer[-1].name = info.name
    return changed, [inputs[i] for i in kept]


def write_case(folder, case, form, model, inputs, outputs):
    where = folder / form / case.name
    judge = judge_of(case.model, case.data_sets[0][0])
    write_data(where / "test_data_set_0", "input", inputs, model.graph.input)
    write_data(where / ("expected" if judge == "random" else "test_data_set_0"), "output", outputs, model.graph.output)
    (where / "model.onnx").write_bytes(model.SerializeToString())
    return {"name": case.name, "form": form, "operators": operators_of(model), "judge": judge}


def write_all(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy: the cases provoke overflow and division by zero on purpose
        from onnx.backend.test.case.node import collect_testcases

        found = collect_testcases(None)
    index = []
    for case in found:
        inputs, outputs = case.data_sets[0]
        index.append(write_case(folder, case, "asis", case.model, inputs, outputs))
        second = with_weights(case.model, inputs)
        if second:
            index.append(write_case(folder, case, "weights", *second, outputs))
    (folder / "index.json").write_text(json.dumps(index, indent=0))


def load(deps):
    """All cases; the first call on a machine, or after a change of this file, writes them (15 s)."""
    key = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:12]
    folder = deps / f"conformance-{onnx.__version__}-{key}"
    deps.mkdir(parents=True, exist_ok=True)
    with open(deps / "conformance.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            for old in deps.glob(f"conformance-{onnx.__version__}-*"):
                shutil.rmtree(old)
            building = folder.with_suffix(".new")
            write_all(building)
            os.rename(building, folder)
    index = json.loads((folder / "index.json").read_text())
    return [Case(folder=str(folder / entry["form"] / entry["name"]), **entry) for entry in index]
