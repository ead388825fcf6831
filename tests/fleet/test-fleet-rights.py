# SPDX-License-Identifier: MIT
"""Who a host is at etcd, with a real etcd: roles, passwords, and certificates that are changed while it runs,
expire or are revoked."""

import functools
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.bus import is_root, wait_until
from harness.case import check, contains, equal, main, test
from harness.certificates import EC, openssl
from harness.etcd import Etcd
from harness.fleet import MOUNT, SETTINGS, FleetHost
from harness.registry import REG_DWORD, REG_SZ, Refused

KEY = MOUNT + "\\Acme"
STACK = ExitStack()
FOLDER = Path(STACK.enter_context(tempfile.TemporaryDirectory(prefix="regd-rights-")))
FOLDER.chmod(0o711)
PATIENT = [("Stale After", REG_DWORD, 3)]  # which also is how often files are looked at, times 3


def sign(etcd, name, start=None, end=None):
    """A certificate of the cluster's authority for a user, good between two dates (YYYYMMDDHHMMSSZ)."""
    folder = Path(etcd.directory)
    if not (folder / "index").exists():
        (folder / "index").touch()
        (folder / "serial").write_text("1000\n")
        (folder / "crlnumber").write_text("1000\n")
        (folder / "ca.cnf").write_text("[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\ncrlnumber=crlnumber\n"
                                       "default_md=sha256\npolicy=p\nnew_certs_dir=.\ndefault_crl_days=2\n"
                                       "unique_subject=no\n[p]\ncommonName=optional\norganizationName=optional\n")
    openssl("req", "-new", *EC, "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr", cwd=folder)
    authority(folder, "-in", f"{name}.csr", "-out", f"{name}.pem", "-startdate", start or "20200101000000Z",
              "-enddate", end or "20400101000000Z", "-notext")
    return str(folder / f"{name}.pem"), str(folder / f"{name}.key")


def authority(folder, *words):
    openssl("ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", *words, cwd=folder)


def put_in_place(files, name):
    """Copies of a certificate and its key, as an administrator replaces them: by a rename."""
    places = [FOLDER / f"{name}.pem", FOLDER / f"{name}.key"]
    for file, place in zip(files, places):
        new = place.with_suffix(".new")
        shutil.copy(file, new)
        new.chmod(0o644)
        new.rename(place)
    return [str(place) for place in places]


@contextmanager
def host(etcd, name, files, settings=(), **given):
    """A host whose certificate stands in a place of its own."""
    certificate, key = put_in_place(files, name)
    with FleetHost(etcd, name, settings=[*PATIENT, ("Certificate", REG_SZ, certificate), ("Private Key", REG_SZ, key), *settings],
                   **given) as member:
        yield member


@functools.cache
def common_etcd():
    """For all tests but one: two roles, users of them, and rights that count. Each test has a fleet of its own."""
    etcd = STACK.enter_context(Etcd())
    for role, rights in (("regd-reader", "read"), ("regd-writer", "readwrite")):
        etcd.ctl("role", "add", role)
        etcd.ctl("role", "grant-permission", role, "--prefix=true", rights, "/regd/1/")
    for user, role in (("web17", "regd-reader"), ("web18", "regd-writer"), ("web19", "regd-reader"), ("root", "root"),
                       ("anna:sesame and more", "regd-writer")):
        etcd.ctl("user", "add", user, *(() if ":" in user else ("--no-password",)))
        etcd.ctl("user", "grant-role", user.partition(":")[0], role)
    etcd.ctl("auth", "enable")
    return etcd


@test
def a_reader_is_told_its_user_and_its_role():
    etcd = common_etcd()
    with FleetHost(etcd, "one", "reader", user="web18") as one, host(etcd, "two", etcd.certificate("web19"), fleet="reader") as two:
        one.fleet("Init")
        two.fleet("Join")
        one.put(KEY, "Port", "25")
        two.has(KEY, "Port", "25")
        said = two.refuses("AccessDenied", KEY, "Port", "26")
        for part in ("may only read", "'web19'", "regd-reader"):
            contains(said, part)
        equal(two.status()["state"], "live")
        etcd.ctl("put", "/regd/1/reader/h/ghost", "x")
        said = refusal_of(two, "Forget", "ghost")
        for part in ("'web19'", "regd-reader"):
            contains(said, part)
        etcd.ctl("user", "grant-role", "web19", "regd-writer")
        two.put(KEY, "Port", "27")
        one.has(KEY, "Port", "27")


