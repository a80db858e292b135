"""The order in which resources can be made."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from stratus.template.errors import TemplateError


def creation_order(depends_on: Mapping[str, Iterable[str]]) -> list[str]:
    """The keys of `depends_on`, each after everything it depends on, otherwise in the order given; names that are no key are skipped.

    Raises TemplateError naming the resources of a circle.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, needed in depends_on.items():
        sorter.add(name, *(other for other in needed if other in depends_on))
    try:
        return list(sorter.static_order())
    except CycleError as error:
        circle = list(dict.fromkeys(error.args[1]))
        message = f"circular dependency between resources: {' -> '.join([*circle, circle[0]])}; break it, for example with a name by !Sub"
        raise TemplateError(message, ("Resources", circle[0])) from error
