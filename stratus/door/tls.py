"""Our own certificate authority, made on first run, and the server certificate it signs.

The authority can vouch for this machine's names only (RFC 5280 name constraints), so that trusting it risks nothing else.
"""

import datetime
import ipaddress
import os
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_CA_LIFE = datetime.timedelta(days=3650)
_LEAF_LIFE = datetime.timedelta(days=397)
_RENEW_BEFORE = datetime.timedelta(days=30)


class CertificateAuthority:
    """Keeps `ca.pem`, `ca.key`, `server.pem` and `server.key` (keys 0600) in `directory`."""

    def __init__(self, directory: Path, extra_names: Sequence[str] = ()) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.certificate = directory / "ca.pem"
        self._key = directory / "ca.key"
        self._leaf = directory / "server.pem"
        self._leaf_key = directory / "server.key"
        self._names = (*LOCAL_NAMES, *(name for name in extra_names if name not in LOCAL_NAMES))

    def server_context(self) -> ssl.SSLContext:
        """A TLS context for this machine's names; makes or renews what is missing, expiring or for other names."""
        now = datetime.datetime.now(datetime.UTC)
        if not self.certificate.exists() or not self._covers(self._load(self.certificate), now):
            self._make_ca(now)
            self._leaf.unlink(missing_ok=True)
        if not self._leaf.exists() or not self._covers(self._load(self._leaf), now):
            self._make_leaf(now)
        return server_context(self._leaf, self._leaf_key)

    @staticmethod
    def _load(path: Path) -> x509.Certificate:
        return x509.load_pem_x509_certificate(path.read_bytes())

    def _covers(self, certificate: x509.Certificate, now: datetime.datetime) -> bool:
        if certificate.not_valid_after_utc - now < _RENEW_BEFORE:
            return False
        names: Sequence[x509.GeneralName]
        try:
            constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
            names = constraints.permitted_subtrees or []
            wanted = [_constraint(name) for name in self._names]
        except x509.ExtensionNotFound:
            names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
            wanted = [_general_name(name) for name in self._names]
        return all(name in names for name in wanted)

    def _make_ca(self, now: datetime.datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stratus on this machine")])
        certificate = (
            _builder(name, name, key.public_key(), now, _CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.NameConstraints([_constraint(name) for name in self._names], None), critical=True)
            .sign(key, hashes.SHA256())
        )
        _write(self._key, _pem(key))
        _write(self.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def _make_leaf(self, now: datetime.datetime) -> None:
        ca = self._load(self.certificate)
        ca_key = serialization.load_pem_private_key(self._key.read_bytes(), None)
        assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        certificate = (
            _builder(name, ca.subject, key.public_key(), now, _LEAF_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in self._names]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        _write(self._leaf_key, _pem(key))
        _write(self._leaf, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and newer with the given PEM files. Raises OSError or ssl.SSLError when they do not fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime.datetime,
    life: datetime.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + life)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _general_name(name: str) -> x509.GeneralName:
    address = _address(name)
    return x509.IPAddress(address) if address else x509.DNSName(name)


def _constraint(name: str) -> x509.GeneralName:
    address = _address(name)
    return x509.IPAddress(ipaddress.ip_network(address)) if address else x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Whole or not at all, and never readable by others while it is being written."""
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
