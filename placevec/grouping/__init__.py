"""Groups: photos of one place among many photos."""

from placevec.grouping.group import group as group
from placevec.grouping.groups import Groups as Groups
from placevec.grouping.write import write_groups as write_groups
