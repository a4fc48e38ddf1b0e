"""The doctor: looks for faults in photos with positions and says what it found."""

from placevec.checking.check import Report as Report
from placevec.checking.check import check as check
from placevec.checking.findings import Finding as Finding
