"""Intrinsic functions, evaluated: from a template's values to what a resource is made with.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

import base64
import difflib
import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from stratus.template.errors import Path, TemplateError


class Unknown(str):
    """A string that is known only once its resource is made; whatever is built with it is unknown too."""

    __slots__ = ()


class _Removed:
    """What `AWS::NoValue` stands for."""


REMOVED: Final = _Removed()

_SUBSTITUTION = re.compile(r"\$\{([^}]*)\}")
_LANGUAGE_EXTENSIONS = "add the transform AWS::LanguageExtensions to use"
_REFUSED = {
    "Fn::GetAZs": "one machine has no availability zones: name what you need in a parameter",
    "Fn::ImportValue": "Stratus does not import values of other stacks: pass it as a parameter",
    "Fn::GetStackOutput": "Stratus does not read outputs of other stacks: pass it as a parameter",
    "Fn::ForEach": "Stratus does not expand loops: write the entries out",
    "Fn::Transform": "Stratus runs no macros but AWS::Serverless and AWS::Include of a local file",
    "Fn::Contains": "Stratus does not check Rules: use Conditions or AllowedValues",
}


class Resources(Protocol):
    """What `Ref` and `Fn::GetAtt` of a resource give."""

    def __contains__(self, logical_id: object, /) -> bool: ...

    def __iter__(self) -> Iterator[str]: ...

    def reference(self, logical_id: str) -> Any: ...

    def attribute(self, logical_id: str, name: str, path: Path) -> Any: ...


@dataclass(frozen=True)
class Scope:
    """What names in a template mean. `parameters` holds pseudo parameters too; `resources` is None where none may be named."""

    parameters: Mapping[str, Any]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, bool]
    resources: Resources | None = None
    language_extensions: bool = False

    def evaluate(self, value: Any, path: Path = ()) -> Any:
        """`value` without intrinsic functions; REMOVED if it is `AWS::NoValue`. Raises TemplateError with the place."""
        if isinstance(value, dict):
            return self._evaluate_mapping(value, path)
        if isinstance(value, list):
            items = (self.evaluate(item, (*path, index)) for index, item in enumerate(value))
            return [item for item in items if item is not REMOVED]
        if isinstance(value, str) and "{{resolve:" in value:
            raise TemplateError(
                "Stratus does not resolve dynamic references ({{resolve:...}}): use a NoEcho parameter", path
            )
        return value

    def condition(self, value: Any, path: Path) -> bool:
        """A condition's truth: a name, `{"Condition": name}` or a condition function."""
        if isinstance(value, dict) and list(value) == ["Condition"]:
            value, path = value["Condition"], (*path, "Condition")
        if isinstance(value, str):
            if value not in self.conditions:
                raise TemplateError(f"there is no condition {value!r}{_suggestion(value, self.conditions)}", path)
            return self.conditions[value]
        result = self.evaluate(value, path)
        if not isinstance(result, bool):
            raise TemplateError("must be the name of a condition or one of Fn::And, Fn::Equals, Fn::Not, Fn::Or", path)
        return result

    def _evaluate_mapping(self, value: dict[str, Any], path: Path) -> Any:
        function = next(
            (key for key in value if isinstance(key, str) and (key == "Ref" or key.startswith("Fn::"))), None
        )
        if function is None:
            found = {key: self.evaluate(item, (*path, key)) for key, item in value.items()}
            return {key: item for key, item in found.items() if item is not REMOVED}
        here = (*path, function)
        if len(value) > 1:
            raise TemplateError(f"{function} must be the only key here", here)
        if function in _REFUSED:
            raise TemplateError(f"{function}: {_REFUSED[function]}", here)
        if function not in _FUNCTIONS:
            raise TemplateError(f"{function} is not an intrinsic function{_suggestion(function, _FUNCTIONS)}", here)
        return _FUNCTIONS[function](self, value[function], here)

    # --- names -------------------------------------------------------------------------------------------------------------------

    def _ref(self, name: Any, path: Path) -> Any:
        if name == "AWS::NoValue":
            return REMOVED
        if not isinstance(name, str):
            raise TemplateError("Ref takes the name of a parameter or resource", path)
        if name in self.parameters:
            return self.parameters[name]
        return self._resource(name, path).reference(name)

    def _get_att(self, argument: Any, path: Path) -> Any:
        if isinstance(argument, str):
            argument = argument.split(".", 1)
        if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
            raise TemplateError("Fn::GetAtt takes the name of a resource and of its attribute", path)
        attribute = self._text(self.evaluate(argument[1], (*path, 1)), path)
        return self._resource(argument[0], path).attribute(argument[0], attribute, path)

    def _resource(self, name: str, path: Path) -> Resources:
        if self.resources is None:
            raise TemplateError(
                f"{name!r} is not a parameter; resources cannot be named here{_suggestion(name, self.parameters)}", path
            )
        if name not in self.resources:
            raise TemplateError(f"there is no parameter or resource {name!r}{_suggestion(name, self._names())}", path)
        return self.resources

    def _names(self) -> list[str]:
        return [*self.parameters, *(self.resources or ())]

    def _sub(self, argument: Any, path: Path) -> str:
        variables: dict[str, Any] = {}
        if isinstance(argument, list):
            if len(argument) != 2 or not isinstance(argument[1], dict):
                raise TemplateError("Fn::Sub takes a string, or a list of a string and a mapping of variables", path)
            variables = {key: self.evaluate(item, (*path, 1, key)) for key, item in argument[1].items()}
            argument = argument[0]
        if not isinstance(argument, str):
            raise TemplateError("Fn::Sub takes a string, or a list of a string and a mapping of variables", path)
        if "{{resolve:" in argument:
            self.evaluate(argument, path)
        parts: list[str] = []
        end = 0
        for match in _SUBSTITUTION.finditer(argument):
            parts += [argument[end : match.start()], self._substituted(match[1], variables, path)]
            end = match.end()
        return _joined([*parts, argument[end:]])

    def _substituted(self, name: str, variables: dict[str, Any], path: Path) -> str:
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        if name in variables:
            return self._text(variables[name], path)
        if name in self.parameters:
            return self._text(self.parameters[name], path)
        logical_id, dot, attribute = name.partition(".")
        return self._text(self._get_att([logical_id, attribute], path) if dot else self._ref(name, path), path)

    # --- text and lists -----------------------------------------------------------------------------------------------------------

    def _join(self, argument: Any, path: Path) -> str:
        separator, items = self._pair("Fn::Join", argument, path)
        if isinstance(items, Unknown):
            return items
        if not isinstance(separator, str) or not isinstance(items, list):
            raise TemplateError("Fn::Join takes a separator and a list", path)
        texts = [self._text(item, path) for item in items]
        if any(isinstance(text, Unknown) for text in texts):
            return Unknown(separator.join(texts))
        return separator.join(texts)

    def _split(self, argument: Any, path: Path) -> Any:
        separator, text = self._pair("Fn::Split", argument, path)
        if isinstance(text, Unknown):
            return text
        if not isinstance(separator, str) or not separator or not isinstance(text, str):
            raise TemplateError("Fn::Split takes a separator and a string", path)
        return text.split(separator)

    def _select(self, argument: Any, path: Path) -> Any:
        index, items = self._pair("Fn::Select", argument, path)
        if isinstance(items, Unknown):
            return items
        if not isinstance(items, list) or not str(index).isdigit():
            raise TemplateError("Fn::Select takes an index and a list", path)
        if int(index) >= len(items):
            raise TemplateError(f"Fn::Select cannot take element {index} of a list of {len(items)}", path)
        return items[int(index)]

    def _base64(self, argument: Any, path: Path) -> str:
        text = self._text(self.evaluate(argument, path), path)
        return text if isinstance(text, Unknown) else base64.b64encode(text.encode()).decode()

    def _cidr(self, argument: Any, path: Path) -> Any:
        values = self.evaluate(argument, path)
        if not isinstance(values, list) or not 2 <= len(values) <= 3:
            raise TemplateError("Fn::Cidr takes an address block, a count and optionally the number of host bits", path)
        if any(isinstance(value, Unknown) for value in values):
            return Unknown("")
        try:
            block, count = ipaddress.ip_network(values[0]), int(values[1])
            bits = int(values[2]) if len(values) == 3 else 8
            width = block.max_prefixlen - bits
            if not 1 <= count <= 256 or width < block.prefixlen or count > 2 ** (width - block.prefixlen):
                raise ValueError(f"{block} does not hold {count} blocks of {bits} bits (count is from 1 to 256)")
            subnets = block.subnets(new_prefix=width)
            return [str(next(subnets)) for _ in range(count)]
        except (ValueError, TypeError) as error:
            raise TemplateError(f"Fn::Cidr: {error}", path) from error

    def _length(self, argument: Any, path: Path) -> Any:
        self._need_extensions("Fn::Length", path)
        items = self.evaluate(argument, path)
        if not isinstance(items, list):
            raise TemplateError("Fn::Length takes a list", path)
        return len(items)

    def _to_json(self, argument: Any, path: Path) -> str:
        self._need_extensions("Fn::ToJsonString", path)
        value = self.evaluate(argument, path)
        if not isinstance(value, dict | list):
            raise TemplateError("Fn::ToJsonString takes a mapping or a list", path)
        text = json.dumps(value, separators=(",", ":"))
        return Unknown(text) if contains_unknown(value) else text

    def _find_in_map(self, argument: Any, path: Path) -> Any:
        if not isinstance(argument, list) or not 3 <= len(argument) <= 4:
            raise TemplateError("Fn::FindInMap takes the name of a mapping and two keys", path)
        name, first, second = (
            self._text(self.evaluate(key, (*path, index)), path) for index, key in enumerate(argument[:3])
        )
        default: Any = REMOVED
        if len(argument) == 4:
            self._need_extensions("DefaultValue of Fn::FindInMap", path)
            if not isinstance(argument[3], dict) or list(argument[3]) != ["DefaultValue"]:
                raise TemplateError("the fourth argument of Fn::FindInMap is {DefaultValue: ...}", path)
            default = self.evaluate(argument[3]["DefaultValue"], (*path, 3, "DefaultValue"))
        try:
            return self.mappings[name][first][second]
        except (KeyError, TypeError):
            if default is not REMOVED:
                return default
            raise TemplateError(f"the template's Mappings have no {name}.{first}.{second}", path) from None

    # --- conditions ---------------------------------------------------------------------------------------------------------------

    def _if(self, argument: Any, path: Path) -> Any:
        if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[0], str):
            raise TemplateError(
                "Fn::If takes the name of a condition, the value if it is true and the value if it is false", path
            )
        chosen = 1 if self.condition(argument[0], (*path, 0)) else 2
        return self.evaluate(argument[chosen], (*path, chosen))

    def _equals(self, argument: Any, path: Path) -> bool:
        left, right = self._pair("Fn::Equals", argument, path)
        return bool(self._comparable(left) == self._comparable(right))

    def _not(self, argument: Any, path: Path) -> bool:
        if not isinstance(argument, list) or len(argument) != 1:
            raise TemplateError("Fn::Not takes a list of one condition", path)
        return not self.condition(argument[0], (*path, 0))

    def _and(self, argument: Any, path: Path) -> bool:
        return all(self._conditions("Fn::And", argument, path))

    def _or(self, argument: Any, path: Path) -> bool:
        return any(self._conditions("Fn::Or", argument, path))

    def _conditions(self, function: str, argument: Any, path: Path) -> list[bool]:
        if not isinstance(argument, list) or not 2 <= len(argument) <= 10:
            raise TemplateError(f"{function} takes a list of 2 to 10 conditions", path)
        return [self.condition(item, (*path, index)) for index, item in enumerate(argument)]

    # --- helpers ------------------------------------------------------------------------------------------------------------------

    def _pair(self, function: str, argument: Any, path: Path) -> tuple[Any, Any]:
        if not isinstance(argument, list) or len(argument) != 2:
            raise TemplateError(f"{function} takes a list of two", path)
        return self.evaluate(argument[0], (*path, 0)), self.evaluate(argument[1], (*path, 1))

    def _need_extensions(self, function: str, path: Path) -> None:
        if not self.language_extensions:
            raise TemplateError(f"{_LANGUAGE_EXTENSIONS} {function}", path)

    def _text(self, value: Any, path: Path) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        kind = "AWS::NoValue" if value is REMOVED else "a list" if isinstance(value, list) else "a mapping"
        raise TemplateError(f"{kind} stands where a string is needed", path)

    def _comparable(self, value: Any) -> Any:
        return self._text(value, ()) if isinstance(value, bool | int | float) else value


def contains_unknown(value: Any) -> bool:
    """Whether any part of `value` is known only later."""
    if isinstance(value, dict):
        return any(contains_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(contains_unknown(item) for item in value)
    return isinstance(value, Unknown)


def _joined(parts: list[str]) -> str:
    text = "".join(parts)
    return Unknown(text) if any(isinstance(part, Unknown) for part in parts) else text


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, map(str, known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


_FUNCTIONS: dict[str, Callable[[Scope, Any, Path], Any]] = {
    "Ref": Scope._ref,
    "Fn::GetAtt": Scope._get_att,
    "Fn::Sub": Scope._sub,
    "Fn::Join": Scope._join,
    "Fn::Split": Scope._split,
    "Fn::Select": Scope._select,
    "Fn::Base64": Scope._base64,
    "Fn::Cidr": Scope._cidr,
    "Fn::Length": Scope._length,
    "Fn::ToJsonString": Scope._to_json,
    "Fn::FindInMap": Scope._find_in_map,
    "Fn::If": Scope._if,
    "Fn::Equals": Scope._equals,
    "Fn::Not": Scope._not,
    "Fn::And": Scope._and,
    "Fn::Or": Scope._or,
}
