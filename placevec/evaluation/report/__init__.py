"""Writes the report of an evaluation: a page for people, a table and figures for programs."""

from placevec.evaluation.report.cluster_maps import ClusterMaps as ClusterMaps
from placevec.evaluation.report.write import REPORT_FILES as REPORT_FILES
from placevec.evaluation.report.write import write_report as write_report
