"""AWS::CloudWatch::Alarm: nothing on one machine raises it."""

from typing import Any

from stratus.template.resource import Recorded, Site


class CloudWatchAlarm(Recorded):
    type = "AWS::CloudWatch::Alarm"
    name_property = "AlarmName"
    name_limit = 255

    def attributes(self, site: Site, name: str) -> dict[str, Any]:
        return {"Arn": site.arn("cloudwatch", f"alarm:{name}")}
