"""Finds groups of photos that show the same place."""

from placevec.grouping.group import group as group
from placevec.grouping.groups import Groups as Groups
from placevec.grouping.write import write_groups as write_groups
