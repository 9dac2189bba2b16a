"""The contract that every object store keeps, of the unit tests, against real servers."""

import os
import re
import subprocess

import pytest

from daemon import ROOT
from object_servers import Rclone, Swift


@pytest.mark.parametrize("kind", [
    pytest.param(Rclone, id="rclone"), pytest.param(Swift, id="swift", marks=pytest.mark.root)])
def test_the_object_store_contract_holds(kind):
    server = kind()
    try:
        swift = subprocess.run([ROOT / "packaging/find-swift"], capture_output=True, text=True, check=True).stdout.strip()
        done = subprocess.run(
            # The simulation may have the lock meanwhile; neither builds.
            [swift, "test", "--ignore-lock", "--skip-build", "--disable-xctest", "--filter", "ObjectStoreContract"],
            cwd=ROOT,
            env={**os.environ, "UPLOADER_TEST_S3":
                 f"{server.endpoint} {server.bucket} {server.key} {server.secret} {server.region}"},
            capture_output=True, text=True)
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        # Eight of the contract with three stores each, or it was not built, or not told of the server.
        assert re.search(rf"{server.bucket} at {server.endpoint}", said), said
    finally:
        server.close()
