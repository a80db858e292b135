"""The services that are up: one instance per region, one in all where the AWS service is global."""

from collections.abc import Iterator

from stratus.service import Service
from stratus.wire.errors import AwsError, not_implemented
from stratus.wire.message import Params

GLOBAL_SERVICES = frozenset({"iam", "sts"})


class Regions:
    """Looks services up by botocore's name and region; the first region stands in where a request names none."""

    def __init__(self, names: list[str]) -> None:
        """`names` has at least one region; the first is the home of the global services."""
        self.names = names
        self._services: dict[str, dict[str, Service]] = {name: {} for name in names}
        self._known: set[str] = set()

    @property
    def first(self) -> str:
        return self.names[0]

    def add(self, region: str, service: Service) -> None:
        self._services[region][service.name] = service
        self._known.add(service.name)

    def __iter__(self) -> Iterator[Service]:
        for services in self._services.values():
            yield from services.values()

    def region_of(self, service: str, region: str | None) -> str:
        """The region whose data a call works on; raises AwsError for one that is not up here."""
        if service in GLOBAL_SERVICES or region is None:
            return self.first
        if region not in self._services:
            raise AwsError("InvalidRegion", f"Region {region} is not up here. Up are: {', '.join(self.names)}.", 400)
        return region

    def knowing(self, service: str, params: Params) -> str:
        """The region that an unsigned call, which names none, is for: the one that knows what it names; the first if none does."""
        if service in GLOBAL_SERVICES or len(self.names) == 1:
            return self.first
        return next((name for name in self.names if self._services[name][service].knows(params)), self.first)

    def find(self, service: str, region: str | None) -> Service:
        """Raises AwsError, refusing by name, when the service is none of ours or the region is not up."""
        if service not in self._known:
            raise not_implemented("the service", service)
        return self._services[self.region_of(service, region)][service]
