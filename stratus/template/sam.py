"""AWS SAM to CloudFormation, by AWS's own translator, without a network and without this machine's AWS configuration.

Importing the translator takes most of a second, so callers import this module only when a template has changed.
"""

import copy
import logging
import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from samtranslator.model.exceptions import ExceptionWithMessage, InvalidDocumentException, InvalidResourceException
from samtranslator.parser.parser import Parser
from samtranslator.translator.arn_generator import NoRegionFound
from samtranslator.translator.translator import Translator
from samtranslator.utils.py27hash_fix import to_py27_compatible_template, undo_mark_unicode_str_in_template

from stratus.template.errors import Path, TemplateError

logging.getLogger("samtranslator").setLevel(logging.ERROR)

_RESOURCE_IN_MESSAGE = re.compile(r"[Rr]esource with id \[([^\]]+)\] is invalid\. ?")


def translate(
    template: Mapping[str, Any], parameters: Mapping[str, str], region: str
) -> tuple[dict[str, Any], list[TemplateError]]:
    """The CloudFormation template that a SAM template stands for, and what the translator has against it."""
    session = SimpleNamespace(region_name=region)
    translator = Translator(None, Parser(), boto_session=session)
    fragment = copy.deepcopy(dict(template))
    values = dict(parameters)
    try:
        to_py27_compatible_template(fragment, values)
        translated = translator.translate(fragment, values, passthrough_metadata=True)
    except InvalidDocumentException as error:
        return {}, [_described(cause) for cause in error.causes] or [TemplateError(error.message)]
    except (NoRegionFound, AttributeError, KeyError, TypeError, ValueError) as error:
        # The translator trusts the shape of a template; what it stumbles over is the template's fault.
        return {}, [
            TemplateError(
                f"the SAM translator cannot read this template: {type(error).__name__}: {error}", ("Resources",)
            )
        ]
    return undo_mark_unicode_str_in_template(translated), []


def _described(cause: ExceptionWithMessage) -> TemplateError:
    message = cause.message
    found = _RESOURCE_IN_MESSAGE.search(message)
    path: Path = ("Resources", found[1]) if found else ()
    if isinstance(cause, InvalidResourceException):
        path = ("Resources", cause._logical_id)
    return TemplateError(_RESOURCE_IN_MESSAGE.sub("", message), path)
