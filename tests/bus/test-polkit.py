# SPDX-License-Identifier: MIT
"""Calls that regd asks polkit about before it refuses them, with an authority that the test plays."""

import contextlib
import os
import subprocess
import tempfile

import dbus
import dbus.lowlevel

from harness.bus import ALICE, BOB, wait_for
from harness.case import check, contains, equal, main, test
from harness.process import PATIENCE, program
from harness.regctl import DENIED as DENIED_CODE, DONE, NOT_FOUND
from harness.registry import NAME, PATH, REG_SZ, SOFTWARE, Refused, operation_list, options, variant
from harness.stage import DENIED, KEY, Stage, finish, finish_refused

SECRET_KEY = "HKEY_LOCAL_MACHINE\\SECURITY"
PER_USER = 4


@test
def a_granted_call_is_done_and_history_names_the_person():
    with Stage() as stage:
        outcome = stage.ask_to_set()
        question = stage.authority.wait()
        equal(question.subject, ("system-bus-name", {"name": stage.alice.connection.get_unique_name()}))
        equal((str(question.action), dict(question.details), int(question.flags)), ("org.regd.registry.administer", {}, 1))
        check(str(question.id), "the question can't be cancelled")
        stage.authority.answer(question, True)
        revision = finish(outcome)
        equal(stage.root.get(KEY, "v"), (REG_SZ, "s", "new"))
        [entry] = stage.root.call("GetHistory", "sa{sv}", KEY, options(limit=1))
        equal((entry["revision"], entry["uid"]), (revision, ALICE))


@test
def a_grant_holds_for_one_call():
    with Stage() as stage:
        first = stage.ask_to_set(name="first")
        stage.authority.answer(stage.authority.wait(), True)
        finish(first)
        second = stage.ask_to_set(name="second")
        stage.authority.answer(stage.authority.wait(), False)
        finish_refused(second)
        stage.alice.refused(DENIED, "DeleteValue", "ss", KEY, "first")
        equal(stage.values(), ["first"])


EMPTY = dbus.Dictionary(signature="ss")
# What is no grant: the signature of an answer and its content.
NO_GRANTS = [
    ("(bba{ss})", (False, False, EMPTY)),
    ("(bba{ss})", (False, True, EMPTY)),
    ("", ()),
    ("b", True),
    ("bba{ss}", True),
    ("(bb)", (True, False)),
    ("(bba{sv})", (True, False, dbus.Dictionary(signature="sv"))),
    ("(uba{ss})", (1, True, EMPTY)),
    ("v", dbus.Struct((True, False, EMPTY), signature="bba{ss}", variant_level=1)),
    ("s", "yes"),
    ("(bba{ss})b", (True, False, EMPTY)),
]


@test
def whatever_is_no_grant_leaves_the_refusal_as_it_was():
    with Stage() as stage:
        stage.alice.refused(DENIED, "SetValue", "ssuv", KEY, "v", dbus.UInt32(REG_SZ), variant("new"))
        plainly = finish_refused(stage.alice.send("SetValue", "ssuv", KEY, "v", dbus.UInt32(REG_SZ), variant("new")))
        for signature, content in NO_GRANTS:
            outcome = stage.ask_to_set()
            several = {"bba{ss}": (True, False, EMPTY), "(bba{ss})b": (content, True)}.get(signature)
            parts = several or ((content,) if signature else ())
            stage.authority.answer_with(stage.authority.wait(), signature, *parts)
            refusal = finish_refused(outcome)
            equal((signature, refusal.text), (signature, plainly.text))
        for error in ("org.freedesktop.PolicyKit1.Error.Failed", "org.freedesktop.DBus.Error.NoReply",
                      "org.freedesktop.DBus.Error.AccessDenied"):
            outcome = stage.ask_to_set()
            stage.authority.fail(stage.authority.wait(), error)
            equal(finish_refused(outcome).text, plainly.text)
        equal((stage.values(), stage.authority.count()), ([], 0))


@test
def without_polkit_the_refusal_stands():
    with Stage() as stage:
        stage.authority.connection.close()
        refusal = finish_refused(stage.ask_to_set())
        contains(refusal.text, "you need the right")


@test
def an_authority_that_ends_while_it_is_asked_grants_nothing():
    with Stage() as stage:
        outcome = stage.ask_to_set()
        stage.authority.wait()
        stage.authority.connection.close()
        finish_refused(outcome)


@test
def nobody_is_asked_without_the_flag():
    with Stage() as stage:
        stage.alice.refused(DENIED, "DeleteKey", "sa{sv}", KEY, options())
        stage.alice.refused(DENIED, "GetValue", "ss", SECRET_KEY, "v")
        equal(stage.authority.count(), 0)


