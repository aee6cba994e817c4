"""Where whole models come from, and how exact their outputs have to be."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Model:
    name: str
    path: pathlib.Path
    rtol: float = 1e-3
    atol_rel: float = 1e-4  # of the output's largest magnitude
    step: float = 0.0  # of a quantised output: at most 1 % of the elements may be one step off
    ranked: str = ""  # an output of descending scores: rows of all outputs whose scores differ by rounding alone may change places

    @property
    def data_sets(self):
        return sorted(self.path.parent.glob("test_data_set_*"))


def shared_folder():
    """../shared beside the project, or $NNCC_SHARED; None where there is none."""
    folder = pathlib.Path(os.environ.get("NNCC_SHARED") or ROOT.parent / "shared")
    return folder if folder.is_dir() else None


def own():
    stated = json.loads((ROOT / "models/manifest.json").read_text())
    return [Model(f"models/{entry['name']}", ROOT / "models" / entry["name"] / "model.onnx", **entry["tolerance"]) for entry in stated]


def others():
    """Models that others wrote: shared/models. tolerances.json repeats what its README says of two of them."""
    folder = shared_folder()
    if not folder or not (folder / "models").is_dir():
        return []
    stated = json.loads(pathlib.Path(__file__).with_name("tolerances.json").read_text())
    found = []
    for path in sorted((folder / "models").glob("**/model.onnx")):
        name = str(path.parent.relative_to(folder / "models"))
        found.append(Model(f"shared/models/{name}", path, **stated.get(name, {})))
    return found


def bench(cache, names=()):
    """The architectures of shared/bench, filled with weights and given inputs and references by its own script, on first use."""
    folder = shared_folder()
    if not folder or not (folder / "bench").is_dir():
        return []
    found = []
    for packed in sorted((folder / "bench").glob("*.onnx")):
        if names and packed.stem not in names:
            continue
        path = cache / packed.stem / "model.onnx"
        if not (path.parent / "complete").exists():
            fill(folder / "bench/fill_weights.py", packed, path)
        ranked = any(word in packed.stem for word in ("ssdlite", "retinanet"))  # near-ties, says the README
        found.append(Model(f"shared/bench/{packed.stem}", path, atol_rel=1e-3 if ranked else 1e-4, ranked="scores" if ranked else ""))
    return found


def fill(script, packed, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, str(script), str(packed), str(path)], check=True)
    subprocess.run([sys.executable, str(script), "--inputs", str(path), str(path.parent)], check=True)
    (path.parent / "complete").write_text("")


def shape_options(model):
    """--shape= for each input whose sizes are not fixed, as in the first data set."""
    import onnx

    proto = onnx.load(model.path, load_external_data=False)
    constants = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in constants]
    options = []
    for number, value in enumerate(inputs if model.data_sets else []):
        data, dims = model.data_sets[0] / f"input_{number}.pb", value.type.tensor_type.shape.dim
        if not data.exists() or all(dim.HasField("dim_value") for dim in dims):
            continue
        sizes = onnx.TensorProto.FromString(data.read_bytes()).dims
        if any("+" in dim.dim_param for dim in dims):  # a shape gives no value to the symbols of an expression
            options += [f"--dim={dim.dim_param}={size}" for dim, size in zip(dims, sizes) if dim.dim_param.isidentifier()]
        else:
            options.append(f"--shape={value.name}:{'x'.join(map(str, sizes))}")
    return sorted(set(options))
