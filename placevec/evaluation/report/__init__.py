"""The report of an evaluation: a page to look at, a table and figures to read by programs."""

from placevec.evaluation.report.cluster_maps import ClusterMaps as ClusterMaps
from placevec.evaluation.report.write import write_report as write_report
