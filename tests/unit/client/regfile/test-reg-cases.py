# SPDX-License-Identifier: MIT
"""The cases of reg-cases.json, which were checked with Wine: the files of each
are imported into an empty registry, one after the other (regfile-model.c)."""

import json
import os
import shlex
import subprocess
import sys
import tempfile

from harness.case import check, equal, main, rows

# What runs programs that were built for another machine, if this one can't.
MODEL = [*shlex.split(os.environ.get("REGD_WRAPPER", "")), sys.argv.pop(1)]
CASES = json.load(open(os.path.join(os.path.dirname(__file__), "reg-cases.json"), encoding="utf-8"))
SEEN = ["HKEY_CURRENT_USER\\Software\\RegdConf", "HKEY_CLASSES_ROOT\\RegdConf31"]


def encode(text, encoding):
    if encoding == "utf-16le-bom":
        return b"\xff\xfe" + text.encode("utf-16-le")
    return text.encode(encoding)


def parse_model(output):
    codes, keys, values = [], {}, {}
    for line in output.splitlines():
        word, *fields = line.split(" ")
        if word == "exit":
            codes.append(int(fields[0]))
        elif word == "key":
            values = keys[bytes.fromhex(fields[0]).decode()] = {}
        else:
            values[bytes.fromhex(fields[0]).decode()] = (int(fields[1]), fields[2])
    return codes, keys


def is_seen(key):
    return any(key == root or key.startswith(root + "\\") for root in SEEN)


def folded(table):
    return {name.upper(): value for name, value in table.items()}


def check_expectation(expected, keys):
    key = folded(keys).get(expected["key"].upper())
    if "value" not in expected:
        equal(key is not None, expected["exists"], expected["key"])
        return
    values = folded(key or {})
    what = f"{expected['key']}|{expected['value']}"
    found = values.get(expected["value"].upper())
    if expected.get("absent"):
        equal(found, None, what)
    else:
        equal(found, (expected["type"], expected["data_hex"]), what)


@rows([(case["id"], case) for case in CASES])
def case(case):
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, step in enumerate(case["steps"]):
            files.append(os.path.join(folder, f"{number}.reg"))
            with open(files[-1], "wb") as file:
                file.write(encode(step["import"], step["encoding"]))
        run = subprocess.run([*MODEL, *files], capture_output=True, text=True, timeout=60)
    check(run.returncode == 0, run.stderr)
    codes, keys = parse_model(run.stdout)
    equal(codes, [step["exit"] for step in case["steps"]], "exit codes")
    for expected in case["expect"]:
        check_expectation(expected, keys)
    state = {key["key"]: {value["name"]: (value["type"], value["data_hex"]) for value in key["values"]}
             for key in case["final_state"]}
    equal({key: values for key, values in keys.items() if is_seen(key)}, state, "final state")


main()
