"""AWS::ApiGateway::Account: the role by which API Gateway writes to CloudWatch, which is not needed here."""

from typing import Any

from stratus.template.resource import Properties, Recorded, Site


class ApiAccount(Recorded):
    type = "AWS::ApiGateway::Account"

    def name(self, site: Site, logical_id: str, properties: Properties) -> str:
        return site.generated_name(logical_id, 64)

    def attributes(self, site: Site, name: str) -> dict[str, Any]:
        return {"Id": name}
