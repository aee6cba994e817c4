"""What executes a case: nncc and nncc-run, each case in processes of its own; or ONNX Runtime, to try the harness itself."""

import dataclasses
import json
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "harness"))
import cards  # noqa: E402
import judges  # noqa: E402
import processes  # noqa: E402

@dataclasses.dataclass
class Result:
    status: str
    detail: str = ""
    compile_seconds: float = 0.0
    run_seconds: float = 0.0


class Nncc:
    """Compiles a case to a shared object and runs that; a worker thread may use it together with others."""

    def __init__(self, options):
        self.options = options
        self.tools = pathlib.Path(options.build) / "bin"
        for tool in ("nncc", "nncc-run"):
            if not (self.tools / tool).exists():
                raise SystemExit(f"{self.tools / tool} is not there: build it, or name another tree with --build=")

    def run(self, case):
        work = pathlib.Path(tempfile.mkdtemp(dir=self.options.scratch))
        try:
            result = self.run_in(work, case)
            result.detail = result.detail.replace(case.folder + "/", "")
            return result
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def run_in(self, work, case):
        o = self.options
        library, outputs = work / "model.so", work / "outputs"
        start = time.monotonic()
        status, detail = processes.run([self.tools / "nncc", case.folder + "/model.onnx", "-o", library, "--emit=so", f"-O{o.opt}",
                                        f"-mcpu={o.mcpu}", "-j", "1", *cards.compile_flags(o), *o.nncc_flags], o.timeout)
        compiled = time.monotonic()
        if status != "pass":
            return Result(status, detail, compiled - start)
        command = [self.tools / "nncc-run", library, f"--test-data={case.folder}/test_data_set_0"]
        command += cards.run_flags(o)
        own = o.judge == "numpy" or case.judge == "random"
        if own:
            command.append(f"--output={outputs}")
        command += [f"--rtol={o.rtol}", f"--atol={o.atol}"] + (["--atol-rel=1e-5"] if case.judge == "transform" else [])
        status, detail = processes.run(command, o.timeout)
        if status == "pass":
            detail = ""
            if own:
                detail = judges.judge(case, outputs / "test_data_set_0", o.rtol, o.atol) or ""
                status = "wrong" if detail else "pass"
        return Result(status, detail, compiled - start, time.monotonic() - compiled)


class OnnxRuntime:
    """One server process, started again when a case takes it down."""

    def __init__(self, options):
        self.options = options
        self.server = None

    def run(self, case):
        outputs = tempfile.mkdtemp(dir=self.options.scratch)
        start = time.monotonic()
        try:
            status, detail = self.ask(case, outputs)
            if status == "pass":
                detail = judges.judge(case, outputs, self.options.rtol, self.options.atol) or ""
                status = "wrong" if detail else "pass"
            return Result(status, detail, 0.0, time.monotonic() - start)
        finally:
            shutil.rmtree(outputs, ignore_errors=True)

    def ask(self, case, outputs):
        if self.server is None or self.server.poll() is not None:
            self.server = subprocess.Popen([sys.executable, str(HERE / "onnxruntime_server.py")], text=True,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.server.stdin.write(json.dumps([case.folder, outputs]) + "\n")
        self.server.stdin.flush()
        ready, _, _ = select.select([self.server.stdout], [], [], self.options.timeout)
        if not ready:
            self.server.kill()
            return "timeout", f"still running after {self.options.timeout} s"
        answer = self.server.stdout.readline()
        if not answer:
            return "crash", f"the server ended with {self.server.wait()}"
        return json.loads(answer)


RUNNERS = {"nncc": Nncc, "onnxruntime": OnnxRuntime}