@test
def nobody_is_asked_for_what_would_not_be_refused_for_lack_of_rights():
    with Stage() as stage:
        stage.root.set(KEY, "v", REG_SZ, "old")
        equal(finish(stage.alice.ask("GetValue", "ss", KEY, "v"))[1], "old")
        finish_refused(stage.alice.ask("GetValue", "ss", KEY, "missing"), "ValueNotFound")
        finish_refused(stage.root.ask("DeleteKey", "sa{sv}", KEY + "\\Missing", options()), "KeyNotFound")
        finish_refused(stage.alice.ask("GetValue", "ss", "HKXX", "v"), "InvalidPath")
        equal(stage.authority.count(), 0)


@test
def a_watch_is_never_granted():
    with Stage() as stage:
        finish_refused(stage.alice.ask("Watch", "sa{sv}", SECRET_KEY, options()))
        equal(stage.authority.count(), 0)


@test
def what_lists_leave_out_asks_nothing():
    with Stage() as stage:
        stage.root.create(KEY + "\\Hidden")
        stage.root.set_acl(KEY + "\\Hidden", ("user:root", "read"))
        outcome = stage.alice.ask("ReadTree", "sa{sv}", KEY, options(skip_unreadable=True))
        equal([path for path, _ in finish(outcome)[1]], [KEY])
        finish(stage.alice.ask("GetStatistics", "a{sv}", options()))
        equal(stage.authority.count(), 0)


def read_pipe(descriptor):
    with os.fdopen(descriptor, "rb") as pipe:
        return pipe.read()


@test
def each_way_to_call_can_be_granted():
    with Stage() as stage, tempfile.TemporaryFile() as file:
        stage.root.set(SECRET_KEY, "v", REG_SZ, "hidden")
        file.write(b"hello")
        file.flush()
        descriptor = dbus.types.UnixFd(file.fileno())
        calls = [
            ("GetValue", "ss", SECRET_KEY, "v"),
            ("ListKeys", "s", SECRET_KEY),
            ("ReadTree", "sa{sv}", SECRET_KEY, options()),
            ("Commit", "a(sssuv)a{sv}", operation_list([("set-value", KEY, "w", REG_SZ, "new")]), options()),
            ("Commit", "a(sssuv)a{sv}", operation_list([("set-value", KEY, f"many{i}", REG_SZ, "new") for i in range(3000)]),
             options(dry_run=True)),
            ("SetAcl", "sa(ss)", KEY, dbus.Array([("everyone", "read")], signature="(ss)")),
            ("CheckAccess", "ssa{sv}", KEY, "user:root", options()),
            ("GetHistory", "sa{sv}", SECRET_KEY, options()),
            ("PurgeHistory", "ssa{sv}", KEY, "w", options()),
            ("Lock", "sssa{sv}", KEY, "w", "because", options()),
            ("Unlock", "ssa{sv}", KEY, "w", options()),
            ("Export", "sha{sv}", SECRET_KEY, descriptor, options()),
            ("Backup", "ha{sv}", descriptor, options()),
            ("DeleteKey", "sa{sv}", KEY, options()),
        ]
        for member, signature, *arguments in calls:
            refused = stage.alice.ask(member, signature, *arguments)
            stage.authority.answer(stage.authority.wait(), False)
            equal((member, finish_refused(refused).name), (member, DENIED))
            granted = stage.alice.ask(member, signature, *arguments)
            stage.authority.answer(stage.authority.wait(), True)
            answer = finish(granted)
            check(not isinstance(answer, Refused), f"{member}: {answer}")
        equal(stage.authority.count(), 0)


@test
def others_are_served_while_somebody_is_asked():
    with Stage() as stage:
        outcome = stage.ask_to_set()
        question = stage.authority.wait()
        stage.root.set(KEY, "other", REG_SZ, "1")
        finish_refused(stage.alice.send("DeleteValue", "ss", KEY, "other"))
        equal(outcome, [])
        stage.authority.answer(question, True)
        finish(outcome)
        equal(sorted(stage.values()), ["other", "v"])


@test
def what_has_changed_meanwhile_is_judged_as_it_is_then():
    with Stage() as stage:
        outcome = stage.alice.ask("DeleteKey", "sa{sv}", KEY, options())
        question = stage.authority.wait()
        stage.root.delete(KEY)
        stage.authority.answer(question, True)
        finish_refused(outcome, "KeyNotFound")
        refused = stage.alice.ask("CreateKey", "sa{sv}", KEY, options())
        question = stage.authority.wait()
        stage.root.set_acl(SOFTWARE, ("user:games", "control"))
        stage.authority.answer(question, False)
        contains(finish_refused(refused).text, "you need the right")


