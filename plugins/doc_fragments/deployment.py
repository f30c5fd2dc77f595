"""Options of M(seclyzer.edge.seclyzer_deployment) that belong to one state. Their types and defaults stand there."""


class ModuleDocFragment:
    """Found by `extends_documentation_fragment: [seclyzer.edge.deployment.staged]`, and likewise the others."""

    STAGED = r"""
options:
  bundle:
    description: Folder with the bundle on the controller. Needed for C(staged).
    type: path
  manifest:
    description: The text of the bundle's C(manifest.json). Set by the action, which reads it from I(bundle).
    type: str
  sums:
    description: The text of the bundle's C(SHA256SUMS), which has to name that manifest and its archives. Set likewise.
    type: str
  signature:
    description: The text of the bundle's C(SHA256SUMS.sig), as C(ssh-keygen -Y sign) writes it. Set likewise.
    type: str
    default: ""
  signers:
    description:
      - Who may sign a bundle, each a line of C(ssh-keygen)'s allowed signers. For C(staged).
      - Without it, the action names the key of the controller's user, which C(make bundle) makes.
    type: list
    elements: str
  allow_unsigned:
    description: Whether a bundle without a signature is accepted.
    type: bool
    default: false
  archives:
    description: Folder on the host with archives that were sent. Set by the action.
    type: path
  mode:
    description: The mode, as people say it. None on a host without extractors.
    type: str
  implementations:
    description: What runs each extractor.
    type: dict
    default: {}
  units:
    description: Unit files, text by name.
    type: dict
    default: {}
  config:
    description: Configuration files, text by name. They hold no secrets.
    type: dict
    default: {}
  probes:
    description: Where health asks.
    type: dict
    default: {}
  parts:
    description: >-
      Parts with I(units), I(config) and I(probes) of their own, which the action puts together; for C(staged), in the
      place of these three.
    type: list
    elements: dict
    default: []
  retry:
    description: For C(staged), whether to stage again what failed on this host or was returned from.
    type: bool
    default: false
  store_away:
    description: For C(staged), whether a program that does not reach InfluxDB is no fault, since it is away.
    type: bool
    default: false
  shadow_seconds:
    description:
      - For C(staged), seconds for which the host compares the staged programs with those that run, on its live events.
        It only begins here; C(seclyzer_compare) waits for the result, by I(job) of the returned C(shadow). Nothing is
        begun when no other program would run or no events flow.
      - With 0, nothing is compared.
    type: float
    default: 0
  values_change:
    description: >-
      For C(staged), whether the staged programs are known to compute other values, which then is reported only.
    type: bool
    default: false
"""

    STATUS = r"""
options:
  scope:
    description:
      - What C(status) reports. With C(runs), also the deployments and runs of the host, its lease and its trial.
      - With C(files), also what was changed in the files of what runs, which are all read for that.
    type: str
    choices: [host, runs, files]
    default: host
  overview:
    description: For C(status), whether the host's agent is asked what its page shows.
    type: bool
    default: false
  resolve:
    description: Names to look up on the host, for C(status).
    type: list
    elements: str
    default: []
  ports:
    description: Ports of which it is asked who listens there, for C(status).
    type: list
    elements: int
    default: []
  redis_units:
    description: The units that Redis' package may bring, for C(status).
    type: list
    elements: str
    default: []
"""

    LEASE = r"""
options:
  process:
    description: Names the process of the run on its controller, for the lease. Set by the action.
    type: str
    default: ""
  take_over:
    description: Whether to take the host from another run that has it.
    type: bool
    default: false
  waited_for:
    description: For C(staged), the later run for which this one has waited on the host. Set by the action.
    type: str
    default: ""
  why:
    description: For C(given_back), why the run does not go on, for the history.
    type: str
    default: ""
"""
