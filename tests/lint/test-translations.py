# SPDX-License-Identifier: MIT
"""The page in Cockpit has all that it says in each of its languages, and what browsers get is made of
that."""

import subprocess
import tempfile
from pathlib import Path
from shutil import copytree

from harness.case import check, contains, equal, main, test
from harness.process import SOURCE

PAGE = SOURCE / "data" / "cockpit"
TEXT = 'import { _, count, format } from "./base/text.js";\n_("A text"); format("$0 of $1", 1, 2); count("one", "$0 many", 3);\n'


def make(page, *words):
    done = subprocess.run([page / "po" / "make-translations", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@test
def every_text_is_translated():
    equal(make(PAGE, "--check"), (0, ""))
    check((PAGE / "po" / "de.po").read_text(encoding="utf-8").count("msgid ") > 100, "there are texts")


@test
def what_is_missing_is_found():
    with tempfile.TemporaryDirectory(prefix="regd-page-") as folder:
        page = Path(folder) / "cockpit"
        copytree(PAGE, page)
        (page / "new.js").write_text(TEXT)
        told = make(page, "--check")
        equal(told[0], 1)
        for text in ("A text", "$0 of $1", "one"):
            contains(told[1], f"de.po: '{text}' is not there")
        equal(make(page)[0], 0)
        contains(make(page, "--check")[1], "de.po: 'A text' has no translation")
        po = page / "po" / "de.po"
        po.write_text(po.read_text().replace('"A text"\nmsgstr ""', '"A text"\nmsgstr "Ein Text"')
                      .replace('"$0 of $1"\nmsgstr ""', '"$0 of $1"\nmsgstr "$1"')
                      .replace('"$0 many"\nmsgstr[0] ""\nmsgstr[1] ""', '"$0 many"\nmsgstr[0] "eins"\nmsgstr[1] "$0"'))
        told = make(page, "--check")[1]
        contains(told, "'$0 of $1' has other places for words")
        check("A text" not in told and "'one'" not in told, told)
        po.write_text(po.read_text().replace('"$0 of $1"\nmsgstr "$1"', '"$0 of $1"\nmsgstr "$0 von $1"'))
        contains(make(page, "--check")[1], "po.de.js is out of date")
        make(page)
        equal(make(page, "--check"), (0, ""))
        contains((page / "po.de.js").read_text(), '"one": ["$0 many", "eins", "$0"]')
        (page / "new.js").write_text('_(`A text`);\n')
        contains(make(page, "--check")[1], "new.js: _() takes one text in double quotes")


main()
