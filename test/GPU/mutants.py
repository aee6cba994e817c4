#!/usr/bin/env python3
"""Mutants of the kernels that nncc makes: each has one instruction changed, and the emulator has to notice, by a trap or by a wrong result.

  mutants.py [--seed=1] [--each=20] [--gpu=t4,a100] [--only=REGEX] [--report=FILE]
A mutant is the compiled model with other PTX in place of its own. It is killed where nncc-run --emulate does not end with the right results (of
families whose name ends in _fault: with the right error).
What survives is listed; it is either the same program (mutate.same_program, proofs.py or survivors.txt says why) or a gap in our tests. Closes with `N passed, N failed`.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import entries
import families
import mutate
import numpy as np
import proofs

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT = 60


class Subject:
    """A compiled model whose PTX can be exchanged."""

    def __init__(self, name, card, folder, bin_folder):
        self.name, self.card, self.folder, self.run_tool = name, card, folder, bin_folder / "nncc-run"
        self.faults = name in ("gather", "scatter") or name.endswith("_fault")
        self.bounds = ["--rtol=4e-3"] if name.endswith("_f16") else []  # an intermediate result may be rounded to f16 or not
        library = folder / f"{card}.so"
        command = [bin_folder / "nncc", folder / "model.onnx", "-target=cuda", f"-gpu={card}", "--emit=so", "-o", library]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        if done.returncode:
            raise RuntimeError(f"{name} for {card}: {(done.stderr.strip().splitlines() or ['nncc failed'])[0]}")
        self.object = library.read_bytes()
        begin = re.search(rb"(//[^\n]*\n)*\s*\.version \d", self.object)
        if not begin:
            raise RuntimeError(f"{name} for {card}: no PTX in the object; is every kernel on the host?")
        end = self.object.index(b"\0", begin.start())
        self.place = begin.start(), end
        self.text = self.object[begin.start() : end].decode()
        self.fault, self.launches = "", {}
        if name.endswith("_fault"):
            self.fault = self.verdict(self.text)[1]
            if "out of range" not in self.fault and "index" not in self.fault:
                raise RuntimeError(f"{name} for {card}: an index out of range is not told: {self.fault}")

    def with_text(self, text):
        """The object with another text, no longer than ours: comments and blanks make room."""
        begin, end = self.place
        room = end - begin
        data = text.encode()
        if len(data) > room:
            data = re.sub(rb"[ \t]*//[^\n]*|(?<=\n)[ \t]+", b"", data)
        return self.object[:begin] + data + b" " * (room - len(data)) + self.object[end:] if len(data) <= room else None

    def read_launches(self, counters):
        """How the emulator saw each entry launched."""
        kernels = json.loads(counters.read_text())["kernels"]
        self.launches = {name: (kernel["blocks"], kernel["threads"]) for name, kernel in kernels.items()}

    def verdict(self, text, counters=None):
        """-> (survived, what nncc-run said)."""
        data = self.with_text(text)
        if data is None:
            return False, "does not fit"
        with tempfile.NamedTemporaryFile(suffix=".so", dir=self.folder) as file:
            file.write(data)
            file.flush()
            command = [self.run_tool, file.name, f"--emulate={self.card}", f"--test-data={self.folder}"] + self.bounds
            environment = {**os.environ, "NNCC_EMU_COUNTERS": str(counters)} if counters else None
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, errors="replace", env=environment)
            except subprocess.TimeoutExpired:
                return False, f"did not end in {TIMEOUT} s"
        said = (done.stderr or done.stdout).strip().replace(file.name, "model.so").splitlines()
        last = said[-1] if said else f"status {done.returncode}"
        return last == self.fault if self.fault else done.returncode == 0, last


def why_it_lives(subject, mutant, label, known):
    """Why a mutant that survives computes the same, or None."""
    lines = subject.text.split("\n")
    if why := mutate.same_program(mutant, lines) or proofs.why_same(mutant, lines, subject.launches):
        return why
    if why := next((why for pattern, why in known if pattern.search(label)), None):
        return why
    stop = mutate.Mutant("stop", mutant.line, "", "\ttrap;")
    if subject.faults and subject.verdict(stop.apply(lines))[0]:
        return "no thread comes here but with a fault"
    return None


def explanations(path):
    """[(regular expression, why)] of survivors.txt: `REGEX  # why`, on a label: "FAMILY CARD KIND: BEFORE -> AFTER in ENTRY, of EXPRESSIONS"."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [(re.compile(line.split("  # ")[0]), line.split("  # ")[1]) for line in lines if "  # " in line]


def subjects(arguments, folder):
    """Compiled families, and lines on those that are not."""
    made, problems = [], []
    for name, (model, inputs) in families.families(np.random.default_rng(arguments.seed)).items():
        if not re.search(arguments.only, name):
            continue
        place = folder / name
        families.write(place, name, model, inputs, arguments.bin)
        for card in arguments.gpu.split(","):
            try:
                subject = Subject(name, card, place, arguments.bin)
                counters = place / f"{card}.json"
                good, said = subject.verdict(subject.text, counters)
                if not good:
                    raise RuntimeError(f"{name} for {card} is wrong without any change: {said}")
                subject.read_launches(counters)
                made.append(subject)
            except RuntimeError as error:
                problems.append(str(error))
    return made, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=20, help="mutants of a family and card; 0: only that every family is right as it is")
    parser.add_argument("--gpu", default="a100", help="cards, by commas")
    parser.add_argument("--only", default="")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin", help="where nncc and nncc-run are")
    parser.add_argument("--report", type=pathlib.Path, help="every mutant and what became of it")
    parser.add_argument("-j", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    arguments.bin = arguments.bin.resolve()
    known, lines, killed, explained, unexplained = explanations(pathlib.Path(__file__).with_name("survivors.txt")), [], 0, 0, 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        made, problems = subjects(arguments, pathlib.Path(folder))
        for problem in problems:
            print(f"fail: {problem}", flush=True)
        work = []
        for subject in made:
            texts = subject.text.split("\n")
            for mutant in mutate.sample(subject.text, arguments.each, random.Random(f"{arguments.seed} {subject.name} {subject.card}")):
                work.append((subject, mutant, pool.submit(subject.verdict, mutant.apply(texts))))
        for subject, mutant, job in work:
            survived, said = job.result()
            label = f"{subject.name} {subject.card} {mutant.kind}: {' '.join(mutant.before.split())} -> {' '.join(mutant.after.split())} {entries.place_of(mutant, subject.text.split(chr(10)))}"
            why = why_it_lives(subject, mutant, label, known) if survived else None
            killed, explained, unexplained = killed + (not survived), explained + bool(why), unexplained + (survived and not why)
            lines.append(f"{'survived' if survived else 'killed'}: line {mutant.line} of {label}: {why or said}")
            if survived and not why:
                print(lines[-1], flush=True)
    if arguments.report:
        arguments.report.write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} mutants of {len(made)} compiled models: {killed} killed, {explained} survive as the same program, {unexplained} unexplained")
    print(f"{len(made) + killed + explained} passed, {unexplained + len(problems)} failed")
    return 1 if unexplained or problems else 0


if __name__ == "__main__":
    sys.exit(main())
