"""Where a property of a translated resource stands in the SAM resource that it was made from.

Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-api.html
"""

from collections.abc import Iterator

from stratus.template.errors import Path

API = "AWS::Serverless::Api"
_PLACES: dict[str, tuple[tuple[Path, Path], ...]] = {
    API: (
        (("Body", "x-amazon-apigateway-gateway-responses"), ("GatewayResponses",)),
        (("Body",), ("DefinitionBody",)),
    )
}


def written(sam_type: str, place: Path) -> Iterator[Path]:
    """The places in the properties of a `sam_type` that `place`, in those of the resource made from it, may come from."""
    for made, origin in _PLACES.get(sam_type, ()):
        if place[: len(made)] == made:
            yield (*origin, *place[len(made) :])
