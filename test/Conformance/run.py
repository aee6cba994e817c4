#!/usr/bin/env python3
"""Compiles, links, loads, runs and judges the node tests of the onnx package, each in processes of its own.

  run.py [PATTERN ...]       names (shell patterns such as 'test_conv*'); none: all
         --op=NAME           only cases that contain this operator (may be repeated)
         --ops-of-issue      only cases made of operators of operators.txt alone
         --sample=N          every Nth of what is selected
         --target=cuda       for GPUs, on the emulator, which poses as --emulate=CARD (default t4), or on a GPU (--device)
Exit code 0: every result is as expectations.txt says.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import re
import sys
import tempfile
import time

import cases
import expectations
import runners

HERE = pathlib.Path(__file__).resolve().parent


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("patterns", nargs="*")
    add("--build", default=str(HERE.parents[1] / "build/release"), help="build tree whose bin/ is tested")
    add("--runner", choices=runners.RUNNERS, default="nncc")
    add("--judge", choices=["tool", "numpy"], default="tool", help="who compares: nncc-run, or numpy here")
    add("--form", choices=cases.FORMS, action="append", help="default: both")
    add("--op", action="append", default=[])
    add("--ops-of-issue", action="store_true")
    add("--sample", type=int, default=1)
    add("--status", help="print every case with this status")
    add("--reasons", action="store_true", help="group what does not pass by its reason, the most frequent first")
    add("-O", dest="opt", default="3")
    add("--mcpu", default="native")
    runners.cards.add_options(add)
    add("--nncc-flags", type=str.split, default=[], help="more flags for nncc, in one argument")
    add("--rtol", type=float, default=1e-3)
    add("--atol", type=float, default=1e-5)
    add("--timeout", type=float, default=60, help="seconds for each process")
    add("-j", "--jobs", type=int, default=os.cpu_count())
    add("--json", help="write every result to this file")
    add("--list", action="store_true", help="only print the names that are selected")
    add("--update-expectations", action="store_true", help="rewrite expectations.txt (needs a run of everything)")
    return parser.parse_args()


def select(options, everything):
    known = set((HERE / "operators.txt").read_text().split("\n")) if options.ops_of_issue else None
    chosen = []
    for case in everything:
        if options.form and case.form not in options.form:
            continue
        if options.patterns and not any(fnmatch.fnmatch(case.name, p) or case.id == p for p in options.patterns):
            continue
        if options.op and not set(options.op) & set(case.operators):
            continue
        if known is None or known.issuperset(case.operators):
            chosen.append(case)
    return chosen[:: options.sample]


def execute(options, chosen):
    """[(case, result)] in the order of `chosen`, with progress on a terminal."""
    runner = runners.RUNNERS[options.runner]
    local = [runner(options) for _ in range(options.jobs)]
    results, done, start = [None] * len(chosen), 0, time.monotonic()

    def work(worker):
        for i in range(worker, len(chosen), options.jobs):
            yield i, local[worker].run(chosen[i])

    def drain(worker):
        nonlocal done
        for i, result in work(worker):
            results[i] = result
            done += 1
            if sys.stderr.isatty():
                print(f"\r{done}/{len(chosen)} {time.monotonic() - start:.0f} s ", end="", file=sys.stderr, flush=True)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(drain, range(options.jobs)))
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return list(zip(chosen, results))


def stale(options, expected, everything):
    """Lines of expectations.txt about cases that no longer exist."""
    names = {case.name for case in everything} | {case.id for case in everything}
    return sorted(set(expected) - names)


def print_reasons(results):
    """Names, numbers and places in the model do not make another reason."""
    groups = collections.defaultdict(list)
    for case, result in results:
        if result.status != "pass":
            text = re.sub(r"^model\.onnx:\S*: |test_data_set_0 '[^']*' |\b\d+\b", "", result.detail)
            groups[result.status, text].append(case.id)
    for (status, text), ids in sorted(groups.items(), key=lambda item: -len(item[1])):
        print(f"{len(ids):5} {status:11} {text[:160]}  e.g. {ids[0]}")


def report(options, results, problems, seconds):
    counts = collections.Counter((case.form, result.status) for case, result in results)
    statuses = sorted({status for _, status in counts}, key=lambda s: (s != "pass", s))
    print(f"{'':10}" + "".join(f"{status:>13}" for status in statuses))
    for form in cases.FORMS:
        if any(case.form == form for case, _ in results):
            print(f"{form:10}" + "".join(f"{counts[form, status]:13}" for status in statuses))
    both = collections.defaultdict(list)
    for case, result in results:
        both[case.name].append(result.status)
    whole = sum(all(status == "pass" for status in found) for found in both.values())
    print(f"{whole} of {len(both)} node tests pass in every form; {seconds:.0f} s, "
          f"compiling {sum(r.compile_seconds for _, r in results):.0f} s, running {sum(r.run_seconds for _, r in results):.0f} s")
    for case, result in results:
        if options.status == result.status:
            print(f"{case.id}: {result.detail}")
    if options.reasons:
        print_reasons(results)
    for line in [] if options.reasons else problems:
        print(f"error: {line}")


def main():
    options = parse_arguments()
    deps = pathlib.Path(os.environ.get("NNCC_DEPS") or pathlib.Path.home() / ".cache/nncc")
    everything = cases.load(deps)
    chosen = select(options, everything)
    if options.list:
        print("\n".join(case.id for case in chosen))
        return 0
    if not chosen:
        raise SystemExit("no case is selected")
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nncc-conformance-") as options.scratch:
        results = execute(options, chosen)
    if options.json:
        rows = [{"case": c.name, "form": c.form, "operators": c.operators, **vars(r)} for c, r in results]
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=0))
    expected = expectations.load(target=options.target) if options.runner == "nncc" else {}
    if options.update_expectations:
        if len(chosen) != len(everything) or options.runner != "nncc" or options.target != "cpu":
            raise SystemExit("--update-expectations needs a run of everything, for CPUs")
        expectations.FILE.write_text(expectations.render(results, expected) + expectations.lines_of_cuda())
        expected = expectations.load()
    found = [(case, expectations.verdict(expected, case, result)) for case, result in results]
    problems = [f"{case.id}: {text}" for case, text in found if text]
    problems += [f"expectations.txt names {name}, which is no case" for name in stale(options, expected, everything)]
    report(options, results, problems, time.monotonic() - start)
    print(f"{len(results) - sum(1 for _, text in found if text)} passed, {len(problems)} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
