# SPDX-License-Identifier: MIT
"""Plays of Ansible that use the collection regd.registry as it lies in data/ansible, against a test's
own regd.

    with Registry() as registry:
        results = Play(registry).run({"value": {"key": KEY, "name": "Port", "data": 1}}, check=True)
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from harness.case import Failure, Skip, equal
from harness.process import BUILD, PATIENCE, SOURCE

COLLECTION = SOURCE / "data" / "ansible"
PYTHON = "/usr/bin/python3"


def needs_ansible():
    """Raises Skip if Debian's ansible-core is not there."""
    if not shutil.which("ansible-playbook"):
        raise Skip("takes ansible-playbook (package ansible-core)")


def prepare(folder):
    """The environment in which Ansible finds the collection and keeps all that it writes in that folder."""
    needs_ansible()
    place = Path(folder) / "collections" / "ansible_collections" / "regd"
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "registry").exists():
        (place / "registry").symlink_to(COLLECTION)
    return {"ANSIBLE_COLLECTIONS_PATH": str(Path(folder) / "collections"), "ANSIBLE_HOME": str(Path(folder) / "home"),
            "ANSIBLE_LOCAL_TEMP": str(Path(folder) / "local"), "ANSIBLE_REMOTE_TEMP": str(Path(folder) / "remote"),
            "ANSIBLE_CALLBACK_PLUGINS": str(SOURCE / "tests" / "harness" / "callbacks"), "ANSIBLE_STDOUT_CALLBACK": "lines",
            "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "ANSIBLE_DEPRECATION_WARNINGS": "0", "PYTHONPATH": str(SOURCE / "data" / "python"),
            "PATH": f"{BUILD / 'mailauth' / 'mailauthctl'}:{BUILD / 'client' / 'regctl'}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}


class Play:
    """Plays for one registry."""

    def __init__(self, registry):
        self.folder = registry.directory
        self.environment = os.environ | prepare(self.folder) | {"REGD_BUS": registry.bus.address}
        self.printed = ""

    def run(self, *tasks, check=False, diff=False, name="the play", failing=False):
        """The results of tasks {module: arguments}, with further words of a task beside (name, environment ...). With
        failing, the last one has to fail, else none may."""
        listed = [{(word if word != module_of(task) else f"regd.registry.{word}"): task[word] for word in task} for task in tasks]
        play = {"name": name, "hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": listed,
                "vars": {"ansible_python_interpreter": PYTHON}}
        return self.run_text(json.dumps([play]), ["--check"] * check + ["--diff"] * diff, failing)

    def run_text(self, text, words=(), failing=False):
        """The same of a playbook's text."""
        path = self.folder / "play.yml"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run(["ansible-playbook", "-i", "localhost,", *words, str(path)], env=self.environment, cwd=self.folder,
                              capture_output=True, text=True, timeout=PATIENCE * 3, stdin=subprocess.DEVNULL, check=False)
        self.printed = done.stdout + done.stderr
        if (done.returncode != 0) != failing:
            raise Failure(f"ansible-playbook ended with status {done.returncode}: {self.printed}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


MODULES = ("acl", "facts", "import", "key", "mail_user", "value")


def module_of(task):
    """The word of a task that is a module of the collection."""
    return next((word for word in task if word in MODULES), None)


# ---- tasks ----

KEY = r"HKLM\SOFTWARE\Acme"
PATH = r"HKEY_LOCAL_MACHINE\SOFTWARE\Acme"
USERS = r"HKLM\SAM\Domains\Account\Users"


def value(name, data=None, **more):
    return {"value": {"key": KEY, "name": name, "data": data} | more}


def absent(name, **more):
    return {"value": {"key": KEY, "name": name, "state": "absent"} | more}


def run_each_way(play, registry, *tasks, diff=True):
    """Check mode, which writes nothing and says what the run does then; and a second run, which does nothing."""
    before = registry.client.revision
    tried = play.run(*tasks, check=True, diff=diff)
    equal(registry.client.revision, before, "check mode writes nothing")
    done = play.run(*tasks, diff=diff)
    if len(tasks) == 1:
        equal([shown(each) for each in tried], [shown(each) for each in done], "check mode tells what the run does")
    after = registry.client.revision
    again = play.run(*tasks, diff=diff)
    equal(([each["changed"] for each in again], registry.client.revision), ([False] * len(tasks), after), "a second run")
    return done


def shown(result):
    return {name: told for name, told in result.items() if name not in ("revision", "invocation")}
