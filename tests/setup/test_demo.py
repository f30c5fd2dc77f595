"""What the demo names at its end is there: files of the checkout, hosts of the lab, the playbook."""

import re

from lab.labs import labs
from scripts import demo
from tests.helpers import ROOT

TEXT = demo.places_to_look(labs()["demo"])


def test_every_file_that_is_named_is_there() -> None:
    files = re.findall(r"\b(?:scripts|playbooks|docs|monitoring|inventories)/[\w./]+", TEXT)
    assert {"scripts/demo_query.sh", "playbooks/status.yml", "docs/operations.md"} <= set(files)
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_every_host_that_is_named_is_one_of_the_lab() -> None:
    hosts = re.findall(r"ssh -F \.lab/demo/ssh_config (?:-N -L \S+ )?(\w+)", TEXT)
    assert set(hosts) == {"edge1", "store"} <= {host.name for host in labs()["demo"].hosts}


def test_the_page_s_address_is_the_one_that_is_forwarded() -> None:
    forwarded = re.search(r"-L (\d+):127\.0\.0\.1:9484 ", TEXT)
    assert forwarded and f"http://127.0.0.1:{forwarded[1]}/" in TEXT
