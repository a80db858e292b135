"""The cloud put together: services, the door, and the addresses where it listens."""

import asyncio
import functools
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stratus.addresses import LocalAddresses
from stratus.clock import Clock, SystemClock
from stratus.data_directory import DataDirectory
from stratus.door.door import Door
from stratus.door.http_server import Handler, HttpServer
from stratus.door.regions import Regions
from stratus.door.tls import CertificateAuthority, server_context
from stratus.door.validated import ValidatedCaller
from stratus.iam.credentials import Credentials
from stratus.iam.gate import Iam
from stratus.iam.principal import Principal
from stratus.mail.mailbox import Mailbox
from stratus.mail.maildir import Maildir
from stratus.mail.smtp import SmtpOutbox
from stratus.service import Service, Surroundings
from stratus.services.apigateway.service import ApiGateway
from stratus.services.cognito_identity.service import CognitoIdentity
from stratus.services.cognito_idp.service import CognitoIdp
from stratus.services.dynamodb.service import DynamoDb
from stratus.services.dynamodb.stream_api import DynamoDbStreams
from stratus.services.iam.service import IamService
from stratus.services.lambda_.service import LambdaService
from stratus.services.logs.service import LogsService
from stratus.services.s3 import S3, BucketDirectory
from stratus.services.sts.service import StsService
from stratus.template.stacks import Stacks


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run the cloud. Ports `port_base` (HTTP) and the next (HTTPS) are the AWS endpoint's; all lie within 20 of it."""

    data: Path
    port_base: int = 4566
    host: str = "127.0.0.1"
    regions: tuple[str, ...] = ("eu-central-1",)
    """The first is the home. Of the old regions' names (`us-east-1` ...) boto3 concludes that presigned URLs take Signature Version 2."""
    public_url: str | None = None
    certificate: Path | None = None
    key: Path | None = None
    smtp: str | None = None
    max_workers: int | None = None
    names: tuple[str, ...] = field(default=())
    """Further host names that the server certificate shall cover."""


