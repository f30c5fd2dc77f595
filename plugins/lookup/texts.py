"""Texts of a template: one, or one for each of some items."""

from __future__ import annotations

from collections import ChainMap
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.template import generate_ansible_template_vars, trust_as_template

DOCUMENTATION = r"""
name: texts
short_description: What a template comes to, once or for each of some items
version_added: "0.1.0"
description:
  - As C(ansible.builtin.template), which copies all variables of the host for each text. That is most of what it costs.
  - What is given by a name of its own is worked out once, however often and for however many items it is used. A
    variable that the template finds by itself is worked out wherever it stands.
author: The SecLyzer maintainers (@seclyzer)
options:
  _terms:
    description: The template's name in C(templates).
    required: true
  each:
    description: Items, each of which is C(item) in one text. Without it there is one text.
    type: list
    elements: raw
"""

EXAMPLES = r"""
- name: A text for each item
  ansible.builtin.debug:
    msg: "{{ q('seclyzer.edge.texts', 'unit.j2', each=['a', 'b'], owner=the_owner) }}"
"""

RETURN = r"""
_raw:
  description: The texts.
  type: list
  elements: str
"""

END = "\x1e"
"""Between the texts of a template's items."""


class LookupModule(LookupBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    def run(self, terms: list[Any], variables: Any = None, *, each: Any = None, **values: Any) -> list[str]:
        """The texts, in the order of the items."""
        if len(terms) != 1:
            raise AnsibleLookupError("seclyzer.edge.texts needs the name of one template")
        name = str(terms[0])
        path = self.find_file_in_search_path(variables, "templates", name)
        if not path:
            raise AnsibleLookupError(f"seclyzer.edge.texts: there is no template {name}")
        text = self._loader.get_text_file_contents(path)
        if each is not None:  # compiled once for all, which is what a text costs most
            text = f"{{% for item in each %}}{text}{END}{{% endfor %}}"
            values["each"] = list(each)
        own = generate_ansible_template_vars(name, path) | values
        view = self._templar.copy_with_new_env(
            available_variables=ChainMap(own, variables), searchpath=[str(Path(path).parent)]
        )
        made = view.template(trust_as_template(text), escape_backslashes=False)
        texts = [str(made)] if each is None else str(made).split(END)[:-1]
        if each is not None and len(texts) != len(values["each"]):
            raise AnsibleLookupError(f"seclyzer.edge.texts: a value in {name} has the control character U+001E")
        return texts
