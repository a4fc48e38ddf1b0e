import json
import logging
import os
import signal
import subprocess
import sys
import traceback
from urllib.parse import quote

import pytest
from conftest_collecting import KEY, SECRET, wait_until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placevec.collecting import collect_streetview
from placevec.collecting.client import RefusedError, ServiceError, TryAgainError
from placevec.collecting.streetview import Panorama, read_metadata, sign
from placevec.config import StreetviewConfig
from placevec.sources import open_places
