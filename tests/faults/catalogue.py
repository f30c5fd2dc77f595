"""All faults, by name."""

from . import app_faults, disk_faults, gateway_faults, influx_faults, kills, redis_faults, storm, time_faults

MODULES = (kills, redis_faults, time_faults, app_faults, influx_faults, gateway_faults, disk_faults, storm)
FAULTS = {fault.name: fault for module in MODULES for fault in module.FAULTS}
