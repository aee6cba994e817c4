"""expectations.txt: which cases do not pass yet, with what status, and why.

A line is `CASE STATUS REASON`; CASE is a node test's name, with @asis or @weights where only that form is meant, or @cuda where only -target=cuda is. The file may only
shrink: a case in it that passes is an error, as is one that fails in another way than stated.
"""

import pathlib

FILE = pathlib.Path(__file__).with_name("expectations.txt")
HEADER = """# Conformance cases that do not pass, with their status and the reason. This file may only shrink.
# CASE[@asis|@weights|@cuda] STATUS REASON
"""


def load(path=FILE, target="cpu"):
    expected = {}
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
        if line.strip() and not line.startswith("#"):
            fields = line.split(maxsplit=2)
            if len(fields) < 3 or fields[0] in expected:
                raise SystemExit(f"{path}:{number}: needs CASE STATUS REASON, each case once: {line}")
            expected[fields[0]] = (fields[1], fields[2])
    of_cuda = {name.removesuffix("@cuda"): entry for name, entry in expected.items() if name.endswith("@cuda")}
    return {name: entry for name, entry in expected.items() if not name.endswith("@cuda")} | (of_cuda if target == "cuda" else {})


def lines_of_cuda(path=FILE):
    """What a run for CPUs says nothing of."""
    return "".join(line + "\n" for line in path.read_text().splitlines() if line.split(" ")[0].endswith("@cuda"))


def lookup(expected, case):
    return expected.get(case.id) or expected.get(case.name)


def verdict(expected, case, result):
    """None where the result is as expected, else one line that says how it is not."""
    entry = lookup(expected, case)
    if entry is None:
        return None if result.status == "pass" else f"{result.status}: {result.detail}"
    if result.status == "pass":
        return f"passes, but {FILE.name} expects '{entry[0]}': delete its line"
    return None if result.status == entry[0] else f"{result.status}, but {FILE.name} expects '{entry[0]}': {result.detail}"


def render(results, old):
    """The text of the file for these results; a reason that a person wrote stays as long as the status does."""
    failed = {case.id: (case, result) for case, result in results if result.status != "pass"}
    forms = {}
    for case, _ in results:
        forms.setdefault(case.name, []).append(case.form)
    lines, done = [], set()
    for case, result in failed.values():
        others = [failed.get(f"{case.name}@{form}") for form in forms[case.name]]
        alike = all(other and other[1].status == result.status for other in others)
        key = case.name if alike else case.id
        if key in done:
            continue
        done.add(key)
        before = lookup(old, case)
        reason = before[1] if before and before[0] == result.status else result.detail
        lines.append(f"{key} {result.status} {' '.join(reason.split())[:160] or '?'}\n")
    return HEADER + "".join(sorted(lines))