@test
def a_user_with_a_password_needs_no_certificate_of_that_name():
    etcd = common_etcd()
    with host(etcd, "one", sign(etcd, "nobody"), fleet="password") as one:
        refusal = refusal_of(one, "Init")
        contains(refusal, "'nobody'")
        one.client.set(SETTINGS, "User", REG_SZ, "anna")
        contains(one.status()["reason"], "Password")
        one.client.set(SETTINGS, "Password", REG_SZ, "wrong")
        wait_until(lambda: one.status()["state"] == "unjoined", "the agent to be asked again")
        said = refusal_of(one, "Init")
        contains(said, "'anna' can't log in")
        check("wrong" not in said, "the password is not told")
        one.client.set(SETTINGS, "Password", REG_SZ, "sesame and more")
        one.fleet("Init")
        one.put(KEY, "Port", "25")
        etcd.stop(0)  # tokens live in its memory
        one.waits_for_state("disconnected")
        etcd.start(0)
        one.waits_for_state("live")
        one.put(KEY, "Port", "26")
        check("sesame" not in one.agent.output() + one.process.output(), "no log tells the password")
        check(b"sesame" not in Path(f"/proc/{one.agent.pid}/cmdline").read_bytes(), "nor does a list of processes")


def refusal_of(member, call, *words):
    try:
        member.fleet(call, *words)
    except Refused as refusal:
        return refusal.text
    return "not refused"


@test
def a_certificate_is_changed_while_the_host_is_live():
    etcd = common_etcd()
    soon = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 3600))
    with FleetHost(etcd, "one", "changed", user="web18") as one, host(etcd, "two", sign(etcd, "web17", end=soon), fleet="changed") as two:
        one.fleet("Init")
        two.fleet("Join")
        for part in ("web17", "expires on", soon[8:10] + ":"):
            contains(two.status()["warning"], part)
        two.refuses("AccessDenied", KEY, "Port", "25")
        put_in_place(etcd.certificate("web18"), "two")
        wait_until(lambda: "warning" not in two.status(), "the new certificate to be seen")
        equal(two.status()["state"], "live")
        two.put(KEY, "Port", "25")
        one.has(KEY, "Port", "25")
        one.put(KEY, "Port", "26")
        two.has(KEY, "Port", "26")


@test
def an_expired_certificate_is_named_until_there_is_a_good_one():
    etcd = common_etcd()
    with host(etcd, "one", sign(etcd, "web18"), fleet="expired") as one:
        one.fleet("Init")
        one.put(KEY, "Port", "25")
        put_in_place(sign(etcd, "web18", end="20210101000000Z"), "one")
        status = one.waits_for_state("blocked")
        for part in ("web18", "expired on 2021-01-01"):
            contains(status["reason"], part)
        contains(one.refuses("FleetUnavailable", KEY, "Port", "26"), "expired on 2021-01-01")
        equal(one.look(KEY, "Port"), "25")
        put_in_place(sign(etcd, "web18"), "one")
        one.waits_for_state("live")
        one.put(KEY, "Port", "27")


@test
def the_agent_gives_up_what_it_does_not_need():
    with FleetHost(common_etcd(), "one", "confined", user="web18") as one:
        one.fleet("Init")
        one.put(KEY, "Port", "25")
        process = Path(f"/proc/{one.agent.pid}")
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
        # An ordinary user can't bound what they never had.
        rights = ("CapEff", "CapPrm", "CapInh", "CapAmb", *(["CapBnd"] if is_root() else []))
        equal({name: status[name] for name in ("NoNewPrivs", "Seccomp", *rights)},
              {"NoNewPrivs": "1", "Seccomp": "2"} | dict.fromkeys(rights, "0" * 16))
        for thread in (process / "task").iterdir():
            contains((thread / "status").read_text(), "Seccomp:\t2")
        if "libasan" not in (process / "maps").read_text():
            contains((process / "limits").read_text(), "Max core file size        0 ")


@test
def a_revoked_certificate_is_suspected():
    with Etcd() as first:
        bad = sign(first, "web17")
        folder = Path(first.directory)
        authority(folder, "-revoke", "web17.pem")
        authority(folder, "-gencrl", "-out", "crl.pem")
        openssl("crl", "-in", "crl.pem", "-outform", "DER", "-out", "crl.der", cwd=folder)
        first.stop(0)
        first.options = ("--client-crl-file", str(folder / "crl.der"))
        first.start(0)
        with host(first, "one", sign(first, "web18")) as one:
            one.fleet("Init")
            put_in_place(bad, "one")
            wait_until(lambda: "revoked" in one.status()["reason"], f"the reason to be told: {one.status()}")
            put_in_place(sign(first, "web19"), "one")
            one.waits_for_state("live")


with STACK:
    main()
