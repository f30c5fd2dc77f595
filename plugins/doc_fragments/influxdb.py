"""Options that the InfluxDB modules share. Their types and defaults stand in module_utils/influxdb_api.py."""


class ModuleDocFragment:
    """Found by `extends_documentation_fragment: [seclyzer.edge.influxdb]`."""

    DOCUMENTATION = r"""
options:
  url:
    description: Where InfluxDB answers, as its clients reach it.
    type: str
    required: true
  org:
    description: The organisation.
    type: str
    default: seclyzer
  bucket:
    description: The bucket of the features.
    type: str
    default: behavioral_data
  ca_path:
    description: Where the CA to trust stands for all who reach InfluxDB from this host. Without it the host's own are.
    type: path
    default: /etc/seclyzer/influx-ca.crt
author:
  - The SecLyzer maintainers (@seclyzer)
"""

    CA = r"""
options:
  ca_content:
    description: Text of the CA that is put at O(ca_path).
    type: str
    default: ""
  ca_remote:
    description: File on the host with the CA that is put at O(ca_path).
    type: str
    default: ""
"""

    OPERATOR = r"""
options:
  operator_token_file:
    description: File with the operator token.
    type: path
    default: /etc/seclyzer/credentials/influx-operator-token
"""
