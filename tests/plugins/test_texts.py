"""A template comes to the same text as by Ansible's own lookup, and for many items is compiled once."""

from pathlib import Path
from typing import Any

import jinja2
import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar

from plugins.action.seclyzer_deployment import together
from plugins.lookup import texts


def ansibles(**needs: Any) -> Any:
    """Ansible's own lookup."""
    return lookup_loader.get("template", **needs)


TEXT = """# {{ kind }} of {{ owner }}
{% if kind == 'a' %}
first
{% endif %}
  kept: {{ kind }}\\n{{ 'x\\ty' }}

"""
SHARED = TEXT.replace("kind", "item")


def lookup(plugin: Any, folder: Path, terms: list[str], variables: dict[str, Any], **given: Any) -> list[str]:
    """What a lookup makes of a template of a folder."""
    loader = DataLoader()
    loader.set_basedir(str(folder))
    known = {"ansible_search_path": [str(folder)], **variables}
    made = plugin(loader=loader, templar=Templar(loader=loader, variables=known))
    return [str(text) for text in made.run(terms, variables=known, **given)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A role's folder with a template for one kind, and one for each item."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "one.j2").write_text(TEXT)
    (tmp_path / "templates" / "each.j2").write_text(SHARED)
    return tmp_path


@pytest.mark.parametrize("kind", ["a", "b", "ö # {{ x }}"])
def test_a_text_is_that_of_ansibles_own_lookup(folder: Path, kind: str) -> None:
    variables = {"kind": kind, "owner": "ann"}
    (text,) = lookup(texts.LookupModule, folder, ["one.j2"], variables)
    assert text.startswith(f"# {kind} of ann\n") and text.endswith(f"  kept: {kind}\\nx\ty\n\n")
    assert [text] == lookup(ansibles, folder, ["one.j2"], variables)


def test_texts_of_items_are_those_of_each_alone_and_compiled_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ["a", "b", "c"]
    alone = [lookup(texts.LookupModule, folder, ["one.j2"], {"kind": kind, "owner": "ann"})[0] for kind in kinds]
    compiled: list[str] = []
    compile_of = jinja2.Environment.compile

    def counted(self: Any, source: Any, *args: Any, **more: Any) -> Any:
        compiled.append(str(source))
        return compile_of(self, source, *args, **more)

    monkeypatch.setattr(jinja2.Environment, "compile", counted)
    assert lookup(texts.LookupModule, folder, ["each.j2"], {}, each=kinds, owner="ann") == alone
    assert len(compiled) == 1
    assert lookup(texts.LookupModule, folder, ["each.j2"], {}, each=[], owner="ann") == []


def test_a_value_that_would_divide_texts_is_refused(folder: Path) -> None:
    with pytest.raises(AnsibleLookupError, match=r"U\+001E"):
        lookup(texts.LookupModule, folder, ["each.j2"], {}, each=["a", "b\x1ec"], owner="ann")


def test_a_template_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(AnsibleLookupError, match=r"there is no template other\.j2"):
        lookup(texts.LookupModule, folder, ["other.j2"], {})


def test_parts_of_a_deployment_come_together_by_file() -> None:
    one = {"units": {"a.service": "A"}, "config": {"a.yaml": "x"}}
    two = {"units": {"b.service": "B"}, "probes": {"agent": "127.0.0.1:1"}}
    assert together([one, {}, two]) == {
        "units": {"a.service": "A", "b.service": "B"},
        "config": {"a.yaml": "x"},
        "probes": {"agent": "127.0.0.1:1"},
    }
    assert together([]) == {}
    assert one == {"units": {"a.service": "A"}, "config": {"a.yaml": "x"}}