@test
def the_question_of_a_client_that_leaves_is_cancelled():
    with Stage() as stage:
        before = stage.root.call("GetStatistics", "a{sv}", options())
        leaving = stage.registry.connect(ALICE)
        stage.ask_to_set(leaving)
        question = stage.authority.wait()
        leaving.connection.close()
        wait_for(lambda: stage.authority.cancelled, "the question to be cancelled")
        equal(stage.authority.cancelled, [str(question.id)])
        stage.authority.answer(question, True)
        stage.authority.count()
        equal(stage.values(), [])
        after = stage.root.call("GetStatistics", "a{sv}", options())
        equal(after["calls-waiting"], before["calls-waiting"])


@test
def questions_are_bounded_for_each_user():
    with Stage() as stage:
        open_ones = [stage.ask_to_set(name=f"v{i}") for i in range(PER_USER)]
        questions = [stage.authority.wait() for _ in open_ones]
        equal(len({str(question.id) for question in questions}), PER_USER)
        finish_refused(stage.ask_to_set())
        of_bob = stage.ask_to_set(stage.registry.connect(BOB), "bob")
        stage.authority.answer(stage.authority.wait(), True)
        finish(of_bob)
        for question in questions:
            stage.authority.answer(question, True)
        for outcome in open_ones:
            finish(outcome)
        last = stage.ask_to_set(name="last")
        stage.authority.answer(stage.authority.wait(), True)
        finish(last)
        equal(len(stage.values()), PER_USER + 2)


def forge(connection, question, destination):
    """An answer to somebody else's question."""
    reply = dbus.lowlevel.MethodReturnMessage(question.message)
    reply.set_destination(destination)
    reply.append((True, False, EMPTY), signature="(bba{ss})")
    connection.send_message(reply)
    connection.flush()


@test
def only_the_owner_of_polkits_name_grants():
    with Stage() as stage:
        stage.registry.bus.set_rule('<allow send_requested_reply="false" send_type="method_return"/>'
                                    '<allow receive_requested_reply="false" receive_type="method_return"/>')
        regd = stage.alice.connection.get_name_owner(NAME)
        outcome = stage.ask_to_set()
        question = stage.authority.wait()
        forge(stage.alice.connection, question, regd)
        finish_refused(outcome)
        equal(stage.values(), [])


@test
def regd_that_stops_answers_what_it_has_asked_for():
    with Stage() as stage:
        outcome = stage.ask_to_set()
        question = stage.authority.wait()
        stage.registry.stop()
        finish_refused(outcome)
        equal(stage.authority.cancelled, [str(question.id)])
        stage.registry.start()


@test
def a_call_without_an_answer_is_granted_too():
    with Stage() as stage:
        message = dbus.lowlevel.MethodCallMessage(NAME, PATH, NAME, "SetValue")
        message.append(KEY, "v", dbus.UInt32(REG_SZ), variant("new"), signature="ssuv")
        message.set_allow_interactive_authorization(True)
        message.set_no_reply(True)
        stage.root.watch(KEY)
        stage.alice.connection.send_message(message)
        stage.authority.answer(stage.authority.wait(), True)
        stage.root.wait_for_signals(1)
        equal(stage.values(), ["v"])


@test
def a_list_that_was_made_wider_by_a_granted_trial_is_closed_again():
    with Stage() as stage:
        before = stage.root.acl(KEY)
        stage.root.watch(KEY)
        entries = dbus.Array([("everyone", "write")], signature="(ss)")
        outcome = stage.alice.ask("SetAclWithOptions", "sa(ss)a{sv}", KEY, entries, options(confirm_within=3))
        stage.authority.answer(stage.authority.wait(), True)
        finish(outcome)
        # A list above has changed: what the maker may by then counts.
        stage.root.set_acl(SOFTWARE, ("everyone", "read"))
        stage.root.wait_for_signals(3)
        equal(before[1], [("everyone", "read")])
        equal(stage.root.acl(KEY), (SOFTWARE, [("everyone", "read")]))


@test
def the_end_of_a_granted_trial_gives_its_maker_nothing_that_is_not_theirs():
    with Stage() as stage:
        root = stage.root
        for name, principal in (("Own", f"user:{ALICE}"), ("Closed", "user:root"), ("Past", "user:root")):
            root.create(f"{KEY}\\{name}")
            root.set_acl(f"{KEY}\\{name}", (principal, "control"))
        root.set(KEY + "\\Closed", "v", REG_SZ, "hidden")
        root.set(KEY + "\\Past", "v", REG_SZ, "hidden")
        closed = root.acl(KEY + "\\Closed")
        root.watch(KEY, recursive=True)
        operations = [("delete-key", KEY + "\\Own"), ("delete-key", KEY + "\\Closed"),
                      ("set-value", KEY + "\\Past", "v", REG_SZ, "new")]
        outcome = stage.alice.ask("Commit", "a(sssuv)a{sv}", operation_list(operations), options(confirm_within=3))
        stage.authority.answer(stage.authority.wait(), True)
        finish(outcome)
        root.set_acl(KEY, ("user:root", "control"))
        root.set_acl(KEY + "\\Past", (f"user:{ALICE}", "read"))
        root.wait_for_signals(4)
        equal(root.keys(KEY), ["Closed", "Past"])
        equal((root.acl(KEY + "\\Closed"), root.get(KEY + "\\Closed", "v")[2]), (closed, "hidden"))
        equal(stage.alice.get(KEY + "\\Past", "v")[2], "new")
        [entry] = root.call("GetHistory", "sa{sv}", KEY, options(limit=1))
        contains(entry["comment"], "not confirmed; 2 of its changes stay")


