"""That the harness can fail: what is wrong is called wrong, and a crash or a hang is one case's result."""

import argparse
import pathlib
import stat

import cases
import expectations
import numpy as np
import pytest
import runners
from runners import judges

X = np.array([1.0, np.nan, np.inf, -2.0], np.float32)


@pytest.mark.parametrize("other", [X.astype(np.float64), X.reshape(2, 2), np.where(X == 1, np.float32(1.002), X), np.nan_to_num(X),
                                   -X, None, [X]])
def test_compare_sees_a_difference(other):
    assert judges.compare(other, X, 1e-3, 1e-5)


def test_compare_accepts_what_is_within_bounds():
    assert judges.compare(X * np.float32(1.0005), X, 1e-3, 1e-5) is None
    assert judges.compare([X, X], [X, X], 1e-3, 1e-5) is None
    assert judges.compare(np.array([1e3, 0.005]), np.array([1e3, 0]), 0, 0, atol_rel=1e-5) is None


def test_integers_and_texts_are_exact():
    assert judges.compare(np.array([1000001]), np.array([1000000]), 1e-3, 1e-5)
    assert judges.compare(np.array(["a"], object), np.array(["b"], object), 1e-3, 1e-5)


def fake_case(tmp_path, name="test_fake", form="asis"):
    return cases.Case(name, form, ["Add"], "compare", str(tmp_path))


def fake_tools(tmp_path, compile_line, run_line):
    """A build tree whose nncc and nncc-run are one line of shell each."""
    (tmp_path / "bin").mkdir()
    for tool, line in (("nncc", compile_line), ("nncc-run", run_line)):
        path = tmp_path / "bin" / tool
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return runners.Nncc(argparse.Namespace(build=str(tmp_path), scratch=str(tmp_path), opt="3", mcpu="native", target="cpu", nncc_flags=[], timeout=2,
                                           judge="tool", rtol=1e-3, atol=1e-5))


@pytest.mark.parametrize("compile_line, run_line, status", [
    ("exit 0", "exit 0", "pass"), ("exit 0", "exit 1", "wrong"), ("exit 4", "exit 0", "invalid"), ("exit 5", "exit 0", "unsupported"),
    ("exit 70", "exit 0", "internal"), ("kill -SEGV $$", "exit 0", "crash"), ("exit 0", "kill -ABRT $$", "crash"),
    ("exit 99", "exit 0", "crash"), ("exit 0", "sleep 30 & sleep 30", "timeout")])
def test_every_end_of_a_process_has_a_status(tmp_path, compile_line, run_line, status):
    assert fake_tools(tmp_path, compile_line, run_line).run(fake_case(tmp_path)).status == status


def test_the_error_line_is_the_detail(tmp_path):
    result = fake_tools(tmp_path, "echo note; echo 'm.onnx:/a: error: no Foo [NN2001]'; echo help; exit 5", "").run(fake_case(tmp_path))
    assert result.detail == "m.onnx:/a: error: no Foo [NN2001]"


def test_expectations_hold_both_ways(tmp_path):
    case, passed, failed = fake_case(tmp_path), runners.Result("pass"), runners.Result("unsupported", "no Foo")
    assert expectations.verdict({}, case, passed) is None
    assert expectations.verdict({}, case, failed)
    listed = {"test_fake": ("unsupported", "reason")}
    assert expectations.verdict(listed, case, failed) is None
    assert expectations.verdict(listed, case, passed)
    assert expectations.verdict(listed, case, runners.Result("crash", "SIGSEGV"))
    assert expectations.verdict({"test_fake@weights": ("unsupported", "reason")}, case, failed)


def test_rendered_expectations_load_again(tmp_path):
    results = [(fake_case(tmp_path, form="asis"), runners.Result("unsupported", "no Foo")),
               (fake_case(tmp_path, form="weights"), runners.Result("pass"))]
    path = pathlib.Path(tmp_path, "expectations.txt")
    path.write_text(expectations.render(results, {"test_fake@asis": ("unsupported", "a person's reason")}))
    assert expectations.load(path) == {"test_fake@asis": ("unsupported", "a person's reason")}


def test_expectations_of_a_target(tmp_path):
    path = pathlib.Path(tmp_path, "expectations.txt")
    path.write_text("test_a wrong reason\ntest_b@cuda wrong another\n")
    assert expectations.load(path) == {"test_a": ("wrong", "reason")}
    assert expectations.load(path, "cuda") == {"test_a": ("wrong", "reason"), "test_b": ("wrong", "another")}
    assert expectations.lines_of_cuda(path) == "test_b@cuda wrong another\n"
