"""Looks for faults in photos with positions, and in what is installed on this machine."""

from placevec.checking.check import Report as Report
from placevec.checking.check import check as check
from placevec.checking.doctor import doctor as doctor
from placevec.checking.findings import Finding as Finding
from placevec.checking.info import info as info
