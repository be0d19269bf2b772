"""An anchor may carry an outside time stamp, which openssl verifies; a bundle may be signed by the operator's key."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from chat.models import User
from compliance.models import LedgerEntry
from compliance.records import Event, ledger, proof, stamping
from tests.compliance.records.test_ledger import last_anchor
from tests.compliance.records.test_proof import faults, plain, write
from tests.compliance.test_commands import Done

pytestmark = pytest.mark.slow

OPENSSL = shutil.which("openssl") or "openssl"  # the project's tests need it; a missing one fails them
CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
[ca]
basicConstraints = critical,CA:true
[signer]
extendedKeyUsage = critical,timeStamping
[web]
subjectAltName = IP:127.0.0.1
"""
Answer = Callable[[bytes], tuple[int, bytes]]


def openssl(folder: Path, command: str) -> None:
    subprocess.run([OPENSSL, *command.split()], cwd=folder, check=True, capture_output=True)


def certificate(folder: Path, name: str, section: str) -> None:
    """A key and a certificate of the test's own authority."""
    openssl(folder, f"req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}")
    signed = f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -days 2 -out {name}.pem"
    openssl(folder, f"{signed} -extfile tsa.cnf -extensions {section}")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate authority, a time-stamping authority and a web server below it."""
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
    (folder / "serial").write_text("01")
    openssl(folder, "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority")
    certificate(folder, "signer", "signer")
    certificate(folder, "web", "web")
    return folder


class Authority:
    """A time-stamping authority on 127.0.0.1, made with the openssl program; `answer` can be set to misbehave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[bytes] = []
        self.answer: Answer = self.stamp
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                authority.asked.append(body)
                status, content = authority.answer(body)
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "web.pem", folder / "web.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server.server_port}/tsa"

    def stamp(self, query: bytes) -> tuple[int, bytes]:
        (self.folder / "query.tsq").write_bytes(query)
        ours = "-signer signer.pem -inkey signer.key -config tsa.cnf -section here"
        openssl(self.folder, f"ts -reply -queryfile query.tsq {ours} -out reply.tsr")
        return 200, (self.folder / "reply.tsr").read_bytes()


@pytest.fixture
def authority(keys: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[Authority]:
    """An authority that the deployment is set to ask, and whose certificate it trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(keys / "ca.pem"))
    running = Authority(keys)
    settings.TIMESTAMP_URL = running.url
    yield running
    running.server.shutdown()
    running.server.server_close()


def verified(keys: Path, folder: Path, name: str) -> int:
    """What the command of the how-to says."""
    command = [OPENSSL, "ts", "-verify", "-data", f"{name}.txt", "-in", f"{name}.tsr", "-CAfile", str(keys / "ca.pem")]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode


def test_an_anchor_is_stamped_and_openssl_verifies_it_from_the_bundle(
    authority: Authority, keys: Path, tmp_path: Path, operator: User
) -> None:
    done = Done("ledger", "anchor")
    assert (done.code, done.err) == (0, "")
    stamped = LedgerEntry.objects.get(event=Event.ANCHOR_STAMPED)
    seq = int(done.out.split()[2])
    assert stamped.payload["anchor"] == seq
    told = proof.bundle()
    assert faults(told) == []
    folder = write(tmp_path / "proof", proof.files(told, "ja"))
    assert (folder / f"anchor-{seq}.txt").read_text() == done.out
    assert verified(keys, folder, f"anchor-{seq}") == 0
    assert plain(folder)[0] == 0
    (folder / f"anchor-{seq}.txt").write_text(done.out.replace("1", "2"))
    assert verified(keys, folder, f"anchor-{seq}") != 0
    assert plain(folder)[0] == 1  # the sums cover it


def test_only_a_hash_leaves(authority: Authority, operator: User) -> None:
    line = Done("ledger", "anchor").out
    [query] = authority.asked
    assert len(query) < 100
    assert line.split()[3].encode() not in query


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda _: (500, b"sorry"), "answered 500"),
        (lambda _: (302, b""), "answered 302"),
        (lambda _: (200, b"no stamp"), "did not answer with a time stamp"),
        (lambda _: (200, b""), "did not answer with a time stamp"),
        (lambda _: (200, b"x" * (stamping.MOST_BYTES + 1)), "longer than"),
    ],
    ids=["error", "redirect", "garbage", "empty", "too long"],
)
def test_an_authority_that_fails_never_blocks_the_anchor_and_is_told(
    answer: Answer, why: str, authority: Authority
) -> None:
    authority.answer = answer
    done = Done("ledger", "anchor")
    assert done.code == 0
    assert done.out.startswith("todoke-anchor 1 ")
    assert why in done.err
    assert len(authority.asked) == 1
    assert not LedgerEntry.objects.filter(event=Event.ANCHOR_STAMPED).exists()


def test_a_stamp_of_something_else_is_not_taken(authority: Authority) -> None:
    first = Done("ledger", "anchor")
    assert not first.err
    replayed = authority.stamp(authority.asked[0])
    authority.answer = lambda _query: replayed
    assert "stamped something else" in Done("ledger", "anchor").err


def test_an_authority_that_is_not_there_or_not_trusted_never_blocks_the_anchor(
    authority: Authority, settings: Settings, monkeypatch: pytest.MonkeyPatch, keys: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(keys / "signer.pem"))
    assert "without a time stamp" in Done("ledger", "anchor").err
    assert authority.asked == []
    settings.TIMESTAMP_URL = "https://127.0.0.1:9/"
    done = Done("ledger", "anchor")
    assert (done.code, last_anchor() is None) == (0, False)
    assert "without a time stamp" in done.err


def test_an_authority_that_hangs_never_blocks_the_anchor(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    authority.answer = lambda _query: (200 if let_go.wait(30) else 500, b"late")
    monkeypatch.setattr(stamping, "SECONDS", 0.5)
    try:
        assert "timed out" in Done("ledger", "anchor").err
    finally:
        let_go.set()


def test_nobody_is_asked_unless_it_is_set(settings: Settings, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TIMESTAMP_URL = ""
    done = Done("ledger", "anchor")
    assert (done.code, done.err) == (0, "")


def test_a_bundle_signed_by_the_operators_key_is_verified_by_ssh_keygen(operator: User, tmp_path: Path) -> None:
    tool = shutil.which("ssh-keygen")
    assert tool, "ssh-keygen (OpenSSH 8.0 or later) is needed"
    ledger.append(Event.FEED_MADE, actor=operator, payload={})
    folder = write(tmp_path / "proof", proof.files(proof.bundle(), "ja"))
    key = tmp_path / "operator"
    subprocess.run([tool, "-q", "-t", "ed25519", "-N", "", "-f", key, "-C", ""], check=True)
    sign = [tool, "-Y", "sign", "-q", "-n", "todoke-proof", "-f", str(key), "SHA256SUMS"]
    subprocess.run(sign, cwd=folder, check=True, capture_output=True)
    (tmp_path / "allowed").write_text(f"operator {key.with_suffix('.pub').read_text()}")
    check = [tool, "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", "operator", "-n", "todoke-proof"]
    check += ["-s", "SHA256SUMS.sig"]

    def holds() -> bool:
        sums = (folder / "SHA256SUMS").read_bytes()
        return subprocess.run(check, cwd=folder, input=sums, capture_output=True, check=False).returncode == 0

    assert holds()
    assert plain(folder)[0] == 0
    (folder / "SHA256SUMS").write_bytes((folder / "SHA256SUMS").read_bytes().replace(b"proof.html", b"other.html"))
    assert not holds()