class Terminal:
    """regctl as ALICE, of whose streams those named are a terminal."""

    def __init__(self, registry, *arguments, streams=("stdin", "stdout", "stderr")):
        self.ours, theirs = os.openpty()
        self.registry = registry
        os.fchown(theirs, ALICE, -1)
        given = {name: theirs if name in streams else subprocess.DEVNULL for name in ("stdin", "stdout", "stderr")}
        self.running = subprocess.Popen([program("client/regctl/regctl"), f"--bus={registry.bus.address}", *arguments],
                                        user=ALICE, group=ALICE, extra_groups=[],
                                        env=os.environ | {"LC_ALL": "C.UTF-8", "TERM": "dumb"}, **given)
        os.close(theirs)

    def finish(self):
        """(exit code, what the terminal was sent)."""
        shown = b""
        with contextlib.suppress(OSError):  # the last of those who write has gone
            while more := os.read(self.ours, 4096):
                shown += more
        os.close(self.ours)
        return self.running.wait(PATIENCE), shown.decode().replace("\r\n", "\n")


SET = ("set", KEY, "v", "new")


@test
def regctl_on_a_terminal_lets_regd_ask():
    with Stage() as stage:
        for command in (SET, ("set", "--comment=why", KEY, "w", "new"), ("unset", KEY, "w")):
            granted = Terminal(stage.registry, *command)
            stage.authority.answer(stage.authority.wait(), True)
            equal((command, granted.finish()), (command, (DONE, "")))
        refused = Terminal(stage.registry, *SET)
        stage.authority.answer(stage.authority.wait(), False)
        status, said = refused.finish()
        equal(status, DENIED_CODE)
        contains(said, "you need the right")
        equal(stage.values(), ["v"])


@test
def regctl_asks_nobody_where_nobody_sits_or_wants_it():
    with Stage() as stage:
        for arguments, streams in ((("--no-ask", *SET), ("stdin", "stdout", "stderr")), (SET, ("stdout", "stderr")),
                                   (SET, ("stdin", "stdout"))):
            equal(Terminal(stage.registry, *arguments, streams=streams).finish()[0], DENIED_CODE)
        equal(stage.authority.count(), 0)


@test
def what_regctl_reads_for_itself_asks_nobody():
    with Stage() as stage:
        stage.root.set_acl(KEY, ("user:games", "write"))
        stage.root.set_acl(SOFTWARE, ("user:root", "read"))
        status, _ = Terminal(stage.registry, "get", KEY, "vv").finish()
        equal((status, stage.authority.count()), (NOT_FOUND, 0))


@test
def a_secret_that_was_granted_is_hidden_on_a_terminal():
    schema = "[key HKLM\\SECURITY]\nsummary = Test\n\n[value Password]\ntype = REG_SZ\nsecret\n"
    with Stage() as stage:
        folder = stage.registry.directory / "schemas"
        folder.mkdir()
        (folder / "test.schema").write_text(schema)
        folder.chmod(0o755)
        stage.registry.stop()
        stage.registry.schemas.append(folder)
        stage.registry.start()
        stage.root.set(SECRET_KEY, "Password", REG_SZ, "hunter2")
        for is_described in (True, False):
            shown = Terminal(stage.registry, "ls", SECRET_KEY)
            for answer in (True, True, is_described):  # ListKeys, ListValues, Describe
                stage.authority.answer(stage.authority.wait(), answer)
            status, printed = shown.finish()
            equal(status, DONE)
            contains(printed, "Password")
            check("hunter2" not in printed, printed)


@test
def a_program_lets_polkit_be_asked_about_its_calls():
    with Stage() as stage:
        environment = os.environ | {"REGD_TEST_BUS": stage.registry.bus.address, "REGD_TEST_INTERACTIVE": "1"}
        with subprocess.Popen([program("tests/bus/library")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              user=ALICE, group=ALICE, extra_groups=[], env=environment) as running:
            for _ in range(2):
                stage.authority.answer(stage.authority.wait(), True)
            said, _ = running.communicate(timeout=PATIENCE)
        equal((running.returncode, stage.authority.count()), (0, 0), said)


main()