class Cloud:
    """One machine's cloud. `await start()` opens the data and the ports, `await stop()` closes them; then it is of no more use."""

    iam: Iam
    door: Door
    addresses: LocalAddresses

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self._data = DataDirectory(settings.data)
        self._authority = CertificateAuthority(self._data.of("tls"), settings.names)
        self._listeners: dict[int, HttpServer] = {}
        self._api_ports: set[int] = set()
        self._gateways: dict[str, ApiGateway] = {}
        self._regions = Regions(list(settings.regions))
        self._mailbox: Mailbox | None = None
        self._stacks: dict[str, Stacks] = {}

    # --- what it tells ---

    @property
    def account(self) -> str:
        return self.iam.account

    @property
    def administrator(self) -> Credentials:
        return self.iam.administrator

    @property
    def principal(self) -> Principal:
        """The administrator, as whom templates are deployed."""
        return self.iam.administrator_principal

    @property
    def ca(self) -> Path:
        """The PEM file of our certificate authority."""
        return self._authority.certificate

    @property
    def mailbox(self) -> Path:
        """The Maildir that Cognito's mail goes to."""
        return self._data.path / "mail"

    @property
    def warnings(self) -> list[str]:
        """What this system lacks that would protect better."""
        return [warning for service in self._regions for warning in getattr(service, "warnings", [])]

    def service(self, name: str, region: str | None = None) -> Service:
        return self._regions.find(name, region)

    # --- life ---

    async def start(self, *, listen: bool = True) -> None:
        """Without `listen` no port is opened: for work on the data alone. Raises OSError when a port is taken, ssl.SSLError when certificate and key do not fit."""
        settings = self.settings
        self.iam = await Iam.open(self._data.of("iam"), self.clock)
        self.addresses = LocalAddresses(
            self._data.path / "ports.json", port_base=settings.port_base, public_url=settings.public_url
        )
        self.door = Door(self.iam, self._regions, self.clock)
        self._mailbox = self._make_mailbox()
        await self._mailbox.start()
        self._make_services()
        for service in self._regions:
            await service.start()
        if listen:
            await self._listen(settings.port_base, self.door)
            await self.open_apis()

    async def stop(self) -> None:
        """Lets what is under way finish, then closes everything; what is closed already is left alone."""
        await asyncio.gather(*(listener.stop() for listener in self._listeners.values()))
        self._listeners.clear()
        for stacks in self._stacks.values():
            await stacks.close()
        for service in reversed(list(self._regions)):
            await service.stop()
        if self._mailbox is not None:
            await self._mailbox.stop()
        if hasattr(self, "iam"):
            await self.iam.close()
        self._data.close()

    async def open_apis(self) -> None:
        """Listens for every REST API that has an address, and no more for those that are gone; called after each deployment."""
        wanted: dict[int, Handler] = {}
        for region, gateway in self._gateways.items():
            for api in gateway.state.apis:
                if self.addresses.site("execute-api", region, api) is None:
                    continue  # made by hand: addresses are a stack's
                wanted[self.addresses.port_of("execute-api", region, api)] = functools.partial(gateway.execute, api)
        for port in self._api_ports - wanted.keys():
            await self._close(port)
        for port in wanted.keys() - self._api_ports:
            await self._listen(port, wanted[port])
        self._api_ports = set(wanted)

    def stacks(self, region: str) -> Stacks:
        """The stacks of a region, deployed as the administrator."""
        if region not in self._stacks:
            self._stacks[region] = Stacks(
                self._data.of("regions", region, "stacks"),
                region=region,
                account=self.account,
                clock=self.clock,
                caller=ValidatedCaller(self.door),
                principal=self.principal,
                addresses=self.addresses,
                caches=self._data.of("caches"),
            )
        return self._stacks[region]

    # --- parts ---

    async def _listen(self, port: int, handler: Handler) -> None:
        for number, tls in ((port, None), (port + 1, self._tls())):
            server = HttpServer(handler)
            await server.start(self.settings.host, number, tls)
            self._listeners[number] = server

    async def _close(self, port: int) -> None:
        for number in (port, port + 1):
            await self._listeners.pop(number).stop()

    def _tls(self) -> ssl.SSLContext:
        settings = self.settings
        if settings.certificate and settings.key:
            return server_context(settings.certificate, settings.key)
        return self._authority.server_context()

    def _make_mailbox(self) -> Mailbox:
        if self.settings.smtp:
            return SmtpOutbox(self._data.of("outbox"), self.clock, self.settings.smtp)
        return Maildir(self._data.of("mail"), self.clock)

    def _make_services(self) -> None:
        home = self._regions.first
        user_pools: dict[str, CognitoIdp] = {}
        identity_pools: dict[str, CognitoIdentity] = {}
        buckets = BucketDirectory()
        for region in self._regions.names:
            assert self._mailbox is not None
            user_pools[region] = CognitoIdp(self._surroundings(region, "cognito-idp"), self._mailbox)
            identity_pools[region] = CognitoIdentity(self._surroundings(region, "cognito-identity"), user_pools)
            self._gateways[region] = ApiGateway(self._surroundings(region, "apigateway"), self.iam)
            dynamodb = DynamoDb(self._surroundings(region, "dynamodb"))
            for service in (
                dynamodb,
                DynamoDbStreams(dynamodb),
                S3(self._surroundings(region, "s3"), buckets),
                user_pools[region],
                identity_pools[region],
                LogsService(self._surroundings(region, "logs")),
                LambdaService(self._surroundings(region, "lambda"), self.settings.max_workers),
                self._gateways[region],
            ):
                self._regions.add(region, service)
        self._regions.add(home, IamService(self._surroundings(home, "iam"), self.iam))
        self._regions.add(home, StsService(self._surroundings(home, "sts"), self.iam, _Issuers(identity_pools)))

    def _surroundings(self, region: str, service: str) -> Surroundings:
        return Surroundings(
            region=region,
            account=self.iam.account,
            directory=self._data.of("regions", region, service),
            clock=self.clock,
            caller=self.door,
            addresses=self.addresses,
        )


class _Issuers:
    """The keys of those whose web identity tokens STS takes: our identity pools."""

    def __init__(self, identity_pools: Mapping[str, CognitoIdentity]) -> None:
        self._identity_pools = identity_pools

    def public_keys(self, issuer: str) -> Mapping[str, Any] | None:
        keys = [
            key
            for pools in self._identity_pools.values()
            if issuer == pools.open_id_tokens.issuer
            for key in pools.open_id_tokens.jwks()["keys"]
        ]
        return {"keys": keys} if keys else None
