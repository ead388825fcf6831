# SPDX-License-Identifier: MIT
"""What ansible-doc shows of the collection: it is what the modules take, and its examples work."""

import json
import os
import subprocess

from harness.ansible import KEY, MODULES, Play, USERS, prepare
from harness.bus import needs_root
from harness.case import check, contains, equal, main, rows, test
from harness.registry import REG_DWORD, REG_SZ, Registry
from harness.tour import blocks

FILE = f'REGEDIT4\n[{KEY}]\n"Port"=dword:1f90\n'

# ---- the documentation ----

def describe_module(registry, module):
    done = subprocess.run(["ansible-doc", "--json", f"regd.registry.{module}"], env=os.environ | prepare(registry.directory),
                          capture_output=True, text=True, check=False)
    equal((done.returncode, done.stderr), (0, ""))
    return json.loads(done.stdout)[f"regd.registry.{module}"]


PRINT_ARGUMENTS = """import importlib, json, sys
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
_AnsibleCollectionFinder(paths=[sys.argv[1]])._install()
module = importlib.import_module("ansible_collections.regd.registry.plugins.modules." + sys.argv[2])
print(json.dumps(module.ARGUMENTS))"""


def arguments_of(registry, module):
    environment = os.environ | prepare(registry.directory)
    done = subprocess.run(["/usr/bin/python3", "-c", PRINT_ARGUMENTS, environment["ANSIBLE_COLLECTIONS_PATH"], module],
                          env=environment, capture_output=True, text=True, check=False)
    equal((done.returncode, done.stderr), (0, ""))
    return json.loads(done.stdout)


FIELDS = {"type": "str", "required": False, "default": None, "choices": None, "elements": None, "aliases": []}


def comparable(table):
    return {name: {field: option.get(field, usual) for field, usual in FIELDS.items()} for name, option in table.items()}


@rows([(module, module) for module in MODULES])
def a_module_takes_what_its_documentation_says(module):
    with Registry() as registry:
        told = describe_module(registry, module)
        equal(comparable(told["doc"]["options"]), comparable(arguments_of(registry, module)))
        for option in told["doc"]["options"].values():
            check(option["description"], "each option is described")
        check(told["examples"].strip() and told["return"], "there are examples, and what is returned")
        text = subprocess.run(["ansible-doc", f"regd.registry.{module}"], env=os.environ | prepare(registry.directory),
                              capture_output=True, text=True, check=False)
        equal((text.returncode, text.stderr), (0, ""))
        contains(text.stdout, told["doc"]["short_description"].split()[-1])


@rows([(module, module) for module in MODULES])
def the_examples_of_a_module_work(module):
    needs_root()
    with Registry() as registry:
        play = Play(registry)
        examples = describe_module(registry, module)["examples"]
        registry.client.create(KEY + r"\Shop")
        registry.client.set(KEY, "Port", REG_DWORD, 8080)
        registry.client.set(KEY, "Version", REG_SZ, "1")
        registry.client.set(USERS + r"\bert", "Password", REG_SZ, "$6$x")
        (registry.directory / "files").mkdir()
        for name in ("acme.reg", "acme-2.reg"):
            (registry.directory / "files" / name).write_text(FILE, encoding="utf-8")
        text = ("- hosts: localhost\n  connection: local\n  gather_facts: false\n"
                "  vars: {ansible_python_interpreter: /usr/bin/python3, vault_anna: sesame}\n  tasks:\n"
                + "".join(f"    {line}\n" for line in examples.replace("group:shop", "group:games").strip().splitlines()))
        results = play.run_text(text)
        equal(len(results), examples.count("- name:"))


@test
def the_play_of_the_guide_works():
    needs_root()
    with Registry() as registry:
        play = Play(registry)
        (registry.directory / "files").mkdir()
        (registry.directory / "files" / "acme.reg").write_text(FILE, encoding="utf-8")
        text, = blocks("data/doc/operation.md", "yaml")
        settings = ["--connection=local", "--extra-vars=ansible_python_interpreter=/usr/bin/python3 vault_anna=sesame"]
        for words, expected in ((["--check"], True), ([], True), ([], False)):
            equal([each["changed"] for each in play.run_text(text, [*settings, *words])[-3:]], [expected] * 3)
        equal((registry.client.get(KEY, "Port"), registry.client.keys(USERS)), ((REG_DWORD, "u", 8080), ["anna"]))


main()
